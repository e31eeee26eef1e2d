//! The frame of an output, from the timer to the flip: what the session does at each step.
//!
//! No step waits.

mod callbacks;
mod deferred;
mod detach;
mod eligible;
mod flip;
mod held;
mod latch;
mod late;
mod recover;
mod redraw;
mod timer;
