//! When a client is asked to allocate a surface's buffers for another goal: soon where it matters,
//! but without switching back and forth.
//!
//! ```text
//!  a new goal for HOLD without a break ─→ announced      `at_once` ─→ announced, up to BURST times
//!  each change doubles the next hold time, up to MAX_HOLD; an unchanged goal for CALM resets it
//! ```
//!
//! Pure logic: time is a parameter. Nothing here knows what the goals mean or sends feedback.

use fence::Ns;

use crate::system::id::OutputId;

/// How long a new goal must hold before it is announced, ns.
pub const HOLD: Ns = 500_000_000;
/// The upper bound of that time, ns.
pub const MAX_HOLD: Ns = 60_000_000_000;
/// A goal that has not changed for this long resets the hold time, ns.
pub const CALM: Ns = 10_000_000_000;
/// How many changes may be announced at once without calm in between.
const BURST: u32 = 4;

/// For what a client should allocate a surface's buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AllocationGoal {
    /// The renderer.
    #[default]
    Rendered,
    /// The planes of an output.
    ScannedOut {
        /// [`crate::output::state::Output::id`].
        output: OutputId,
        /// The planes rotate the buffer by a quarter turn.
        rotated: bool,
    },
}

/// The goal that was announced to a surface, and the goal that its scene calls for now.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoalTracker {
    announced: AllocationGoal,
    candidate: AllocationGoal,
    since: Ns,
    /// The number of changes announced since the last calm.
    changes: u32,
}

impl GoalTracker {
    /// The goal that was announced last.
    pub fn announced(&self) -> AllocationGoal {
        self.announced
    }

    /// Notes that the scene calls for `goal` at the time `now` (ns); call it regularly while that
    /// is so. Returns true if the goal must be announced now. `at_once`: the change follows a
    /// request of the client, such as fullscreen.
    pub fn update(&mut self, goal: AllocationGoal, at_once: bool, now: Ns) -> bool {
        if goal != self.candidate {
            if now.saturating_sub(self.since) >= CALM {
                self.changes = 0;
            }
            (self.candidate, self.since) = (goal, now);
        }
        if goal == self.announced {
            return false;
        }
        let waited = now.saturating_sub(self.since) >= self.hold();
        let now = waited || (at_once && self.changes < BURST);
        if !now {
            return false;
        }
        self.announced = goal;
        self.changes += 1;
        true
    }

    /// How long the next goal must hold.
    fn hold(&self) -> Ns {
        (HOLD << self.changes.min(20)).min(MAX_HOLD)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Ns = 1_000_000;
    const SCREEN: AllocationGoal = AllocationGoal::ScannedOut { output: OutputId(1), rotated: false };

    #[test]
    fn a_goal_is_announced_after_the_hold_time() {
        let mut tracker = GoalTracker::default();
        assert!(!tracker.update(SCREEN, false, 0));
        assert!(!tracker.update(SCREEN, false, 400 * MS));
        assert!(!tracker.update(AllocationGoal::Rendered, false, 450 * MS), "a break");
        assert!(!tracker.update(SCREEN, false, 480 * MS));
        assert!(!tracker.update(SCREEN, false, 900 * MS));
        assert!(tracker.update(SCREEN, false, 980 * MS));
        assert_eq!(tracker.announced(), SCREEN);
        assert!(!tracker.update(SCREEN, false, 2000 * MS), "no change");
    }

    #[test]
    fn a_change_that_the_client_requested_is_announced_at_once() {
        let mut tracker = GoalTracker::default();
        assert!(tracker.update(SCREEN, true, 0));
        assert!(tracker.update(AllocationGoal::Rendered, true, MS));
    }

    #[test]
    fn switching_back_and_forth_doubles_the_hold_time() {
        let mut tracker = GoalTracker::default();
        let mut now = 0;
        let mut announced = Vec::new();
        // Fullscreen and back every frame for ten minutes.
        while now < 600_000 * MS {
            let goal = if (now / (16 * MS)).is_multiple_of(2) { SCREEN } else { AllocationGoal::Rendered };
            if tracker.update(goal, true, now) {
                announced.push(now);
            }
            now += 16 * MS;
        }
        assert_eq!(announced.len(), 4, "{announced:?}: afterwards no goal holds long enough");
    }

    #[test]
    fn calm_resets_the_hold_time() {
        let mut tracker = GoalTracker::default();
        for step in 0..8 {
            tracker.update(if step % 2 == 0 { SCREEN } else { AllocationGoal::Rendered }, true, step * MS);
        }
        assert!(!tracker.update(SCREEN, true, 10 * MS));
        let later = 60_000 * MS;
        assert!(tracker.update(SCREEN, true, later), "a minute later");
    }

    proptest! {
        /// Whatever the scene does, at most four changes come at once; then the hold time doubles
        /// each time.
        #[test]
        fn changes_are_rate_limited(steps in prop::collection::vec((0u8..3, any::<bool>(), 0u64..2000), 1..400)) {
            let mut tracker = GoalTracker::default();
            let (mut now, mut times): (Ns, Vec<Ns>) = (0, Vec::new());
            for (goal, at_once, wait) in steps {
                now += wait * MS;
                let goal = match goal {
                    0 => AllocationGoal::Rendered,
                    other => AllocationGoal::ScannedOut { output: OutputId(other.into()), rotated: false },
                };
                let before = tracker.announced();
                let changed = tracker.update(goal, at_once, now);
                prop_assert_eq!(changed, tracker.announced() != before);
                prop_assert!(!changed || tracker.announced() == goal);
                if changed {
                    times.push(now);
                }
            }
            for ten in times.windows(10) {
                prop_assert!(ten[9] - ten[0] >= 2 * CALM, "{:?}", ten);
            }
        }
    }
}
