//! A frame that is with the kernel and not on the screen yet: what is to be told, and to whom, when
//! it flips.
//!
//! Plain data; [`crate::session::frame::flip`] sends it.

use fence::{Ns, SyncFile};
use smithay::{
    reexports::wayland_server::protocol::wl_callback::WlCallback, wayland::presentation::PresentationFeedbackCallback,
};

use crate::{crc::check::Check, schedule::Timing, system::id::SurfaceId};

/// A frame in flight: submitted, not flipped yet.
pub struct InFlight {
    /// The number of the frame.
    pub frame: u64,
    /// The vblank that the frame was latched for, CLOCK_MONOTONIC.
    pub vblank: Ns,
    /// Signals at the flip. Kept only while the trace or the CRCs are on.
    pub out_fence: Option<SyncFile>,
    /// Nothing was composited: all visible layers are on planes.
    pub direct: bool,
    /// A client's pending acquire fence was committed as an in-fence.
    pub fenced: bool,
    /// When the steps of the frame were.
    pub timing: Timing,
    /// Signals when the GPU has rendered the frame; `None`: the CPU did, or nothing was composited.
    pub render_fence: Option<SyncFile>,
    /// What to send to clients at the flip.
    pub callbacks: FrameCallbacks,
    /// The planes from which the frame's CRC is predicted; only while CRCs are on.
    pub check: Option<Check>,
}

/// The frame callbacks and presentation feedback to send at the flip. Reused for every frame of an
/// output.
#[derive(Default)]
pub struct FrameCallbacks {
    /// The flip is asynchronous: the frame appears in the middle of a scan-out.
    pub tears: bool,
    /// Each feedback with whether the client's own buffer is on a plane, and with the surface's id.
    pub feedback: Vec<(PresentationFeedbackCallback, bool, SurfaceId)>,
    /// The frame callbacks of the surfaces that the frame shows.
    pub callbacks: Vec<WlCallback>,
}

impl InFlight {
    /// Ends a frame whose flip will not be reported: the display is gone, or another session has
    /// it. Feedback is discarded; frame callbacks are sent with the time `millis` (ms).
    pub fn abandon(self, millis: u32) {
        self.callbacks.feedback.into_iter().for_each(|(feedback, ..)| feedback.discarded());
        // Without the callback a client would wait forever before its next frame.
        self.callbacks.callbacks.into_iter().for_each(|callback| callback.done(millis));
    }
}
