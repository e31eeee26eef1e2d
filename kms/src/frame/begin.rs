//! What begins a frame of an output, or turns the output off and on.

use super::{Frame, FrameKind};
use crate::{CommitError, Output};

impl<P: PartialEq> Output<P> {
    /// Begins a frame: planes that are not mentioned stay as they are.
    pub fn frame(&mut self) -> Frame<'_, P> {
        Frame::new(self, FrameKind::Flip)
    }

    /// Begins a frame that sets the mode too: planes that are not mentioned are turned off. The
    /// mode is set when its flip comes.
    pub fn modeset(&mut self) -> Frame<'_, P> {
        Frame::new(self, FrameKind::Modeset)
    }

    /// Begins the frame that lets go of the CRTC, the connector and all planes, to be tested or committed
    /// with others ([`super::together`]); [`Output::disable`] commits one alone.
    pub fn off(&mut self) -> Frame<'_, P> {
        Frame::new(self, FrameKind::Off)
    }

    /// Turns the output off, without blocking: the connector is free, the CRTC inactive, all planes
    /// off when the flip event with `user_data` comes. Keep the output until then: its CRTC is not
    /// free for another before.
    ///
    /// True if there will be an event. There is none where the display was asleep, or its state was
    /// unknown; then it is off at once, as far as the next commit is concerned. Errors leave it as
    /// it was; EBUSY: a commit is in flight (one that waits for a fence, perhaps forever), try
    /// again after its flip.
    pub fn disable(&mut self, user_data: u64) -> Result<bool, CommitError> {
        Frame::new(self, FrameKind::Off).commit(user_data)?;
        Ok(self.in_flight().is_some())
    }

    /// Turns the display off (DPMS) without blocking, and keeps everything else: mode, planes,
    /// their framebuffers. It is off when the flip event comes. Errors as of [`Frame::commit`];
    /// EINVAL at [`crate::Step::State`]: it is asleep already.
    pub fn sleep(&mut self, user_data: u64) -> Result<(), CommitError> {
        Frame::new(self, FrameKind::Sleep).commit(user_data).map(drop)
    }

    /// Begins the frame that turns a sleeping display on again: planes that are not mentioned show
    /// what they did.
    pub fn wake(&mut self) -> Frame<'_, P> {
        Frame::new(self, FrameKind::Wake)
    }
}
