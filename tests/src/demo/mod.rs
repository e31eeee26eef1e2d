//! The demo client: a fullscreen Wayland client whose frames are fenced and finished *late*.
//!
//! ```text
//! main thread    commit n ──────────────── frame callback ── commit n+1 …
//!                  │ acquire point = sw_sync fence, still pending
//! painter thread   └─ draws most of n ─ sleeps ─ draws the rest ─ INC: the fence signals, `lead` before the vblank
//! ```
//!
//! So the buffer's content really is unfinished until its fence signals, as with a GPU: a
//! compositor that looks earlier shows a torn frame, and the CRC tells. A buffer is drawn to again
//! only when its release point has signalled.

pub mod hostile;
pub mod options;
pub mod pace;
pub mod painter;
pub mod record;
pub mod run;
pub mod show;
mod slots;

pub use options::Options;
pub use record::ClientReport;
