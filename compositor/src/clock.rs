//! CLOCK_MONOTONIC, the clock of every timestamp here: of vblanks, fences and the trace.

use fence::Ns;

/// The time now. A real system call in some environments (User-Mode Linux): read it once a wake-up, not once a use.
pub fn now() -> Ns {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
