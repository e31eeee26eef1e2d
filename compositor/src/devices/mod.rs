//! Devices beside the display: CEC adapters and V4L2 converters.
//!
//! Each is used if it is present, and costs nothing otherwise. Nothing here decides when they are
//! used.

pub mod cec;
pub mod mem2mem;
