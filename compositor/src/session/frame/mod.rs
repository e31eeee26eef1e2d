//! The frame of an output, from the timer to the flip: what the session does at each step.
//!
//! No step waits.

mod deferred;
mod eligible;
mod flip;
mod latch;
mod pace;
mod recover;
mod redraw;
mod tell;
mod timer;
