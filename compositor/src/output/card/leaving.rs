//! Displays that are unplugged but not turned off yet.
//!
//! Plain data: it commits nothing.

use crate::{output::planes::request::OnPlane, system::id::OutputId};

/// An unplugged display that is not turned off yet.
#[derive(Debug)]
pub struct Leaving {
    pub id: OutputId,
    pub kms: kms::Output,
    /// The buffers that the display still scans out; held until it is off.
    pub _shows: Vec<OnPlane>,
}
