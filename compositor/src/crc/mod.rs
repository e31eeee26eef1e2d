//! Display CRCs in the running session: what the hardware put on the wire, against what the scene says it should be.
//!
//! ```text
//!  flip(frame, sequence) ─→ Judge ←─ predictor thread ←─ Check (the planes as committed)
//!  crc/data ─→ entry ──────→  │ ─→ equal | different | read | unpredicted | ambiguous | unread | settling   (once a frame)
//!                             └──→ changed without a flip ─→ released too early | written into while in use
//! ```
//!
//! [`judge`] pairs and judges, [`predict`] computes, [`stream`] reads, [`frames`] remembers, [`change`] finds who drew into
//! a buffer on the screen. Nothing here arms, waits or commits, and nothing is claimed of a display whose arithmetic is
//! not known.

pub mod change;
pub mod check;
pub mod frames;
pub mod judge;
pub mod predict;
pub mod status;
pub mod stream;
pub mod text;
