//! A client's acquire fence as Smithay's renderers wait for it.
//!
//! It never waits on the CPU.

use std::os::fd::OwnedFd;

use smithay::backend::renderer::sync::{Fence, Interrupted};

/// An acquire fence for the GPU to wait for.
#[derive(Debug)]
pub struct ClientFence(pub fence::SyncFile);

impl Fence for ClientFence {
    fn is_signaled(&self) -> bool {
        self.0.is_signalled()
    }

    fn wait(&self) -> Result<(), Interrupted> {
        // Reached only if the GPU refuses the fence: the CPU does not composite contents with
        // pending fences.
        if self.0.is_signalled() { Ok(()) } else { Err(Interrupted) }
    }

    fn is_exportable(&self) -> bool {
        true
    }

    fn export(&self) -> Option<OwnedFd> {
        self.0.try_clone().ok().map(fence::SyncFile::into_fd)
    }
}
