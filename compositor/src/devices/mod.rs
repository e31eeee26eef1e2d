//! Devices beside the display: television adapters and converters.
//!
//! Each is used where it is there, and costs nothing where it is not. Nothing here decides when.

pub mod cec;
pub mod mem2mem;
