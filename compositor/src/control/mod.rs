//! `syncline msg`: the socket of a running session, the wire format, and the command that uses
//! them.
//!
//! Nothing here answers a request; the session does.

pub mod args;
pub mod client;
pub mod request;
pub mod socket;
