//! Display CRCs in the running session: compares what the hardware has scanned out with what the
//! committed planes should give.
//!
//! ```text
//!  flip(frame, sequence) ─→ Judge ←─ predictor thread ←─ Check (the planes as committed)
//!  crc/data ─→ entry ──────→  ├─→ once per frame: equal | different | read | unpredicted |
//!                             │                   ambiguous | unread | settling
//!                             └─→ changed without a flip: early release | written while in use
//! ```
//!
//! [`judge`] pairs entries with frames and judges them, [`predict`] computes CRCs, [`stream`] reads
//! them, [`frames`] keeps the last frames, and [`change`] finds out which client wrote into a
//! buffer on the screen. [`proof`] compares a picture of a frame with its CRC; [`beyond`] says why they may differ. Nothing here arms, waits or commits, and nothing is claimed of a display
//! whose CRC arithmetic is not known.

pub mod beyond;
pub mod change;
pub mod check;
pub mod frames;
pub mod judge;
pub mod predict;
pub mod proof;
pub mod status;
pub mod stream;
pub mod text;
