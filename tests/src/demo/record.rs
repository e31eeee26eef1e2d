//! What happened to each frame, and the report about it.

use serde::{Deserialize, Serialize};

use crate::client::{Feedback, Presented};
use crate::time::Ns;

/// A fence that signals so much later than intended was not tested at its intended time.
const LATE: Ns = 250_000;

/// One frame of the client.
#[derive(Debug, Clone, Copy, Default)]
pub struct Record {
    /// Number of the frame.
    pub frame: u64,
    /// When it was committed.
    pub commit_ns: Ns,
    /// How much later than intended its fence signalled.
    pub signal_late_ns: Option<Ns>,
    /// What presentation feedback said.
    pub feedback: Option<Feedback>,
    /// When its release point got a fence, as the client heard of it.
    pub materialised_ns: Option<Ns>,
    /// When that fence signalled, by the kernel's time stamp.
    pub released_ns: Option<Ns>,
    /// When the client heard of it.
    pub heard_ns: Option<Ns>,
    /// The errno of the release fence, where it failed.
    pub release_errno: Option<i32>,
}

/// Smallest, 1 of 100, middle, 99 of 100, largest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// How many values there were.
    pub count: usize,
    /// Smallest.
    pub min: f64,
    /// 1 of 100 is at most this.
    pub p1: f64,
    /// Middle.
    pub median: f64,
    /// 99 of 100 are at most this.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

impl Spread {
    /// Of any values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut all: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        all.sort_by(f64::total_cmp);
        let Some(&max) = all.last() else { return Spread::default() };
        let at = |q: f64| all[((all.len() - 1) as f64 * q).round() as usize];
        Spread { count: all.len(), min: all[0], p1: at(0.01), median: at(0.5), p99: at(0.99), max }
    }
}

/// The client's report, printed as JSON when it ends.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientReport {
    /// Width of the frames.
    pub width: u32,
    /// Height of the frames.
    pub height: u32,
    /// Frames committed after the warm-up.
    pub committed: u64,
    /// Of these, shown.
    pub presented: u64,
    /// Of these, replaced before they were shown.
    pub discarded: u64,
    /// Of these, without any feedback.
    pub unanswered: u64,
    /// Vblanks at which nothing new was shown, by the gaps in the vblank counter.
    pub missed_vblanks: u64,
    /// Of these, before a frame whose fence the client itself signalled more than 0.25 ms later
    /// than intended.
    #[serde(default)]
    pub missed_by_signals: u64,
    /// Frames a second.
    pub fps: f64,
    /// The output's refresh interval.
    pub refresh_ms: f64,
    /// Release points given to the compositor, warm-up included.
    pub releases_expected: u64,
    /// Of these, got a fence.
    pub releases_materialised: u64,
    /// Of these, got it before the flip that ended the buffer's time on the screen.
    pub releases_before_flip: u64,
    /// Of these, signalled.
    pub releases_signalled: u64,
    /// Of these, signalled with an error.
    pub releases_failed: u64,
    /// From the commit to the presentation, in ms.
    pub latency_ms: Spread,
    /// From the flip that replaced a buffer to the signal of its release point, by the kernel's
    /// time stamps, in ms.
    pub release_lag_ms: Spread,
    /// From that flip to the client's wake-up, in ms.
    pub wakeup_lag_ms: Spread,
    /// How much earlier than that flip the release point got its fence, in ms.
    pub materialised_ahead_ms: Spread,
    /// How much later than intended the client's own fences signalled, in ms.
    pub signal_late_ms: Spread,
}

fn ms(ns: Ns) -> f64 {
    ns as f64 / 1e6
}

fn shown(record: &Record) -> Option<Presented> {
    match record.feedback {
        Some(Feedback::Presented(p)) => Some(p),
        _ => None,
    }
}

/// Makes the report. The first `warmup` records count only for the releases.
pub fn report(records: &[Record], warmup: usize, size: (u32, u32), explicit: bool) -> ClientReport {
    let counted = &records[warmup.min(records.len())..];
    let late = |r: &Record| r.signal_late_ns.is_some_and(|late| late > LATE);
    let (flips, lates): (Vec<Presented>, Vec<bool>) = counted.iter().filter_map(|r| Some((shown(r)?, late(r)))).unzip();
    let gaps = || flips.windows(2).map(|w| w[1].seq.saturating_sub(w[0].seq).saturating_sub(1));
    let missed = gaps().sum();
    let by_signals = gaps().zip(lates.iter().skip(1)).filter(|(_, late)| **late).map(|(gap, _)| gap).sum();
    let fps = match (flips.first(), flips.last()) {
        (Some(a), Some(b)) if b.time_ns > a.time_ns => (flips.len() - 1) as f64 * 1e9 / (b.time_ns - a.time_ns) as f64,
        _ => 0.0,
    };
    // The flip that ended a frame's time on the screen is that of the next frame shown.
    let ended = |i: usize| records[i + 1..].iter().find_map(shown).map(|p| p.time_ns);
    let ends: Vec<(&Record, Ns)> = records
        .iter()
        .enumerate()
        .filter(|(_, r)| shown(r).is_some())
        .filter_map(|(i, r)| Some((r, ended(i)?)))
        .collect();
    let lag = |of: fn(&Record) -> Option<Ns>| {
        Spread::of(ends.iter().filter_map(|(r, end)| Some((of(r)? as f64 - *end as f64) / 1e6)))
    };
    let ahead = Spread::of(ends.iter().filter_map(|(r, end)| Some((*end as f64 - r.materialised_ns? as f64) / 1e6)));
    let count = |what: fn(&Record) -> bool| records.iter().filter(|r| what(r)).count() as u64;
    ClientReport {
        width: size.0,
        height: size.1,
        committed: counted.len() as u64,
        presented: flips.len() as u64,
        discarded: counted.iter().filter(|r| r.feedback == Some(Feedback::Discarded)).count() as u64,
        unanswered: counted.iter().filter(|r| r.feedback.is_none()).count() as u64,
        missed_vblanks: missed,
        missed_by_signals: by_signals,
        fps,
        refresh_ms: flips.last().map_or(0.0, |p| ms(p.refresh_ns)),
        releases_expected: if explicit { records.len() as u64 } else { 0 },
        releases_materialised: count(|r| r.materialised_ns.is_some()),
        releases_before_flip: ends.iter().filter(|(r, end)| r.materialised_ns.is_some_and(|m| m < *end)).count() as u64,
        releases_signalled: count(|r| r.heard_ns.is_some()),
        releases_failed: count(|r| r.release_errno.is_some()),
        latency_ms: Spread::of(counted.iter().filter_map(|r| Some(ms(shown(r)?.time_ns.saturating_sub(r.commit_ns))))),
        release_lag_ms: lag(|r| r.released_ns),
        wakeup_lag_ms: lag(|r| r.heard_ns),
        materialised_ahead_ms: ahead,
        signal_late_ms: Spread::of(counted.iter().filter_map(|r| r.signal_late_ns.map(ms))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(frame: u64, seq: u64) -> Record {
        let time_ns = seq * 16_000_000;
        Record {
            frame,
            commit_ns: time_ns - 15_000_000,
            feedback: Some(Feedback::Presented(Presented { time_ns, refresh_ns: 16_000_000, seq, flags: 0 })),
            materialised_ns: Some(time_ns + 14_000_000),
            released_ns: Some(time_ns + 16_000_000),
            heard_ns: Some(time_ns + 16_500_000),
            ..Record::default()
        }
    }

    #[test]
    fn gaps_and_lags() {
        let mut records: Vec<Record> = [10, 11, 12, 14, 15].iter().zip(0..).map(|(seq, n)| record(n, *seq)).collect();
        records.push(Record { frame: 5, feedback: Some(Feedback::Discarded), ..Record::default() });
        let mut with_signals = records.clone();
        for (record, late) in with_signals.iter_mut().zip([500_000, 500_000, 500_000, 240_000, 500_000]) {
            record.signal_late_ns = Some(late);
        }
        assert_eq!(report(&with_signals, 1, (64, 48), true).missed_by_signals, 0);
        with_signals[3].signal_late_ns = Some(260_000);
        assert_eq!(report(&with_signals, 1, (64, 48), true).missed_by_signals, 1);
        let report = report(&records, 1, (64, 48), true);
        assert_eq!((report.committed, report.presented, report.discarded, report.missed_vblanks), (5, 4, 1, 1));
        assert_eq!((report.releases_expected, report.releases_signalled, report.releases_before_flip), (6, 5, 4));
        assert_eq!(report.release_lag_ms.max, 0.0);
        assert_eq!(report.release_lag_ms.min, -16.0);
        assert_eq!(report.wakeup_lag_ms.max, 0.5);
        assert!((report.fps - 3.0 * 1e9 / 64_000_000.0).abs() < 1e-6);
        assert_eq!(report.latency_ms.median, 15.0);
    }

    #[test]
    fn nothing_shown() {
        let report = report(&[], 20, (1, 1), true);
        assert_eq!((report.presented, report.fps), (0, 0.0));
    }

    #[test]
    fn spreads() {
        let s = Spread::of((1..=101).map(f64::from));
        assert_eq!((s.min, s.median, s.p99, s.max), (1.0, 51.0, 100.0, 101.0));
        assert_eq!(Spread::of([]), Spread::default());
    }
}
