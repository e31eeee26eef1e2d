//! When the next vblanks come, from what presentation feedback said; and when a fence is to signal.

use crate::time::{MS, Ns};

/// The output's rhythm as a client knows it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    last: Option<(Ns, Ns)>,
    stamp_after: Ns,
}

impl Pace {
    /// The rhythm is unknown yet. `stamp_after`: how long after the beginning of a vblank its time
    /// stamp is.
    pub fn new(stamp_after: Ns) -> Self {
        Self { last: None, stamp_after }
    }

    /// Takes a presentation's time and refresh interval. An unknown interval (0) teaches nothing.
    pub fn learn(&mut self, stamp: Ns, refresh: Ns) {
        let time = stamp.saturating_sub(self.stamp_after);
        if refresh > 0 && self.last.is_none_or(|(t, _)| time > t) {
            self.last = Some((time, refresh));
        }
    }

    /// The first vblank after `now`, when the rhythm is known.
    pub fn next_vblank(&self, now: Ns) -> Option<Ns> {
        let (time, refresh) = self.last?;
        let periods = now.saturating_sub(time) / refresh + 1;
        Some(time + periods * refresh)
    }

    /// When the fence of a frame committed at `now` is to signal, to be `lead` before the vblank
    /// that it is meant for: at once (`now`) where the rhythm is unknown or that moment has passed.
    pub fn signal_at(&self, now: Ns, lead: Ns) -> Ns {
        self.next_vblank(now).map_or(now, |vblank| vblank.saturating_sub(lead).max(now))
    }
}

/// When a frame is to be committed and when its fence is to signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The commit.
    pub commit: Ns,
    /// The signal.
    pub signal: Ns,
}

impl Pace {
    /// Plans the next frame at `now`: its fence signals `lead` before the next vblank, its commit
    /// is `work` before that. What is already past happens at once.
    pub fn plan(&self, now: Ns, lead: Ns, work: Ns) -> Plan {
        let signal = self.signal_at(now, lead);
        Plan { commit: signal.saturating_sub(work).max(now), signal }
    }
}

/// Milliseconds of the command line as nanoseconds.
pub fn lead_ns(ms: f64) -> Ns {
    (ms.max(0.0) * MS as f64) as Ns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vblanks_follow_the_last_presentation() {
        let mut pace = Pace::default();
        assert_eq!(pace.next_vblank(5), None);
        assert_eq!(pace.signal_at(5, 1), 5);
        pace.learn(1000, 100);
        assert_eq!(pace.next_vblank(1000), Some(1100));
        assert_eq!(pace.next_vblank(1099), Some(1100));
        assert_eq!(pace.next_vblank(1100), Some(1200));
        assert_eq!(pace.next_vblank(900), Some(1100));
        assert_eq!(pace.signal_at(1010, 30), 1070);
        assert_eq!(pace.signal_at(1080, 30), 1080);
    }

    #[test]
    fn plans() {
        let mut pace = Pace::default();
        assert_eq!(pace.plan(5, 30, 20), Plan { commit: 5, signal: 5 });
        pace.learn(1000, 100);
        assert_eq!(pace.plan(1010, 30, 20), Plan { commit: 1050, signal: 1070 });
        assert_eq!(pace.plan(1060, 30, 20), Plan { commit: 1060, signal: 1070 });
        assert_eq!(pace.plan(1090, 30, 20), Plan { commit: 1090, signal: 1090 });
    }

    #[test]
    fn old_and_empty_presentations_are_ignored() {
        let mut pace = Pace::default();
        pace.learn(1000, 100);
        pace.learn(900, 100);
        pace.learn(2000, 0);
        assert_eq!(pace.next_vblank(1000), Some(1100));
    }
}
