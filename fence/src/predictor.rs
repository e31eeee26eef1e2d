//! [`Predictor`]: will a surface's pending fence make the next vblank, judged by the surface's own
//! past?
//!
//! It knows only numbers: no fence, no clock. It forgets what is old and what came before a long
//! pause.

use crate::Ns;

/// How many commits it remembers.
const MEMORY: usize = 32;
/// With fewer samples than this it predicts nothing.
const ENOUGH: usize = 4;
/// Samples older than this (by their commit) no longer count.
const FORGET_NS: Ns = 4_000_000_000;
/// What even the steadiest past is not trusted with.
const STEADY_MARGIN_NS: Ns = 20_000;

/// Remembers how long after their commits a surface's fences signalled.
///
/// A ring of the last 32 commits, none older than four seconds. A prediction is a high quantile
/// (⁹⁄₁₀ by default) plus half its distance from the median and at most 20 µs: a steady surface is
/// trusted to the end of the frame, an erratic one is not. No heap.
#[derive(Clone, Debug)]
pub struct Predictor {
    /// (commit, latency) in nanoseconds; the latency saturates at four seconds.
    samples: [(Ns, u32); MEMORY],
    next: usize,
    len: usize,
    quantile: f32,
}

impl Default for Predictor {
    fn default() -> Predictor {
        Predictor::new(0.9)
    }
}

impl Predictor {
    /// One that trusts this quantile of the past: 1.0 is the worst case remembered.
    pub fn new(quantile: f32) -> Predictor {
        Predictor { samples: [(0, 0); MEMORY], next: 0, len: 0, quantile: quantile.clamp(0.0, 1.0) }
    }

    /// A commit at `commit` whose fence signalled at `signal`. A fence that had signalled before
    /// its commit counts as 0.
    pub fn record(&mut self, commit: Ns, signal: Ns) {
        let latency = signal.saturating_sub(commit).min(u32::MAX.into()) as u32;
        self.samples[self.next] = (commit, latency);
        self.next = (self.next + 1) % MEMORY;
        self.len = (self.len + 1).min(MEMORY);
    }

    /// Latency at a quantile over what is remembered as of `now`; `None` if that is too little.
    pub fn latency(&self, now: Ns, quantile: f32) -> Option<Ns> {
        let mut latencies = [0; MEMORY];
        let mut count = 0;
        for &(commit, latency) in &self.samples[..self.len] {
            if now.saturating_sub(commit) <= FORGET_NS {
                latencies[count] = latency;
                count += 1;
            }
        }
        if count < ENOUGH {
            return None;
        }
        let rank = ((count - 1) as f32 * quantile.clamp(0.0, 1.0)).ceil() as usize;
        let (_, at, _) = latencies[..count].select_nth_unstable(rank);
        Some((*at).into())
    }

    /// When the fence of a commit at `commit` will probably have signalled.
    pub fn predict(&self, commit: Ns) -> Option<Ns> {
        let high = self.latency(commit, self.quantile)?;
        let spread = high.saturating_sub(self.latency(commit, 0.5)?);
        let margin = spread / 2 + (high / 10).min(STEADY_MARGIN_NS);
        Some(commit.saturating_add(high + margin))
    }

    /// True if the fence of a commit at `commit` will probably have signalled at `deadline`.
    /// Without a past: false.
    pub fn will_make(&self, commit: Ns, deadline: Ns) -> bool {
        self.predict(commit).is_some_and(|at| at <= deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Ns = 1_000_000;

    fn with(latencies: impl IntoIterator<Item = Ns>) -> (Predictor, Ns) {
        let mut predictor = Predictor::default();
        let mut now = 1_000 * MS;
        for latency in latencies {
            predictor.record(now, now + latency);
            now += 16 * MS;
        }
        (predictor, now)
    }

    #[test]
    fn trusts_a_steady_past_only() {
        // (latencies in ms, deadline in ms after the commit, will it make it)
        let table: &[(&[Ns], Ns, bool)] = &[
            (&[], 16, false),
            (&[1, 1, 1], 16, false),
            (&[1, 1, 1, 1], 16, true),
            (&[5; 30], 5, false),
            (&[5; 30], 6, true),
            (&[20; 30], 16, false),
            (&[1, 1, 1, 1, 1, 20, 1, 20, 1, 20], 16, false),
            (&[0, 0, 0, 0, 0], 0, true),
            // Steady and close to the vblank: handed over. As slow at times, but erratic: not.
            (&[15; 30], 16, true),
            (&[5, 15, 5, 15, 5, 15, 5, 5, 5, 5], 16, false),
        ];
        for (past, deadline, expected) in table {
            let (predictor, now) = with(past.iter().map(|ms| ms * MS));
            assert_eq!(predictor.will_make(now, now + deadline * MS), *expected, "{past:?} {deadline}");
        }
    }

    #[test]
    fn forgets_by_number_and_by_time() {
        let (mut predictor, mut now) = with([20 * MS; 32]);
        assert!(!predictor.will_make(now, now + 16 * MS));
        for _ in 0..29 {
            predictor.record(now, now + MS);
            now += 16 * MS;
        }
        assert!(predictor.will_make(now, now + 16 * MS), "three slow ones in 32 are beyond the quantile");
        assert!(!predictor.will_make(now + 5_000 * MS, now + 5_016 * MS), "a long pause makes it unknown");
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_past() {
        let (predictor, now) = with((1..=10).rev().map(|ms| ms * MS));
        for (quantile, ms) in [(0.0, 1), (0.5, 6), (0.9, 10), (1.0, 10), (7.0, 10), (-1.0, 1)] {
            assert_eq!(predictor.latency(now, quantile), Some(ms * MS), "{quantile}");
        }
    }

    #[test]
    fn a_prediction_adds_half_the_spread_and_a_tenth_of_the_latency() {
        let us = 1_000;
        let (steady, now) = with([100 * us; 30]);
        assert_eq!(steady.predict(now), Some(now + 110 * us));
        let (erratic, now) = with((0..30).map(|n| if n % 3 == 0 { 300 * us } else { 100 * us }));
        assert_eq!(erratic.predict(now), Some(now + 300 * us + 100 * us + 20 * us));
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        let mut predictor = Predictor::new(1.0);
        for _ in 0..8 {
            predictor.record(u64::MAX - 1, u64::MAX);
            predictor.record(u64::MAX, 0);
            predictor.record(0, u64::MAX);
        }
        assert_eq!(predictor.predict(u64::MAX), Some(u64::MAX));
    }
}
