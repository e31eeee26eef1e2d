//! CLOCK_MONOTONIC, the clock of every timestamp here: of vblanks, fences and the trace.
//!
//! A real system call in some environments (User-Mode Linux): read it once a wake-up, not once a use.

use fence::Ns;

pub use fence::now;

/// Where a session has its time from: the system, or in tests a hand that winds it.
#[derive(Debug, Clone, Copy)]
pub struct Clock(pub fn() -> Ns);

impl Clock {
    /// CLOCK_MONOTONIC.
    pub const MONOTONIC: Self = Self(now);

    /// The time.
    pub fn now(self) -> Ns {
        (self.0)()
    }
}
