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

/// Watches a commit in flight. Drop it when the flip comes, or once a fence is known to be the
/// cause: the flip event wakes the compositor then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlipWatch(Ns);

impl FlipWatch {
    /// How long a flip may take. The longest frame of any display is a tenth of it.
    pub const LIMIT: Ns = 5_000_000_000;

    /// Of a commit that the kernel took at `now`: looks after [`Self::LIMIT`].
    pub fn new(now: Ns) -> Self {
        Self(now + Self::LIMIT)
    }

    /// When to look.
    pub fn due(&self) -> Ns {
        self.0
    }

    /// Looks, at `now`: a verdict if the flip is overdue. `fence_pending` is asked only then. The
    /// modeset has [`Self::LIMIT`] before the next look.
    pub fn look(&mut self, now: Ns, fence_pending: impl FnOnce() -> bool) -> Option<OverdueAction> {
        if now < self.0 {
            return None;
        }
        if fence_pending() {
            return Some(OverdueAction::Hold);
        }
        *self = Self::new(now);
        Some(OverdueAction::Modeset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flip_has_five_seconds() {
        let mut watch = FlipWatch::new(100);
        assert_eq!(watch.due(), 100 + FlipWatch::LIMIT);
        assert_eq!(watch.look(99 + FlipWatch::LIMIT, || panic!("too early to ask")), None);
    }

    #[test]
    fn a_commit_that_waits_for_a_fence_is_held() {
        assert_eq!(FlipWatch::new(0).look(FlipWatch::LIMIT, || true), Some(OverdueAction::Hold));
    }

    #[test]
    fn a_lost_flip_is_followed_by_modesets_until_one_succeeds() {
        let mut watch = FlipWatch::new(0);
        assert_eq!(watch.look(FlipWatch::LIMIT, || false), Some(OverdueAction::Modeset));
        assert_eq!(watch.look(FlipWatch::LIMIT + 1, || false), None, "the modeset has as long");
        assert_eq!(watch.look(2 * FlipWatch::LIMIT, || false), Some(OverdueAction::Modeset));
    }
}
