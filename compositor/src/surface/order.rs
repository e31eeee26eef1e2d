//! What holds back a surface's commits besides fences: the barriers of `fifo-v1` and the times of
//! `commit-timing-v1`.
//!
//! ```text
//!  set_barrier  ─ commit ─→ Barrier ─ applied ─→ on the surface ─ the latch ─→ signalled
//!  wait_barrier ─ commit ─→ blocked by the newest barrier committed before it
//!  set_timestamp ─ commit ─→ blocked by its own barrier, which the latch for that time signals
//! ```
//!
//! A held commit must be shown in a frame of its own. So it is not superseded, and neither are the
//! commits before it: a late fence drops frames only where the client has not requested that each
//! one is shown. A synchronised sub-surface waits for no barrier, as fifo-v1 says: its parent's
//! commit decides. It may set one, and its time holds the whole group. Nothing here signals by
//! itself: see [`crate::session::frame::held`].

use std::collections::VecDeque;

use fence::Ns;
use smithay::wayland::compositor::Barrier;

/// The most held commits per surface and kind. Beyond it, the oldest one is let through early.
const MAX_HELD: usize = 64;

/// The barriers and times of one surface.
#[derive(Debug, Default)]
pub struct CommitOrder {
    /// The barrier of the newest commit that sets one, applied or not.
    newest: Option<Barrier>,
    /// The barrier of the applied state, and when it was applied.
    applied: Option<(Barrier, Ns)>,
    /// The barriers that commits wait for: `newest` or older ones.
    waiting: VecDeque<Barrier>,
    /// Commits that wait for their time: each with its time and the barrier that holds it.
    timed: VecDeque<(Ns, Barrier)>,
}

impl CommitOrder {
    /// A commit that sets `barrier` was applied at `now`: the next latch signals the barrier.
    pub fn applied(&mut self, barrier: Barrier, now: Ns) {
        if let Some((old, _)) = self.applied.replace((barrier, now)) {
            old.signal();
        }
    }

    /// When the barrier of the applied state was applied; `None`: there is none.
    pub fn barrier_since(&self) -> Option<Ns> {
        self.applied.as_ref().map(|(_, since)| *since)
    }

    /// Signals the barrier of the applied state, because a latch has passed. Returns whether a
    /// commit waited for it.
    pub fn clear_barrier(&mut self) -> bool {
        let Some((barrier, _)) = self.applied.take() else { return false };
        barrier.signal();
        let before = self.waiting.len();
        self.waiting.retain(|b| !b.is_signaled());
        self.waiting.len() < before
    }

    /// The earliest time that a commit waits for, CLOCK_MONOTONIC.
    pub fn due(&self) -> Option<Ns> {
        self.timed.iter().map(|(at, _)| *at).min()
    }

    /// Lets through the commits whose time is not after `until`. Returns whether there were any.
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

    /// Whether no barrier and no time is outstanding, neither now nor once pending commits are
    /// applied.
    pub fn is_idle(&self) -> bool {
        self.applied.is_none() && self.timed.is_empty() && self.newest.as_ref().is_none_or(Barrier::is_signaled)
    }

    /// The surface is destroyed: lets everything through.
    pub fn forget(&mut self) {
        self.applied.take().inspect(|(barrier, _)| barrier.signal());
        self.newest.take().inspect(Barrier::signal);
        self.waiting.drain(..).for_each(|barrier| barrier.signal());
        self.timed.drain(..).for_each(|(_, barrier)| barrier.signal());
    }

    /// The barrier for a commit that sets one.
    pub fn set(&mut self) -> Barrier {
        self.newest.insert(Barrier::new(false)).clone()
    }

    /// The barrier that a commit with `wait_barrier` waits for: that of the newest earlier commit
    /// that sets one. `None` if there is none or it has signalled.
    pub fn wait(&mut self) -> Option<Barrier> {
        let barrier = self.newest.clone().filter(|b| !b.is_signaled())?;
        if self.waiting.len() == MAX_HELD {
            self.waiting.pop_front().inspect(Barrier::signal);
        }
        self.waiting.push_back(barrier.clone());
        Some(barrier)
    }

    /// A barrier that holds a commit until the time `at`.
    pub fn wait_until(&mut self, at: Ns) -> Barrier {
        if self.timed.len() == MAX_HELD {
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
    fn a_commit_waits_for_the_barrier_before_it() {
        let mut order = CommitOrder::default();
        assert!(order.wait().is_none(), "no barrier yet");
        let first = order.set();
        let waiter = order.wait().unwrap();
        let second = order.set();
        assert!(waiter == first && waiter != second);
        order.applied(first, 5);
        assert_eq!(order.barrier_since(), Some(5));
        assert!(order.clear_barrier() && waiter.is_signaled() && !second.is_signaled());
        assert!(!order.is_idle(), "the second is not applied yet");
        order.applied(second, 6);
        assert!(!order.clear_barrier(), "no commit waits");
        assert!(order.is_idle() && order.wait().is_none());
    }

    #[test]
    fn a_replaced_barrier_is_signalled() {
        let mut order = CommitOrder::default();
        let first = order.set();
        let waiter = order.wait().unwrap();
        order.applied(first, 1);
        let second = order.set();
        order.applied(second, 2);
        assert!(waiter.is_signaled());
    }

    #[test]
    fn commits_are_let_through_at_their_time() {
        let mut order = CommitOrder::default();
        let (late, early) = (order.wait_until(30), order.wait_until(20));
        assert_eq!(order.due(), Some(20));
        assert!(!order.release_until(19));
        assert!(order.release_until(20) && early.is_signaled() && !late.is_signaled());
        order.forget();
        assert!(late.is_signaled() && order.is_idle());
    }

    #[test]
    fn the_oldest_of_too_many_held_commits_is_let_through() {
        let mut order = CommitOrder::default();
        let (mut waiting, mut timed) = (Vec::new(), Vec::new());
        for held in 0..MAX_HELD + 2 {
            order.set();
            waiting.extend(order.wait());
            timed.push(order.wait_until(7));
            for list in [&waiting, &timed] {
                let free = list.iter().take_while(|barrier| barrier.is_signaled()).count();
                assert_eq!(free, (held + 1).saturating_sub(MAX_HELD));
                assert!(!list[free..].iter().any(Barrier::is_signaled));
            }
        }
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
        /// Models Smithay's queue: commits are applied in order, each when nothing blocks it.
        #[test]
        fn no_commit_is_held_forever(ops in prop::collection::vec(op(), 0..200)) {
            let mut order = CommitOrder::default();
            let mut queue: VecDeque<(Vec<Barrier>, Option<Barrier>)> = VecDeque::new();
            let mut now = 0;
            let apply = |order: &mut CommitOrder, queue: &mut VecDeque<(Vec<Barrier>, Option<Barrier>)>, now| {
                while queue.front().is_some_and(|(blockers, _)| blockers.iter().all(Barrier::is_signaled)) {
                    let (_, barrier) = queue.pop_front().unwrap();
                    barrier.into_iter().for_each(|barrier| order.applied(barrier, now));
                }
            };
            for op in ops {
                match op {
                    Op::Commit { set, wait, at } => {
                        let mut blockers = Vec::new();
                        if wait {
                            blockers.extend(order.wait());
                        }
                        blockers.extend(at.map(|at| order.wait_until(now + at)));
                        let barrier = set.then(|| order.set());
                        queue.push_back((blockers, barrier));
                    }
                    Op::Apply => apply(&mut order, &mut queue, now),
                    Op::Latch => drop(order.clear_barrier()),
                    Op::Time(passed) => {
                        now += passed;
                        order.release_until(now);
                    }
                }
                prop_assert!(order.timed.len() <= MAX_HELD && order.waiting.len() <= MAX_HELD);
            }
            let most = queue.len() + 1;
            for _ in 0..most {
                order.release_until(Ns::MAX);
                order.clear_barrier();
                apply(&mut order, &mut queue, now);
            }
            order.clear_barrier();
            prop_assert!(queue.is_empty(), "{} are stuck", queue.len());
            prop_assert!(order.is_idle());
        }
    }
}
