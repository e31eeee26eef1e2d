//! Displays that are unplugged but not turned off yet.
//!
//! Plain data: it commits nothing.

use crate::{output::planes::request::KmsOutput, system::id::OutputId};

/// An unplugged display that is not turned off yet.
#[derive(Debug)]
pub struct Leaving {
    pub id: OutputId,
    /// It holds the buffers that the display scans out until it is off.
    pub kms: KmsOutput,
}
