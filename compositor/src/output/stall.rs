//! Whether the commit in flight waits for a fence, and for whose fence.
//!
//! It asks for the state of fences; it never waits for one.

use std::sync::Arc;

use fence::AcquireState;

use crate::{
    output::{phase::Phase, planes::request::OnPlane, state::Output},
    surface::content::Content,
};

impl Output {
    /// The client's content whose pending acquire fence the commit in flight waits for.
    pub fn waits_for(&self) -> Option<&Arc<Content>> {
        self.on_planes().find_map(|(_, on)| match on {
            OnPlane::Content(content) if matches!(content.advance(), Ok(AcquireState::Pending)) => Some(content),
            _ => None,
        })
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
