//! CLOCK_MONOTONIC, the clock of every timestamp here: of vblanks, fences and the trace.
//!
//! A real system call in some environments (User-Mode Linux): read it once a wake-up, not once a use.

pub use fence::now;
