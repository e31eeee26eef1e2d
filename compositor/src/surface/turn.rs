//! What holds a surface's commits back besides fences: `fifo-v1` barriers and the times of `commit-timing-v1`.
//!
//! ```text
//!  set_barrier  ─ commit ─→ Barrier ─ applied ─→ on the surface ─ the latch ─→ signalled
//!  wait_barrier ─ commit ─→ blocked by the newest barrier committed before it
//!  set_timestamp ─ commit ─→ blocked by a barrier of its own, which the latch for that time signals
//! ```
//!
//! A commit that waits must not be shown together with what is before it, so it is not overtaken and what is before it
//! keeps its turn: explicit fences drop frames only where the client has not asked for each of them. The constraints of
//! synchronised subsurfaces are ignored, as fifo-v1 says: their parent's commit decides. Who signals, and when, is in
//! [`crate::session::frame::pace`].

use std::collections::VecDeque;

use fence::Ns;
use smithay::wayland::compositor::Barrier;

/// A client that queues more than so many held commits gets its oldest ones through before their time.
const MOST: usize = 64;

/// The barriers of one surface.
#[derive(Debug, Default)]
pub struct Turns {
    /// Set by the newest commit that sets one, applied or not.
    newest: Option<Barrier>,
    /// Set by what is applied, and since when.
    applied: Option<(Barrier, Ns)>,
    /// Commits that wait for `newest` or an older one.
    waiting: VecDeque<Barrier>,
    /// Commits that wait for their time.
    timed: VecDeque<(Ns, Barrier)>,
}

impl Turns {
    /// A commit that set `barrier` is applied: the next latch signals it.
    pub fn applied(&mut self, barrier: Barrier, now: Ns) {
        if let Some((old, _)) = self.applied.replace((barrier, now)) {
            old.signal();
        }
    }

    /// Since when the surface's barrier is there.
    pub fn barrier_since(&self) -> Option<Ns> {
        self.applied.as_ref().map(|(_, since)| *since)
    }

    /// The latching deadline has passed; whether commits may have waited for it.
    pub fn clear_barrier(&mut self) -> bool {
        let Some((barrier, _)) = self.applied.take() else { return false };
        barrier.signal();
        let before = self.waiting.len();
        self.waiting.retain(|b| !b.is_signaled());
        self.waiting.len() < before
    }

    /// The earliest time that a commit waits for.
    pub fn due(&self) -> Option<Ns> {
        self.timed.iter().map(|(at, _)| *at).min()
    }

    /// Lets commits through whose time is not after `until`; whether there were any.
    pub fn release_until(&mut self, until: Ns) -> bool {
        let before = self.timed.len();
        self.timed.retain(|(at, barrier)| {
            if *at <= until {
                barrier.signal();
            }
            *at > until
        });
        self.timed.len() < before
    }

    /// Whether a barrier or a time has to be looked at, now or once its commit is applied.
    pub fn is_idle(&self) -> bool {
        self.applied.is_none() && self.timed.is_empty() && self.newest.as_ref().is_none_or(Barrier::is_signaled)
    }

    /// The surface is gone: nothing waits any more.
    pub fn forget(&mut self) {
        self.applied.take().inspect(|(barrier, _)| barrier.signal());
        self.newest.take().inspect(Barrier::signal);
        self.waiting.drain(..).for_each(|barrier| barrier.signal());
        self.timed.drain(..).for_each(|(_, barrier)| barrier.signal());
    }

    /// A commit sets a barrier.
    pub fn set(&mut self) -> Barrier {
        self.newest.insert(Barrier::new(false)).clone()
    }

    /// A commit waits for the barrier before it, if there still is one.
    pub fn wait(&mut self) -> Option<Barrier> {
        let barrier = self.newest.clone().filter(|b| !b.is_signaled())?;
        if self.waiting.len() == MOST {
            self.waiting.pop_front().inspect(Barrier::signal);
        }
        self.waiting.push_back(barrier.clone());
        Some(barrier)
    }

    /// A commit waits for its time.
    pub fn wait_until(&mut self, at: Ns) -> Barrier {
        if self.timed.len() == MOST {
            self.timed.pop_front().inspect(|(_, barrier)| barrier.signal());
        }
        let barrier = Barrier::new(false);
        self.timed.push_back((at, barrier.clone()));
        barrier
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_waiter_waits_for_the_barrier_before_it() {
        let mut turns = Turns::default();
        assert!(turns.wait().is_none(), "no barrier yet");
        let first = turns.set();
        let waiter = turns.wait().unwrap();
        let second = turns.set();
        assert!(waiter == first && waiter != second);
        turns.applied(first, 5);
        assert_eq!(turns.barrier_since(), Some(5));
        assert!(turns.clear_barrier() && waiter.is_signaled() && !second.is_signaled());
        assert!(!turns.is_idle(), "the second is not applied yet");
        turns.applied(second, 6);
        assert!(!turns.clear_barrier(), "nobody waits");
        assert!(turns.is_idle() && turns.wait().is_none());
    }

    #[test]
    fn a_barrier_that_is_overwritten_holds_nobody() {
        let mut turns = Turns::default();
        let first = turns.set();
        let waiter = turns.wait().unwrap();
        turns.applied(first, 1);
        let second = turns.set();
        turns.applied(second, 2);
        assert!(waiter.is_signaled());
    }

    #[test]
    fn times_are_let_through_when_they_come() {
        let mut turns = Turns::default();
        let (late, early) = (turns.wait_until(30), turns.wait_until(20));
        assert_eq!(turns.due(), Some(20));
        assert!(!turns.release_until(19));
        assert!(turns.release_until(20) && early.is_signaled() && !late.is_signaled());
        turns.forget();
        assert!(late.is_signaled() && turns.is_idle());
    }

    #[derive(Debug, Clone)]
    enum Op {
        Commit { set: bool, wait: bool, at: Option<Ns> },
        Apply,
        Latch,
        Time(Ns),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => (any::<bool>(), any::<bool>(), prop::option::of(0..50u64))
                .prop_map(|(set, wait, at)| Op::Commit { set, wait, at }),
            2 => Just(Op::Apply),
            2 => Just(Op::Latch),
            1 => (0..20u64).prop_map(Op::Time),
        ]
    }

    proptest! {
        /// A queue as Smithay keeps it: commits are applied in order, each when nothing blocks it.
        #[test]
        fn nothing_is_held_for_good(ops in prop::collection::vec(op(), 0..200)) {
            let mut turns = Turns::default();
            let mut queue: VecDeque<(Vec<Barrier>, Option<Barrier>)> = VecDeque::new();
            let mut now = 0;
            let apply = |turns: &mut Turns, queue: &mut VecDeque<(Vec<Barrier>, Option<Barrier>)>, now| {
                while queue.front().is_some_and(|(blockers, _)| blockers.iter().all(Barrier::is_signaled)) {
                    let (_, barrier) = queue.pop_front().unwrap();
                    barrier.into_iter().for_each(|barrier| turns.applied(barrier, now));
                }
            };
            for op in ops {
                match op {
                    Op::Commit { set, wait, at } => {
                        let mut blockers = Vec::new();
                        if wait {
                            blockers.extend(turns.wait());
                        }
                        blockers.extend(at.map(|at| turns.wait_until(now + at)));
                        let barrier = set.then(|| turns.set());
                        queue.push_back((blockers, barrier));
                    }
                    Op::Apply => apply(&mut turns, &mut queue, now),
                    Op::Latch => drop(turns.clear_barrier()),
                    Op::Time(passed) => {
                        now += passed;
                        turns.release_until(now);
                    }
                }
                prop_assert!(turns.timed.len() <= MOST && turns.waiting.len() <= MOST);
            }
            let most = queue.len() + 1;
            for _ in 0..most {
                turns.release_until(Ns::MAX);
                turns.clear_barrier();
                apply(&mut turns, &mut queue, now);
            }
            turns.clear_barrier();
            prop_assert!(queue.is_empty(), "{} are stuck", queue.len());
            prop_assert!(turns.is_idle());
        }
    }
}
