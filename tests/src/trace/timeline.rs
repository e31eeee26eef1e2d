//! The way of single commits through the compositor, put together from the events of a trace.

use std::collections::HashMap;

use super::{Trace, What};
use crate::time::Ns;

/// One commit of a surface, from its arrival to its release. Times are missing where the trace has
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journey {
    /// The surface.
    pub surface: u64,
    /// Serial of the commit.
    pub commit: u64,
    /// The frame that showed it first.
    pub frame: u64,
    /// The client's commit.
    pub committed: Ns,
    /// Its acquire fence signalled.
    pub acquired: Option<Ns>,
    /// How: ready, waited, kms, gpu.
    pub mode: String,
    /// The frame's content was fixed.
    pub latched: Option<Ns>,
    /// The atomic commit, beginning and end.
    pub kms: Option<(Ns, Ns)>,
    /// On the screen.
    pub flipped: Option<Ns>,
    /// The release point got its fence.
    pub materialised: Option<Ns>,
    /// That fence signalled.
    pub released: Option<Ns>,
}

#[derive(Default, Clone, Copy)]
struct FrameTimes {
    kms: Option<(Ns, Ns)>,
    flip: Option<Ns>,
    out: Option<Ns>,
}

/// The journeys of all commits that were shown, in order of their commit.
pub fn journeys(trace: &Trace) -> Vec<Journey> {
    let mut frames: HashMap<(u64, u64), FrameTimes> = HashMap::new();
    let mut all: HashMap<(u64, u64), Journey> = HashMap::new();
    // Releases name a frame without its output: one output at a time is followed.
    let mut release_frames: Vec<((u64, u64), u64)> = Vec::new();
    let mut output_of: HashMap<(u64, u64), u64> = HashMap::new();
    for event in &trace.events {
        match &event.what {
            What::Commit(c) => {
                let journey =
                    Journey { surface: c.surface, commit: c.commit, committed: event.at, ..Journey::default() };
                all.insert((c.surface, c.commit), journey);
            }
            What::Acquire(a) => {
                if let Some(j) = all.get_mut(&(a.surface, a.commit)) {
                    j.acquired = a.signal_ns.filter(|ns| *ns >= j.committed).or(Some(event.end));
                    j.mode.clone_from(&a.mode);
                }
            }
            What::Latch(l) => {
                for c in &l.surfaces {
                    if let Some(j) = all.get_mut(&(c.surface, c.commit)).filter(|j| j.latched.is_none()) {
                        j.latched = Some(event.at);
                        j.frame = l.frame;
                        output_of.insert((c.surface, c.commit), event.tid);
                    }
                }
            }
            What::KmsCommit(k) => frames.entry((event.tid, k.frame)).or_default().kms = Some((event.at, event.end)),
            What::Flip(f) => frames.entry((event.tid, f.frame)).or_default().flip = Some(f.time_ns),
            What::OutFence(o) => frames.entry((event.tid, o.frame)).or_default().out = Some(o.signal_ns),
            What::Release(r) => {
                let key = (r.surface, r.commit);
                if let Some(j) = all.get_mut(&key) {
                    j.materialised.get_or_insert(event.at);
                }
                release_frames.extend(r.frame.map(|frame| (key, frame)));
            }
            What::Crc(_) => {}
        }
    }
    for (key, frame) in release_frames {
        if let (Some(j), Some(output)) = (all.get_mut(&key), output_of.get(&key)) {
            j.released = frames.get(&(*output, frame)).and_then(|f| f.out);
        }
    }
    for (key, journey) in &mut all {
        if let Some(times) = output_of.get(key).and_then(|output| frames.get(&(*output, journey.frame))) {
            journey.kms = times.kms;
            journey.flipped = times.flip;
        }
    }
    let mut shown: Vec<Journey> = all.into_values().filter(|j| j.flipped.is_some()).collect();
    shown.sort_by_key(|j| (j.committed, j.surface));
    shown
}

/// A few journeys in a row from the middle of a run, of the surface that was shown most often.
pub fn excerpt(all: &[Journey], count: usize) -> Vec<Journey> {
    let mut shown: HashMap<u64, usize> = HashMap::new();
    for j in all {
        *shown.entry(j.surface).or_default() += 1;
    }
    let Some((&surface, _)) = shown.iter().max_by_key(|(surface, n)| (**n, std::cmp::Reverse(**surface))) else {
        return Vec::new();
    };
    let of: Vec<&Journey> = all.iter().filter(|j| j.surface == surface).collect();
    let from = (of.len() / 2).min(of.len().saturating_sub(count));
    of[from..].iter().take(count).map(|j| (*j).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Journey> {
        journeys(&Trace::parse(include_str!("../../data/trace.json")).unwrap())
    }

    #[test]
    fn a_journey_is_complete_and_in_order() {
        let all = sample();
        assert_eq!(all.len(), 4);
        let j = &all[1];
        let kms = j.kms.unwrap();
        let times = [j.committed, j.latched.unwrap(), kms.0, kms.1, j.acquired.unwrap(), j.flipped.unwrap()];
        assert!(times.is_sorted(), "{j:?}");
        assert_eq!((j.mode.as_str(), j.frame), ("kms", 2));
        assert!(j.materialised.unwrap() < j.released.unwrap());
    }

    #[test]
    fn excerpts() {
        let all = sample();
        assert_eq!(excerpt(&all, 2).len(), 2);
        assert_eq!(excerpt(&all, 99).len(), 4);
        assert!(excerpt(&[], 3).is_empty());
    }
}
