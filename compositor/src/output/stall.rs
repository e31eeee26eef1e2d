//! Whether the commit in flight waits for a fence, and for whose fence.
//!
//! It asks for the state of fences; it never waits for one.

use std::sync::Arc;

use fence::AcquireState;

use crate::{
    output::{phase::Phase, planes::request::OnPlane, state::Output},
    render::readiness,
    surface::content::Content,
    system::id::SurfaceId,
};

impl Output {
    /// The client's content for whose fence the commit in flight waits: its acquire fence, or one in
    /// its memory if the plane has no in-fence.
    pub fn waits_for(&self) -> Option<&Arc<Content>> {
        self.contents_on_planes().find_map(|(plane, content)| {
            let acquire = !content.is_held_back() && matches!(content.advance(), Ok(AcquireState::Pending));
            let waits = acquire || !self.takes_in_fence(plane) && !readiness::is_memory_readable(content);
            waits.then_some(content)
        })
    }

    fn contents_on_planes(&self) -> impl Iterator<Item = (usize, &Arc<Content>)> {
        self.on_planes().filter_map(|(plane, on)| match on {
            OnPlane::Content(content) => Some((plane, content)),
            OnPlane::Target(_) => None,
        })
    }

    /// Whether a plane shows the content, and does not wait for the fences that clients have put
    /// into its memory since.
    pub fn shows_without_wait(&self, content: &Arc<Content>) -> bool {
        self.contents_on_planes().any(|(plane, on)| Arc::ptr_eq(on, content) && self.takes_in_fence(plane))
    }

    /// Whether a plane shows the content.
    pub fn shows_on_plane(&self, content: &Content) -> bool {
        self.contents_on_planes().any(|(_, on)| std::ptr::eq(&**on, content))
    }

    /// Whether a plane shows a content of the surface.
    pub fn has_on_plane(&self, surface: SurfaceId) -> bool {
        self.contents_on_planes().any(|(_, on)| on.surface == surface)
    }

    /// Whether a client's buffer on a plane goes with an in-fence, so that the kernel does not add
    /// the fences in its dma-buf.
    pub fn takes_in_fence(&self, plane: usize) -> bool {
        self.has_in_fences && self.kms.planes()[plane].props.in_fence_fd.is_some()
    }

    /// Whether the GPU is still rendering the frame in flight.
    fn waits_for_gpu(&self) -> bool {
        let fence = self.machine.frame().and_then(|frame| frame.render_fence.as_ref());
        fence.is_some_and(|fence| !fence.is_signalled())
    }

    /// Whether the output is stalled behind a fence: its commit in flight waits for one. While that
    /// is so, a blocking commit or read for this CRTC would block too.
    pub fn is_stalled(&self) -> bool {
        match self.machine.phase() {
            Phase::Held => true,
            Phase::Frame { .. } => self.waits_for_gpu() || self.waits_for().is_some(),
            _ => false,
        }
    }
}
