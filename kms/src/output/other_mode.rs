//! Another mode for an output that is set up already: its CRTC and its planes stay.
//!
//! Asks the kernel for nothing but the mode's blob; a modeset sets the mode.

use crate::blob::Blob;
use crate::{Mode, Output, OutputError};

/// A mode that an output may get ([`Output::exchange_mode`]), or the one that it had.
#[derive(Debug)]
pub struct OtherMode {
    mode: Mode,
    blob: Blob,
}

impl<P> Output<P> {
    /// Prepares another mode. Errors: ENOMEM.
    pub fn other_mode(&self, mode: &Mode) -> Result<OtherMode, OutputError> {
        Ok(OtherMode { mode: mode.clone(), blob: Blob::new(&self.device, mode.blob())? })
    }

    /// Takes the other mode and gives back its own: the next modeset sets it. Until then, or until it is
    /// exchanged again, no other frame may be made: they would be of the wrong size.
    pub fn exchange_mode(&mut self, other: &mut OtherMode) {
        std::mem::swap(&mut self.mode, &mut other.mode);
        std::mem::swap(&mut self.mode_blob, &mut other.blob);
    }
}
