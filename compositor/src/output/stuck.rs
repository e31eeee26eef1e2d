//! Whether the commit in flight waits for a fence, and for whose.

use std::sync::Arc;

use fence::AcquireState;

use crate::{
    output::{planes::request::OnPlane, state::Output},
    surface::content::Content,
};

impl Output {
    /// The client's content whose pending fence the commit in flight waits for.
    pub fn waits_for(&self) -> Option<&Arc<Content>> {
        let pending = |on: &&Option<OnPlane>| match on {
            Some(OnPlane::Content(content)) => matches!(content.advance(), Ok(AcquireState::Pending)),
            _ => false,
        };
        self.on_plane.iter().find(pending)?.as_ref().and_then(|on| match on {
            OnPlane::Content(content) => Some(content),
            OnPlane::Target(_) => None,
        })
    }

    /// The GPU has not drawn the frame in flight.
    fn waits_for_gpu(&self) -> bool {
        let fence = self.in_flight.as_ref().and_then(|in_flight| in_flight.render_fence.as_ref());
        fence.is_some_and(|fence| !fence.is_signalled())
    }

    /// A commit is with the kernel and waits for a fence: nothing that blocks may be asked for this CRTC.
    pub fn is_stuck(&self) -> bool {
        self.watch.is_held() || self.kms.in_flight().is_some() && (self.waits_for_gpu() || self.waits_for().is_some())
    }
}
