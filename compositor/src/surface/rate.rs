//! How often a surface's picture changes: an exponential average over its commits, a few instructions each.

use fence::Ns;

/// The pace of one surface.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommitRate {
    last: Ns,
    /// Average time between commits; 0: not known yet.
    interval: Ns,
}

impl CommitRate {
    /// Weight of what is known against a new interval.
    const INERTIA: u64 = 7;

    /// A buffer was committed.
    pub fn commit(&mut self, now: Ns) {
        let interval = now.saturating_sub(self.last);
        if self.last != 0 {
            self.interval = match self.interval {
                0 => interval,
                old => (old / (Self::INERTIA + 1) * Self::INERTIA).saturating_add(interval / (Self::INERTIA + 1)),
            };
        }
        self.last = now;
    }

    /// Commits in a thousand seconds; falls while none come.
    pub fn rate(&self, now: Ns) -> u32 {
        let longest = self.interval.max(now.saturating_sub(self.last));
        match self.interval {
            0 => 0,
            _ => u32::try_from(1_000_000_000_000 / longest.max(1)).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Ns = 16_666_667;

    #[test]
    fn a_pace_is_learnt_kept_and_lost() {
        let mut pace = CommitRate::default();
        assert_eq!(pace.rate(FRAME), 0);
        let mut now = FRAME;
        pace.commit(now);
        assert_eq!(pace.rate(now), 0, "one commit has no pace");
        for _ in 0..20 {
            now += FRAME;
            pace.commit(now);
        }
        assert!(pace.rate(now).abs_diff(60_000) < 600, "{}", pace.rate(now));
        for _ in 0..40 {
            now += FRAME * 2;
            pace.commit(now);
        }
        assert!(pace.rate(now).abs_diff(30_000) < 600, "{}", pace.rate(now));
        assert_eq!(pace.rate(now + 10_000_000_000), 100, "ten seconds without: a tenth of a hertz");
    }
}
