//! [`Withdrawals`]: pairs of format and modifier that a display has refused for one surface, so
//! that its client allocates others.
//!
//! ```text
//!  offered ── refused ──→ withdrawn ── the situation changes, and it is long enough ago ──→ offered
//!                             └── withdrawn for the fourth time: for good
//! ```
//!
//! Whatever client and driver do, a surface's feedback never goes back and forth without end: a
//! pair comes back only when something about the surface has changed (its output, its size, its
//! place), not before its time, and a few times at most. Pure: time is a parameter. Who decides
//! that it was the modifier that was refused, and not the size or the position, is the caller.

use crate::{Fourcc, Modifier};

/// Nanoseconds.
type Ns = u64;

/// How long a pair is withdrawn at least, the first time; each further time twice as long.
pub const LEAST: Ns = 10_000_000_000;
/// How often it may be withdrawn before it stays so.
pub const MOST: u8 = 4;
/// A surface with more refused pairs than this is not worth the bookkeeping: no more are withdrawn.
const PAIRS: usize = 64;

#[derive(Debug, Clone)]
struct Entry {
    pair: (Fourcc, Modifier),
    times: u8,
    /// When it may be offered again, if it is withdrawn now.
    until: Option<Ns>,
}

/// What is withdrawn for one surface. Empty, as with almost every surface, it has nothing on the
/// heap.
#[derive(Debug, Clone, Default)]
pub struct Withdrawals(Vec<Entry>);

impl Withdrawals {
    /// The display has refused a buffer of this pair where one of another layout would have gone.
    /// True if the pair is withdrawn by it: the client is to get new feedback. False if it was
    /// already; the client may take its time, or not listen at all.
    pub fn refused(&mut self, format: Fourcc, modifier: Modifier, now: Ns) -> bool {
        let pair = (format, modifier);
        let at = self.0.iter().position(|entry| entry.pair == pair);
        let entry = match at {
            Some(at) => &mut self.0[at],
            None if self.0.len() >= PAIRS => return false,
            None => {
                self.0.push(Entry { pair, times: 0, until: None });
                let last = self.0.len() - 1;
                &mut self.0[last]
            }
        };
        if entry.until.is_some() {
            return false;
        }
        entry.times += 1;
        entry.until = Some(if entry.times >= MOST { Ns::MAX } else { now.saturating_add(LEAST << (entry.times - 1)) });
        true
    }

    /// Something about the surface has changed, so that what was refused might be taken now. True
    /// if a pair is offered again by it.
    pub fn changed(&mut self, now: Ns) -> bool {
        let mut any = false;
        for entry in &mut self.0 {
            if entry.until.is_some_and(|until| until <= now && until != Ns::MAX) {
                entry.until = None;
                any = true;
            }
        }
        any
    }

    /// Whether the pair is withdrawn now.
    pub fn contains(&self, format: Fourcc, modifier: Modifier) -> bool {
        self.0.iter().any(|entry| entry.pair == (format, modifier) && entry.until.is_some())
    }

    /// Whether nothing is withdrawn now.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|entry| entry.until.is_none())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const X: Fourcc = Fourcc::Xrgb8888;
    const TILED: Modifier = Modifier::I915_x_tiled;

    #[test]
    fn a_refused_pair_comes_back_with_a_change_and_not_before_its_time() {
        let mut all = Withdrawals::default();
        assert!(all.is_empty() && !all.changed(0));
        assert!(all.refused(X, TILED, 0));
        assert!(!all.refused(X, TILED, 1), "told once");
        assert!(all.contains(X, TILED) && !all.contains(X, Modifier::Linear) && !all.is_empty());
        assert!(!all.changed(LEAST - 1), "too early");
        assert!(all.changed(LEAST) && all.is_empty());
        assert!(all.refused(X, TILED, LEAST));
        assert!(!all.changed(2 * LEAST), "twice as long the second time");
        assert!(all.changed(3 * LEAST));
    }

    #[test]
    fn the_fourth_time_is_for_good() {
        let mut all = Withdrawals::default();
        let mut now = 0;
        for time in 1..=MOST {
            assert!(all.refused(X, TILED, now), "{time}");
            now += LEAST << time;
            assert_eq!(all.changed(now), time < MOST, "{time}");
        }
        assert!(!all.changed(Ns::MAX) && all.contains(X, TILED));
    }

    proptest! {
        /// However a display and a client behave, each pair's feedback changes a bounded number of
        /// times, and not faster than allowed.
        #[test]
        fn no_ping_pong(steps in prop::collection::vec((0u8..3, 0u64..4, 0u64..2 * LEAST), 0..200)) {
            let mut all = Withdrawals::default();
            let (mut now, mut told) = (0, [0u32; 4]);
            let mut gone = [None; 4];
            for (step, pair, wait) in steps {
                now += wait;
                let modifier = Modifier::from(1 << 56 | pair);
                let before: Vec<_> = (0..4u64).map(|m| all.contains(X, Modifier::from(1 << 56 | m))).collect();
                match step {
                    0 | 1 => {
                        let told_now = all.refused(X, modifier, now);
                        prop_assert_eq!(told_now, !before[pair as usize]);
                        prop_assert!(all.contains(X, modifier));
                        if told_now {
                            told[pair as usize] += 1;
                            gone[pair as usize] = Some(now);
                        }
                    }
                    _ => {
                        let any = all.changed(now);
                        let mut back = false;
                        for at in 0..4usize {
                            if before[at] && !all.contains(X, Modifier::from(1 << 56 | at as u64)) {
                                back = true;
                                told[at] += 1;
                                prop_assert!(now - gone[at].unwrap() >= LEAST);
                            }
                        }
                        prop_assert_eq!(any, back);
                    }
                }
                prop_assert!(told.iter().all(|&told| told < 2 * u32::from(MOST)));
            }
        }
    }
}
