//! The CRC files of a CRTC by way of the helper, for a session that may not enter debugfs.
//!
//! Keeps no descriptor: each call asks again.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crcd::client::{AskError, ask};
use crcd::files::{Failed, Step};
use crcd::protocol::{Refusal, Request, What};
use rustix::io::Errno;

use super::error::NoHelper;
use crate::id::CrtcIndex;

/// A helper, and what to ask it for.
#[derive(Debug, Clone)]
pub(super) struct Helper {
    /// Where it listens.
    pub socket: PathBuf,
    /// Major and minor number of the card.
    pub device: (u32, u32),
    /// The CRTC.
    pub crtc: CrtcIndex,
}

/// Why the helper has given no descriptor.
pub(super) enum HelperError {
    /// It does not help.
    None(NoHelper),
    /// The kernel has refused it.
    Failed(Failed),
}

impl Helper {
    /// A descriptor of one of the files.
    pub fn open(&self, what: What) -> Result<OwnedFd, HelperError> {
        let request = Request { what, device: self.device, crtc: self.crtc.raw() };
        let socket = || self.socket.clone();
        ask(&self.socket, &request).map_err(|error| match error {
            AskError::NotThere => HelperError::None(NoHelper::NotThere(socket())),
            AskError::NotAllowed => HelperError::None(NoHelper::NotAllowed(socket())),
            AskError::Refused(Refusal::Failed(failed)) => HelperError::Failed(failed),
            AskError::Refused(_) => HelperError::Failed(Failed { step: Step::Find, errno: Errno::INVAL }),
            AskError::Broken(call, errno) => HelperError::None(NoHelper::Broken { path: socket(), call, errno }),
        })
    }
}
