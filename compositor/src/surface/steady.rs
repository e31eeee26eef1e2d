//! When a surface is told to allocate for something else: neither late where it matters, nor back and forth.
//!
//! ```text
//!  wanted for HOLD without a break ──→ told        at once (the client asked for it) ──→ told, unless it was told often of late
//!  each time: the next one takes twice as long, up to MOST; the same wanted for CALM: as at the start
//! ```
//!
//! Pure: time is a parameter, and nothing here knows what the goals mean.

use fence::Ns;

use crate::system::id::OutputId;

/// How long another goal must be wanted.
pub const HOLD: Ns = 500_000_000;
/// The longest that it may have to be.
pub const MOST: Ns = 60_000_000_000;
/// What has been wanted for so long is calm: everything is as at the start.
pub const CALM: Ns = 10_000_000_000;
/// News that may come at once without calm in between.
const BURST: u32 = 4;

/// What a surface allocates for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Goal {
    /// The renderer.
    #[default]
    Rendered,
    /// The planes of an output.
    ScannedOut {
        /// [`crate::output::state::Output::id`].
        output: OutputId,
        /// They turn the buffer by a quarter.
        turned: bool,
    },
}

/// What a surface was told, and what it would be told now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steady {
    told: Goal,
    wanted: Goal,
    since: Ns,
    /// How often it was told since it was calm.
    row: u32,
}

impl Steady {
    /// What it was told.
    pub fn told(&self) -> Goal {
        self.told
    }

    /// `goal` is wanted now; call it again while that is so. True if the surface is to be told now. `at_once`: the client has asked for
    /// what makes it so.
    pub fn want(&mut self, goal: Goal, at_once: bool, now: Ns) -> bool {
        if goal != self.wanted {
            if now.saturating_sub(self.since) >= CALM {
                self.row = 0;
            }
            (self.wanted, self.since) = (goal, now);
        }
        if goal == self.told {
            return false;
        }
        let waited = now.saturating_sub(self.since) >= self.hold();
        let now = waited || (at_once && self.row < BURST);
        if !now {
            return false;
        }
        self.told = goal;
        self.row += 1;
        true
    }

    /// How long the next goal must be wanted.
    fn hold(&self) -> Ns {
        (HOLD << self.row.min(20)).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Ns = 1_000_000;
    const SCREEN: Goal = Goal::ScannedOut { output: OutputId(1), turned: false };

    #[test]
    fn a_candidate_is_told_when_it_has_been_one_for_a_while() {
        let mut steady = Steady::default();
        assert!(!steady.want(SCREEN, false, 0));
        assert!(!steady.want(SCREEN, false, 400 * MS));
        assert!(!steady.want(Goal::Rendered, false, 450 * MS), "a break");
        assert!(!steady.want(SCREEN, false, 480 * MS));
        assert!(!steady.want(SCREEN, false, 900 * MS));
        assert!(steady.want(SCREEN, false, 980 * MS));
        assert_eq!(steady.told(), SCREEN);
        assert!(!steady.want(SCREEN, false, 2000 * MS), "no news");
    }

    #[test]
    fn what_the_client_asks_for_is_told_at_once() {
        let mut steady = Steady::default();
        assert!(steady.want(SCREEN, true, 0));
        assert!(steady.want(Goal::Rendered, true, MS));
    }

    #[test]
    fn who_goes_back_and_forth_waits_longer_and_longer() {
        let mut steady = Steady::default();
        let mut now = 0;
        let mut told = Vec::new();
        // Fullscreen and back every frame for ten minutes.
        while now < 600_000 * MS {
            let goal = if (now / (16 * MS)).is_multiple_of(2) { SCREEN } else { Goal::Rendered };
            if steady.want(goal, true, now) {
                told.push(now);
            }
            now += 16 * MS;
        }
        assert_eq!(told.len(), 4, "{told:?}: afterwards nothing lasts");
    }

    #[test]
    fn calm_forgives() {
        let mut steady = Steady::default();
        for step in 0..8 {
            steady.want(if step % 2 == 0 { SCREEN } else { Goal::Rendered }, true, step * MS);
        }
        assert!(!steady.want(SCREEN, true, 10 * MS));
        let later = 60_000 * MS;
        assert!(steady.want(SCREEN, true, later), "a minute later");
    }

    proptest! {
        /// However the scene behaves: never more often than four times at once and then ever more seldom.
        #[test]
        fn no_ping_pong(steps in prop::collection::vec((0u8..3, any::<bool>(), 0u64..2000), 1..400)) {
            let mut steady = Steady::default();
            let (mut now, mut times): (Ns, Vec<Ns>) = (0, Vec::new());
            for (goal, at_once, wait) in steps {
                now += wait * MS;
                let goal = match goal {
                    0 => Goal::Rendered,
                    other => Goal::ScannedOut { output: OutputId(other.into()), turned: false },
                };
                let before = steady.told();
                let news = steady.want(goal, at_once, now);
                prop_assert_eq!(news, steady.told() != before);
                prop_assert!(!news || steady.told() == goal);
                if news {
                    times.push(now);
                }
            }
            for ten in times.windows(10) {
                prop_assert!(ten[9] - ten[0] >= 2 * CALM, "{:?}", ten);
            }
        }
    }
}
