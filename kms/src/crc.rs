//! Display CRCs: what the hardware says it has put on the wire.
//!
//! [`CrcReader`] speaks to `<debugfs>/dri/N/crtc-M/crc/`; [`vkms`] predicts what the kernel's software display will say.
//!
//! Never compares across sources or configurations, and never hides a gap: where frame numbers jump, the stream counts it.

pub mod driver;
pub mod entry;
mod error;
mod holder;
pub mod lcdif;
pub mod pair;
mod reader;
pub mod reference;
mod stream;
pub mod vkms;

pub use entry::CrcEntry;
pub use error::CrcError;
pub use reader::{CrcReader, CrcSource};
pub use stream::{CrcStream, RING, SETTLING};
