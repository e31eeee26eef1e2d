//! From a trace to figures, and from figures to a verdict. Pure functions.

use std::collections::HashMap;

use serde::Serialize;

use super::{Trace, What};
use crate::demo::ClientReport;
use crate::demo::record::Spread;

/// How acquire fences were dealt with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Acquires {
    /// Signalled already at the commit.
    pub ready: u64,
    /// Waited for before the latch.
    pub waited: u64,
    /// Handed to KMS unsignalled.
    pub kms: u64,
    /// Handed to the GPU unsignalled.
    pub gpu: u64,
    /// Replaced by a newer commit before they signalled.
    pub superseded: u64,
    /// Failed.
    pub failed: u64,
}

/// How buffers went back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Releases {
    /// Commits with points or a request for a release fence, which therefore expect one.
    pub expected: u64,
    /// Points that got a fence, and fences that were sent, at the KMS commit.
    pub at_commit: u64,
    /// Points signalled by the CPU later.
    pub at_signal: u64,
    /// Points signalled because the surface or buffer went away unshown.
    pub at_drop: u64,
    /// Points that never got one.
    pub missing: u64,
    /// Points released more than once.
    pub double: u64,
    /// Points that carry an error.
    pub failed: u64,
}

/// What the CRCs said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Crcs {
    /// The display showed what the scene says.
    pub equal: u64,
    /// It showed something else.
    pub different: u64,
    /// The display gave no CRC for that frame.
    pub unread: u64,
    /// The scene could not be predicted.
    pub unpredicted: u64,
    /// It came after the frame had been replaced and differs: it may be that of a buffer which its
    /// client has back.
    pub ambiguous: u64,
    /// Frames from before the reader had settled.
    pub settling: u64,
}

/// The figures of a trace.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Whether the file was whole.
    pub complete: bool,
    /// Page flips.
    pub frames: u64,
    /// Vblanks missed, summed over the flips.
    pub missed: u64,
    /// Commits of clients.
    pub commits: u64,
    /// Acquire fences.
    pub acquires: Acquires,
    /// Atomic commits that carried at least one IN_FENCE_FD.
    pub in_fences: u64,
    /// Atomic commits with an OUT_FENCE_PTR.
    pub out_fences: u64,
    /// Atomic commits that failed.
    pub kms_errors: u64,
    /// Releases.
    pub releases: Releases,
    /// CRCs.
    pub crcs: Crcs,
    /// Signal of the out-fence after its flip, in ms.
    pub lag_ms: Spread,
    /// Duration of an atomic commit's ioctl, in ms.
    pub kms_commit_ms: Spread,
}

impl Summary {
    /// Of a trace.
    pub fn of(trace: &Trace) -> Summary {
        let mut s = Summary { complete: trace.complete, ..Summary::default() };
        let mut points: HashMap<(u64, u64), u32> = HashMap::new();
        let mut lags = Vec::new();
        let mut durations = Vec::new();
        for event in &trace.events {
            match &event.what {
                What::Commit(c) => {
                    s.commits += 1;
                    // Points come in pairs; a client of messages asks for each of its two halves by
                    // itself.
                    if c.acquire == "point" || c.release == "fence" {
                        points.insert((c.surface, c.commit), 0);
                    }
                }
                What::Acquire(a) => *acquire_counter(&mut s.acquires, &a.state, &a.mode) += 1,
                What::Latch(_) => {}
                What::KmsCommit(k) => {
                    let failed = k.errno.as_ref().is_some_and(|e| !e.is_null());
                    s.kms_errors += u64::from(failed);
                    s.in_fences += u64::from(k.planes.iter().any(|p| p.in_fence));
                    s.out_fences += u64::from(k.out_fence && !failed);
                    durations.push((event.end - event.at) as f64 / 1e6);
                }
                What::Flip(f) => {
                    s.frames += 1;
                    s.missed += f.missed;
                }
                What::Release(r) if matches!(r.kind.as_str(), "point" | "fence") => {
                    *points.entry((r.surface, r.commit)).or_default() += 1;
                    s.releases.failed += u64::from(r.error.as_ref().is_some_and(|e| !e.is_null()));
                    match r.when.as_str() {
                        "commit" => s.releases.at_commit += 1,
                        "signal" => s.releases.at_signal += 1,
                        _ => s.releases.at_drop += 1,
                    }
                }
                What::Release(_) => {}
                What::OutFence(o) => lags.push(o.lag_ns as f64 / 1e6),
                What::Crc(c) => match c.verdict.as_str() {
                    "equal" => s.crcs.equal += 1,
                    "different" => s.crcs.different += 1,
                    "unread" => s.crcs.unread += 1,
                    "ambiguous" => s.crcs.ambiguous += 1,
                    "settling" => s.crcs.settling += 1,
                    _ => s.crcs.unpredicted += 1,
                },
            }
        }
        s.releases.expected = points.len() as u64;
        s.releases.missing = points.values().filter(|n| **n == 0).count() as u64;
        s.releases.double = points.values().filter(|n| **n > 1).count() as u64;
        s.lag_ms = Spread::of(lags);
        s.kms_commit_ms = Spread::of(durations);
        s
    }

    /// The rows that people read: what, and how much.
    pub fn rows(&self, client: Option<&ClientReport>) -> Vec<(&'static str, String)> {
        let (a, r, c) = (&self.acquires, &self.releases, &self.crcs);
        let mut rows = vec![
            ("frames shown", format!("{}", self.frames)),
            ("missed vblanks", format!("{}", self.missed)),
            ("acquire fences handed to KMS", format!("{}", a.kms)),
            ("acquire fences waited for", format!("{}", a.waited)),
            ("acquire fences ready at commit", format!("{}", a.ready)),
            ("acquire fences to the GPU / superseded / failed", format!("{} / {} / {}", a.gpu, a.superseded, a.failed)),
            ("release points materialised at commit", format!("{} of {}", r.at_commit, r.expected)),
            ("release points later / on drop / missing", format!("{} / {} / {}", r.at_signal, r.at_drop, r.missing)),
            ("release signal lag after the flip", spread(&self.lag_ms)),
            ("CRCs predicted = read", format!("{}", c.equal)),
            ("CRCs different", format!("{}", c.different)),
            ("CRCs unread / ambiguous / unpredicted", format!("{} / {} / {}", c.unread, c.ambiguous, c.unpredicted)),
        ];
        if let Some(client) = client {
            rows.push(("client: presented / committed", format!("{} / {}", client.presented, client.committed)));
            rows.push(("client: missed vblanks", format!("{}", client.missed_vblanks)));
            rows.push(("client: frames a second", format!("{:.2}", client.fps)));
            rows.push(("client: commit to screen", spread(&client.latency_ms)));
            rows.push(("client: release known before the flip", spread(&client.materialised_ahead_ms)));
            rows.push(("client: release signal after the flip", spread(&client.release_lag_ms)));
        }
        rows
    }
}

fn acquire_counter<'a>(a: &'a mut Acquires, state: &str, mode: &str) -> &'a mut u64 {
    match (state, mode) {
        ("failed", _) => &mut a.failed,
        ("superseded", _) => &mut a.superseded,
        (_, "kms") => &mut a.kms,
        (_, "gpu") => &mut a.gpu,
        (_, "waited") => &mut a.waited,
        _ => &mut a.ready,
    }
}

fn spread(s: &Spread) -> String {
    if s.count == 0 { "–".into() } else { format!("{:.2} ms (≤ {:.2})", s.median, s.max) }
}

/// Whether a demo run was good, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether it was.
    pub pass: bool,
    /// The one line.
    pub line: String,
}

/// Judges a demo run that was asked for `frames` frames.
pub fn judge(s: &Summary, client: Option<&ClientReport>, frames: u64) -> Verdict {
    let mut faults = Vec::new();
    let mut fault = |bad: bool, text: String| bad.then(|| faults.push(text));
    fault(!s.complete, "the trace is cut off".into());
    fault(s.crcs.different > 0, format!("{} CRCs differ", s.crcs.different));
    fault(s.crcs.equal == 0, "no CRC was compared".into());
    fault(s.releases.missing > 0, format!("{} release points missing", s.releases.missing));
    fault(s.releases.double > 0, format!("{} release points given twice", s.releases.double));
    fault(s.frames < frames, format!("{} frames shown, {frames} asked for", s.frames));
    fault(s.kms_errors > 0, format!("{} atomic commits failed", s.kms_errors));
    match client {
        Some(c) => {
            fault(c.presented < frames, format!("the client saw {} frames shown", c.presented));
            let lost = c.releases_expected.saturating_sub(c.releases_signalled);
            fault(lost > 0, format!("the client still waits for {lost} releases"));
        }
        None => {
            fault(true, "the client gave no report".into());
        }
    }
    let (a, r, c) = (&s.acquires, &s.releases, &s.crcs);
    let facts = format!(
        "{} frames, {} missed; fences: {} to KMS, {} waited for; releases: {} of {} at commit, {} missing; CRCs: {} equal, {} different, {} unread",
        s.frames, s.missed, a.kms, a.waited, r.at_commit, r.expected, r.missing, c.equal, c.different, c.unread
    );
    let pass = faults.is_empty();
    let line = if pass {
        format!("verdict: PASS — {facts}")
    } else {
        format!("verdict: FAIL — {} ({facts})", faults.join("; "))
    };
    Verdict { pass, line }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Summary {
        Summary::of(&Trace::parse(include_str!("../../data/trace.json")).unwrap())
    }

    fn client() -> ClientReport {
        ClientReport { presented: 4, releases_expected: 4, releases_signalled: 4, ..ClientReport::default() }
    }

    #[test]
    fn figures_of_the_sample() {
        let s = sample();
        assert_eq!((s.frames, s.missed, s.commits), (5, 1, 4));
        assert_eq!((s.acquires.kms, s.acquires.waited, s.acquires.ready), (2, 1, 1));
        assert_eq!((s.releases.expected, s.releases.at_commit, s.releases.at_drop, s.releases.missing), (4, 3, 1, 0));
        assert_eq!((s.crcs.equal, s.crcs.different, s.crcs.unread), (4, 0, 1));
        assert_eq!((s.in_fences, s.out_fences, s.kms_errors), (4, 5, 0));
        assert_eq!((s.lag_ms.count, s.lag_ms.max), (5, 0.02));
    }

    #[test]
    fn releases_by_message_count_as_points_do() {
        let text = include_str!("../../data/trace.json");
        let fenced = text.replace(r#""acquire":"point""#, r#""acquire":"fence","release":"fence""#);
        let fenced = fenced.replace(r#""kind":"point""#, r#""kind":"fence""#);
        assert_ne!(fenced, text);
        assert_eq!(Summary::of(&Trace::parse(&fenced).unwrap()).releases, sample().releases);
        // One that asked for no release fence expects none.
        let acquires = text.replace(r#""acquire":"point""#, r#""acquire":"fence","release":"wl_buffer""#);
        let acquires = acquires.replace(r#""kind":"point""#, r#""kind":"wl_buffer""#);
        assert_eq!(Summary::of(&Trace::parse(&acquires).unwrap()).releases, Releases::default());
    }

    #[test]
    fn the_sample_passes() {
        let verdict = judge(&sample(), Some(&client()), 4);
        assert!(verdict.pass, "{}", verdict.line);
        assert!(verdict.line.starts_with("verdict: PASS — 5 frames"));
    }

    #[test]
    fn each_fault_fails() {
        type Break = fn(&mut Summary, &mut ClientReport);
        let faults: [(&str, Break); 7] = [
            ("cut off", |s, _| s.complete = false),
            ("CRCs differ", |s, _| s.crcs.different = 1),
            ("no CRC", |s, _| s.crcs.equal = 0),
            ("release points missing", |s, _| s.releases.missing = 1),
            ("frames shown", |s, _| s.frames = 3),
            ("atomic commits failed", |s, _| s.kms_errors = 1),
            ("still waits", |_, c| c.releases_signalled = 3),
        ];
        for (text, spoil) in faults {
            let (mut s, mut c) = (sample(), client());
            spoil(&mut s, &mut c);
            let verdict = judge(&s, Some(&c), 4);
            assert!(!verdict.pass && verdict.line.contains(text), "{text}: {}", verdict.line);
        }
        assert!(!judge(&sample(), None, 4).pass);
    }
}
