//! The flip that does not come.
//!
//! A commit that the kernel took has its flip within a frame, unless it waits for a fence:
//! `drm_atomic_helper_wait_for_fences` has no time limit. Until then a non-blocking commit on that
//! CRTC is EBUSY, and a **blocking** one would sleep in `drm_atomic_helper_swap_state` for as long,
//! holding the locks that every other output needs. So a stuck commit is never followed by a
//! blocking call: with a fence pending the output is held, and goes on by itself when the fence
//! signals; without one the flip is lost, and a non-blocking modeset is tried.
//!
//! Reads no clock, sets no timer: [`FlipWatch::due`] says when to call.

use fence::Ns;

/// What to do about a flip that is overdue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverdueAction {
    /// The kernel waits for a fence: answer the clients, name the fence's owner, leave the output
    /// alone. The flip comes when the fence signals, or its owner dies.
    Hold,
    /// No fence is pending: the flip is lost. Set the mode, without blocking.
    Modeset,
}

impl std::fmt::Display for OverdueAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Hold => "holding the output until the fence signals",
            Self::Modeset => "setting the mode again",
        })
    }
}

/// Watches the one commit of an output that may be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FlipWatch(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Idle,
    /// In flight; look at this time.
    Watching(Ns),
    /// Waits for a fence: no need to look, its flip event wakes the compositor.
    Held,
}

impl FlipWatch {
    /// How long a flip may take. The longest frame of any display is a tenth of it.
    pub const LIMIT: Ns = 5_000_000_000;

    /// A commit was taken at `now`, or a recovery failed: look again after [`Self::LIMIT`].
    pub fn committed(&mut self, now: Ns) {
        self.0 = State::Watching(now + Self::LIMIT);
    }

    /// The flip came, or is no longer waited for.
    pub fn flipped(&mut self) {
        self.0 = State::Idle;
    }

    /// When to look; `None` while nothing is in flight or a fence is known to be the cause.
    pub fn due(&self) -> Option<Ns> {
        match self.0 {
            State::Watching(at) => Some(at),
            State::Idle | State::Held => None,
        }
    }

    /// Waits for a fence since the limit was over.
    pub fn is_held(&self) -> bool {
        self.0 == State::Held
    }

    /// Looks, at `now`: a verdict if the flip is overdue. `fence_pending` is asked only then.
    pub fn look(&mut self, now: Ns, fence_pending: impl FnOnce() -> bool) -> Option<OverdueAction> {
        if self.due().is_none_or(|due| now < due) {
            return None;
        }
        if fence_pending() {
            self.0 = State::Held;
            return Some(OverdueAction::Hold);
        }
        self.committed(now);
        Some(OverdueAction::Modeset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_has_five_seconds() {
        let mut watch = FlipWatch::default();
        assert_eq!((watch.due(), watch.look(u64::MAX, || true)), (None, None), "nothing in flight, nothing to look at");
        watch.committed(100);
        assert_eq!(watch.due(), Some(100 + FlipWatch::LIMIT));
        assert_eq!(watch.look(99 + FlipWatch::LIMIT, || panic!("too early to ask")), None);
        watch.flipped();
        assert_eq!(watch.due(), None);
    }

    #[test]
    fn a_commit_that_waits_for_a_fence_is_held_without_a_wake_up() {
        let mut watch = FlipWatch::default();
        watch.committed(0);
        assert_eq!(watch.look(FlipWatch::LIMIT, || true), Some(OverdueAction::Hold));
        assert!(watch.is_held());
        assert_eq!((watch.due(), watch.look(u64::MAX, || true)), (None, None), "said once");
        watch.flipped();
        watch.committed(7);
        assert_eq!(watch.due(), Some(7 + FlipWatch::LIMIT), "the next commit is watched again");
    }

    #[test]
    fn a_lost_flip_is_followed_by_modesets_until_one_succeeds() {
        let mut watch = FlipWatch::default();
        watch.committed(0);
        assert_eq!(watch.look(FlipWatch::LIMIT, || false), Some(OverdueAction::Modeset));
        assert_eq!(watch.look(FlipWatch::LIMIT + 1, || false), None, "the modeset has as long");
        assert_eq!(watch.look(2 * FlipWatch::LIMIT, || false), Some(OverdueAction::Modeset));
    }
}
