//! `syncline msg`: the socket of a running session, the wire format, and the commands that use
//! them, `syncline bugreport` among them.
//!
//! Nothing here answers a request; the session does.

pub mod args;
pub mod bugreport;
pub mod client;
pub mod connection;
pub mod pictures;
pub mod request;
pub mod socket;
