//! Pending commits that are left to the next latch.

use std::sync::Arc;

use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

use crate::{surface::gate::PendingCommit, system::id::OutputId};

/// A commit to look at.
#[derive(Debug)]
pub struct DeferredAcquire {
    /// [`Output::id`] of the output that shows most of the surface.
    pub output: OutputId,
    pub surface: Weak<WlSurface>,
    pub commit: Arc<PendingCommit>,
}
