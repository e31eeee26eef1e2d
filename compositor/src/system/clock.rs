//! CLOCK_MONOTONIC, the clock of all timestamps: of vblanks, fences and the trace.
//!
//! Reading it is a real system call in some environments (User-Mode Linux), so read it once per
//! wake-up, not at each use.

pub use fence::now;
