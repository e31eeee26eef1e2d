//! `syncline msg`: the socket of a running session, its wire format, and the command that talks to it.
//!
//! It answers nothing itself: the session does.

pub mod args;
pub mod client;
pub mod request;
pub mod socket;
