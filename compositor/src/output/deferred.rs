//! Pending commits whose acquire fences the next latch checks.

use std::sync::Arc;

use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

use crate::{surface::gate::PendingCommit, system::id::OutputId};

/// A pending commit that the next latch of `output` checks.
#[derive(Debug)]
pub struct DeferredAcquire {
    /// [`Output::id`](crate::output::state::Output::id) of the surface's home output.
    pub output: OutputId,
    pub surface: Weak<WlSurface>,
    pub commit: Arc<PendingCommit>,
}
