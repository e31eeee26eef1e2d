//! `desktop`: what a desktop with a bar, windows and their rings costs while nothing happens, and how soon it
//! does what a key asks for.
//!
//! Counts are exact. The time from a key to the screen is judged against a control of the same run,
//! as in [`super::kms`]. That of the layout's arithmetic is in compositor/benches/layout.rs.

mod desk;
mod direct;
mod idle;
mod options;
mod switching;

pub use options::Options;

use super::table;
use crate::error::Result;

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let mut rows = idle::rows(options)?;
    rows.extend(direct::rows(options)?);
    rows.extend(switching::rows(options)?);
    print!("{}", table(&["", "limit", "Syncline", ""], &rows));
    Ok(rows.iter().all(|row| row.kept))
}
