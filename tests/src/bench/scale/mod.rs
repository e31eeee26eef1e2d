//! `scale`: what a frame of one small window costs when a desktop grows around it: sub-surfaces,
//! windows, displays, another renderer, a client that rearranges its tree.
//!
//! Each measurement has a compositor of its own. The scenarios of a part are measured in turn,
//! control included, and the median of the rounds counts ([`sample`]): so nothing is tried again,
//! and a figure over its limit is over it.

mod animated;
mod crowd;
mod fences;
mod options;
mod outputs;
mod renderers;
mod sample;
mod tree;

pub use options::{Options, Part};

use super::table;
use crate::error::Result;

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let mut rows = crowd::rows(options)?;
    if options.wants(Part::Outputs) {
        rows.extend(outputs::rows(options)?);
    }
    if options.wants(Part::Fences) {
        rows.extend(fences::rows(options)?);
    }
    if options.wants(Part::Gles) {
        rows.extend(renderers::rows(options)?);
    }
    if options.wants(Part::Tree) {
        rows.extend(tree::rows(options)?);
    }
    print!("{}", table(&["scale, real time", "limit", "Syncline", ""], &rows));
    Ok(rows.iter().all(|row| row.kept))
}
