//! Clock and deadlines of the tests: everything in nanoseconds of CLOCK_MONOTONIC, as in the trace
//! and in presentation feedback.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Nanoseconds of CLOCK_MONOTONIC.
pub type Ns = u64;

/// Nanoseconds in a millisecond.
pub const MS: Ns = 1_000_000;
/// Nanoseconds in a second.
pub const S: Ns = 1_000_000_000;

/// The time now.
pub fn now() -> Ns {
    let t = clock_gettime(ClockId::Monotonic);
    t.tv_sec as u64 * S + t.tv_nsec as u64
}

/// The time `timeout` from now.
pub fn after(timeout: Duration) -> Ns {
    now().saturating_add(timeout.as_nanos() as u64)
}

/// A `Timespec` of the time left until `deadline`, for `poll`; zero when it has passed.
pub fn left(deadline: Ns) -> Timespec {
    timespec(deadline.saturating_sub(now()))
}

/// `ns` as a `Timespec`.
pub fn timespec(ns: Ns) -> Timespec {
    Timespec { tv_sec: (ns / S) as i64, tv_nsec: (ns % S) as _ }
}

/// Sleeps until `at`; returns at once when that has passed. Interruptions by signals are slept
/// through.
pub fn sleep_until(at: Ns) {
    let at = timespec(at);
    while rustix::thread::clock_nanosleep_absolute(ClockId::Monotonic, &at).is_err() {}
}

/// Calls `ready` every 10 ms until it is true or `timeout` has passed; says which.
pub fn poll_until(timeout: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let deadline = after(timeout);
    loop {
        if ready() {
            return true;
        }
        if now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
