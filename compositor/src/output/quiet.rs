//! The moments in which no other output of a card has a commit in flight.
//!
//! Where all CRTCs share what a new layout of planes changes, the kernel refuses one while another
//! CRTC's commit is in flight (i915: EBUSY), or sleeps until that is on the screen (amdgpu, also in a
//! test). Such a frame is made when the others have flipped, and then at once: at its usual time, a
//! little before the vblank, another output that never rests would always be in the way.
//!
//! Plain data: `Output::plan_for_quiet` plans for it.

/// What an output waits for until such a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuietMoment {
    /// Nothing.
    #[default]
    Any,
    /// It shows what it can, and searches for a better layout then.
    Wanted,
    /// It shows nothing new before.
    Needed,
}
