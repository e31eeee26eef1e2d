//! Pictures of outputs, windows and the pointer for clients; docs/capture.md has the whole.
//!
//! ```text
//!  wanted ─→ waiting ─ latch, or nothing to come: draw ─→ drawn ─ flip, fence, copy: answer ─→ ready
//! ```
//!
//! All series of one image share one target, which is drawn when one of them waits, and only where it has
//! changed. [`requests`] takes what clients say, [`moments`] knows when there is something to draw, [`draw`]
//! draws it without what [`hide`] keeps out, or [`written`] has the display put it into the client's buffer, and
//! [`answer`] tells whom. Nothing here waits, and nothing here makes a frame.

mod answer;
pub(super) mod draw;
pub(super) mod hide;
mod memory;
mod moments;
mod pointer;
mod requests;
mod written;
