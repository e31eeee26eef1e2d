//! [`Quantiles`]: the last measurements of a duration, and their quantiles.
//!
//! It reads no clock, decides nothing and uses no heap.

use fence::Ns;

/// The number of durations that are kept.
const MEMORY: usize = 32;
/// The least number of durations for a quantile.
const ENOUGH: usize = 6;

/// A ring of the last 32 durations; each saturates at four seconds.
#[derive(Debug, Clone, Default)]
pub struct Quantiles {
    ring: [u32; MEMORY],
    next: usize,
    len: usize,
}

impl Quantiles {
    /// Adds a duration, in ns.
    pub fn record(&mut self, duration: Ns) {
        self.ring[self.next] = duration.min(u32::MAX.into()) as u32;
        self.next = (self.next + 1) % MEMORY;
        self.len = (self.len + 1).min(MEMORY);
    }

    /// The duration at a quantile (1.0: the longest one), in ns, rounded up in rank; `None` if too
    /// few are known.
    pub fn at(&self, quantile: f32) -> Option<Ns> {
        if self.len < ENOUGH {
            return None;
        }
        let mut sorted = self.ring;
        let sorted = &mut sorted[..self.len];
        let rank = ((self.len - 1) as f32 * quantile.clamp(0.0, 1.0)).ceil() as usize;
        let (_, at, _) = sorted.select_nth_unstable(rank.min(self.len - 1));
        Some((*at).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_last_32_durations() {
        let mut past = Quantiles::default();
        (0..5).for_each(|_| past.record(7));
        assert_eq!(past.at(1.0), None, "too few");
        past.record(9);
        assert_eq!((past.at(0.0), past.at(0.5), past.at(1.0)), (Some(7), Some(7), Some(9)));
        (0..32).for_each(|n| past.record(n));
        assert_eq!((past.at(0.0), past.at(0.5), past.at(0.9), past.at(1.0)), (Some(0), Some(16), Some(28), Some(31)));
        past.record(Ns::MAX);
        assert_eq!(past.at(1.0), Some(u32::MAX.into()), "saturates");
    }
}
