//! CLOCK_MONOTONIC, the clock of all timestamps: of vblanks, fences and the trace.
//!
//! Reading it is a real system call in some environments (User-Mode Linux), so read it once per
//! wake-up, not at each use.

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
