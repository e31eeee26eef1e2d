//! Pending commits that are left to the next latch.

use std::sync::Arc;

use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

use crate::{output::state::Output, surface::gate::PendingCommit, system::id::OutputId};

/// A commit to look at.
#[derive(Debug)]
pub struct DeferredAcquire {
    /// [`Output::id`] of the output that shows most of the surface.
    pub output: OutputId,
    pub surface: Weak<WlSurface>,
    pub commit: Arc<PendingCommit>,
}

impl Output {
    /// Whether it is to latch, or at least to look whether it has to.
    pub fn is_due(&self) -> bool {
        self.dirty || self.look
    }
}
