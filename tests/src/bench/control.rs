//! The control: what this machine does to somebody who has nothing to do with the compositor,
//! measured in the same run.
//!
//! A sleeper wants to be woken at each multiple of a 60 Hz period, and now and then is woken late.
//! A row of system calls takes a known time on an idle machine, and longer on a busy one. No
//! compositor can be better than that, so its times are judged against these. In virtual time
//! nothing is ever late and no work takes time: the control is [`Control::NONE`].

use rustix::time::{ClockId, clock_gettime};

use super::judge::allowed_late;
use crate::demo::record::Spread;
use crate::time::{MS, Ns, S, now, sleep_until};

/// A sleeper that is woken so late has used up what the compositor keeps in reserve before a
/// vblank.
const LATE: Ns = MS;
/// Of 60 Hz.
const PERIOD: Ns = 16_666_667;
/// System calls of the fixed work.
const CALLS: u32 = 4_000;
/// CPU time of one of them in the lab on an idle machine of two cores, where the limits of CPU
/// times were set.
const IDLE_CALL_NS: f64 = 5_000.0;

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Control {
    /// Sleepers that were woken more than a millisecond late.
    pub late: u64,
    /// Of so many.
    pub of: u64,
    /// How late the middle one was.
    pub median_ms: f64,
    /// CPU time of one bare system call.
    pub call_ns: f64,
}

impl Control {
    /// That of virtual time.
    pub const NONE: Control = Control { late: 0, of: 0, median_ms: 0.0, call_ns: 0.0 };

    /// Measures with `periods` sleepers.
    pub fn measure(periods: u64) -> Control {
        let start = now();
        let lateness: Vec<Ns> = (1..=periods)
            .map(|period| {
                let at = start + period * PERIOD;
                sleep_until(at);
                now().saturating_sub(at)
            })
            .collect();
        let late = lateness.iter().filter(|late| **late > LATE).count() as u64;
        let median_ms = Spread::of(lateness.iter().map(|ns| *ns as f64 / MS as f64)).median;
        let begun = cpu_ns();
        for _ in 0..CALLS {
            std::hint::black_box(rustix::process::getppid());
        }
        let call_ns = cpu_ns().saturating_sub(begun) as f64 / f64::from(CALLS);
        Control { late, of: periods, median_ms, call_ns }
    }

    /// Measures half of it before and half after `work`, whose noise thus is most like the
    /// control's.
    pub fn around<T>(periods: u64, work: impl FnOnce() -> T) -> (Control, T) {
        let before = Control::measure(periods / 2);
        let done = work();
        (before.joined(Control::measure(periods - periods / 2)), done)
    }

    fn joined(self, other: Control) -> Control {
        Control {
            late: self.late + other.late,
            of: self.of + other.of,
            median_ms: (self.median_ms + other.median_ms) / 2.0,
            call_ns: (self.call_ns + other.call_ns) / 2.0,
        }
    }

    /// How many of `frames` may be late; none in virtual time.
    pub fn allowed(&self, frames: u64) -> u64 {
        if *self == Control::NONE { 0 } else { allowed_late(self.late, self.of, frames) }
    }

    /// How much longer CPU work takes than on the idle machine where the limits were set; never
    /// less than 1.
    pub fn slowdown(&self) -> f64 {
        (self.call_ns / IDLE_CALL_NS).max(1.0)
    }
}

/// CPU time of this thread.
fn cpu_ns() -> Ns {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * S + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_allows_for_nothing() {
        assert_eq!(Control::NONE.allowed(600), 0);
        assert_eq!(Control::NONE.slowdown(), 1.0);
        assert_eq!(Control::NONE.median_ms, 0.0);
    }

    #[test]
    fn a_fast_machine_keeps_the_limits_and_a_slow_one_gets_more() {
        let quiet = Control { late: 0, of: 600, median_ms: 0.1, call_ns: IDLE_CALL_NS / 2.0 };
        assert_eq!((quiet.slowdown(), quiet.allowed(600)), (1.0, 6));
        let busy = Control { late: 30, call_ns: IDLE_CALL_NS * 3.0, ..quiet };
        assert_eq!(busy.slowdown(), 3.0);
        assert!(busy.allowed(600) > 30);
    }

    #[test]
    fn both_halves_count() {
        let half = Control { late: 1, of: 300, median_ms: 0.1, call_ns: 4_000.0 };
        let noisy = Control { late: 5, of: 300, median_ms: 0.3, call_ns: 8_000.0 };
        let whole = half.joined(noisy);
        assert_eq!((whole.late, whole.of, whole.call_ns), (6, 600, 6_000.0));
        let (measured, done) = Control::around(2, || 7);
        assert_eq!((measured.of, done), (2, 7));
        assert!(measured.call_ns > 0.0);
    }
}
