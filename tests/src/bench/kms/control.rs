//! How late this machine is by itself: somebody who does nothing but sleep until the next vblank's time, with nobody else at work.
//!
//! In real time no compositor in the guest can be better than that, so the frames that it misses are held against it.

use super::Options;
use crate::bench::Row;
use crate::time::{MS, Ns, now, sleep_until};

/// Who is woken so late has used up what is kept in reserve before a vblank.
const LATE: Ns = MS;
/// Of 60 Hz.
const PERIOD: Ns = 16_666_667;

/// Wake-ups that came too late, in as many periods of 60 Hz as each run has frames; none in virtual time.
pub fn late(options: &Options) -> u64 {
    if options.virtual_time {
        return 0;
    }
    let start = now();
    let late = (1..=options.frames).filter(|frame| {
        let at = start + frame * PERIOD;
        sleep_until(at);
        now() > at + LATE
    });
    late.count() as u64
}

/// The row.
pub fn row(options: &Options, late: u64) -> Row {
    Row {
        what: "control: sleepers woken more than 1 ms late",
        others: &["", ""],
        limit: "–".into(),
        figures: vec![format!("{late} of {}", options.frames)],
        kept: true,
    }
}
