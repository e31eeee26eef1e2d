//! How often a surface commits: an exponential average of the intervals between its commits. It
//! reads no clock.

use fence::Ns;

/// The commit rate of one surface.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommitRate {
    last: Ns,
    /// The average time between commits, ns; 0: not known yet.
    interval: Ns,
}

impl CommitRate {
    /// The weight of the average against a new interval.
    const INERTIA: u64 = 7;

    /// Notes that a buffer was committed at `now`.
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

    /// Commits per 1000 seconds, that is, the rate in mHz; falls while no commit comes.
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
    fn the_rate_follows_the_commits_and_falls_without_them() {
        let mut rate = CommitRate::default();
        assert_eq!(rate.rate(FRAME), 0);
        let mut now = FRAME;
        rate.commit(now);
        assert_eq!(rate.rate(now), 0, "one commit has no rate");
        for _ in 0..20 {
            now += FRAME;
            rate.commit(now);
        }
        assert!(rate.rate(now).abs_diff(60_000) < 600, "{}", rate.rate(now));
        for _ in 0..40 {
            now += FRAME * 2;
            rate.commit(now);
        }
        assert!(rate.rate(now).abs_diff(30_000) < 600, "{}", rate.rate(now));
        assert_eq!(rate.rate(now + 10_000_000_000), 100, "ten seconds without a commit: a tenth of a hertz");
    }
}
