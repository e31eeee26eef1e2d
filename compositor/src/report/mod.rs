//! What `syncline msg` tells of the session, as values: the wire format, and how it reads on a terminal.
//!
//! Nothing here deferred anything up: the session fills the values in.

pub mod buffers;
pub mod counters;
pub mod fences;
pub mod table;
pub mod watchdog;
