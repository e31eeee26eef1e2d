//! `scale`: what a frame of one small window costs when a desktop grows around it: sub-surfaces,
//! windows, displays, another renderer, a client that rearranges its tree.
//!
//! Each measurement has a compositor of its own. The scenarios of a part are measured in turn,
//! control included, and the median of the rounds counts ([`sample`]). A part with a figure over
//! its limit is measured again, whole and with new controls, before it counts as broken.

pub(super) mod animated;
mod crowd;
mod fences;
mod options;
mod outputs;
mod renderers;
pub(super) mod sample;
mod tree;

pub(super) use options::compositing;
pub use options::{Options, Part};

use super::judge::{ATTEMPTS, attempts};
use super::{Row, table};
use crate::error::Result;

type Rows = fn(&Options) -> Result<Vec<Row>>;

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let parts: [(Part, Rows); 6] = [
        (Part::SubSurfaces, crowd::sub_surfaces),
        (Part::Windows, crowd::windows),
        (Part::Outputs, outputs::rows),
        (Part::Fences, fences::rows),
        (Part::Gles, renderers::rows),
        (Part::Tree, tree::rows),
    ];
    let mut rows = Vec::new();
    for (_, measure) in parts.into_iter().filter(|(part, _)| options.wants(*part)) {
        rows.extend(attempts(ATTEMPTS, || measure(options), |rows| rows.iter().all(|row| row.kept))?);
    }
    print!("{}", table(&["scale, real time", "limit", "Syncline", ""], &rows));
    Ok(rows.iter().all(|row| row.kept))
}
