//! A client's acquire fence as Smithay's renderers wait for it.
//!
//! It never waits on the CPU.

use std::{
    os::fd::OwnedFd,
    sync::{Mutex, MutexGuard},
};

use fence::SyncFile;
use smithay::backend::renderer::sync::{Fence, Interrupted};

/// An acquire fence for the GPU to wait for. Its descriptor is given away with it, so that none is
/// needed when the GPU takes it.
#[derive(Debug)]
pub struct ClientFence(Mutex<Option<SyncFile>>);

impl ClientFence {
    /// Takes the fence.
    pub fn new(fence: SyncFile) -> Self {
        Self(Mutex::new(Some(fence)))
    }

    fn file(&self) -> MutexGuard<'_, Option<SyncFile>> {
        self.0.lock().expect("no panic while locked")
    }
}

impl Fence for ClientFence {
    fn is_signaled(&self) -> bool {
        self.file().as_ref().is_some_and(SyncFile::is_signalled)
    }

    fn wait(&self) -> Result<(), Interrupted> {
        // Reached only if the GPU refuses the fence: the CPU does not composite contents with
        // pending fences.
        if self.is_signaled() { Ok(()) } else { Err(Interrupted) }
    }

    fn is_exportable(&self) -> bool {
        true
    }

    fn export(&self) -> Option<OwnedFd> {
        self.file().take().map(SyncFile::into_fd)
    }
}
