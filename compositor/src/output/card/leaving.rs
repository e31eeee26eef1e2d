//! Displays that are unplugged but not turned off yet.

use crate::{output::planes::request::OnPlane, system::id::OutputId};

/// A display that is gone, but not turned off yet.
#[derive(Debug)]
pub struct Leaving {
    pub id: OutputId,
    pub kms: kms::Output,
    /// What it still reads.
    pub _shows: Vec<OnPlane>,
}
