//! Display CRCs: what the hardware says it has put on the wire.
//!
//! ```text
//!  CrcReader ─ sources, arm ─→ CrcStream ─→ CrcEntry ─┐
//!                    flips ───────────────────────────┴─ pair::Pairer ─→ entry of frame N ─┬─ vkms, lcdif: equal to the prediction?
//!  driver: numbers? predictable? which sources?                                            └─ reference: equal to what was learnt?
//! ```
//!
//! [`CrcReader`] speaks to `<debugfs>/dri/N/crtc-M/crc/`, itself or by the helper `syncline-crcd`
//! where debugfs is closed to it; [`driver`] knows what each driver's
//! entries are; [`pair`] says which frame an entry is of; [`vkms`] and [`lcdif`] predict what
//! displays with a known arithmetic will say; [`mod@reference`] keeps what others said.
//!
//! Never compares across sources or configurations, and never hides a gap: where frame numbers
//! jump, the stream counts it.

pub mod driver;
pub mod entry;
mod error;
mod helper;
pub mod lcdif;
pub mod pair;
mod reader;
pub mod reference;
mod stream;
pub mod vkms;

pub use entry::CrcEntry;
pub use error::{CrcError, NoHelper};
pub use reader::{CrcReader, CrcSource, is_locked_down};
pub use stream::{CrcStream, RING, SETTLING};
