//! The reports of `syncline msg` as values: the wire format, and the text for a terminal.
//!
//! Nothing here looks anything up: the session fills the values in.

pub mod buffers;
pub mod clients;
pub mod counters;
pub mod devices;
pub mod events;
pub mod fences;
pub mod status;
pub mod table;
pub mod watchdog;
pub mod windows;
