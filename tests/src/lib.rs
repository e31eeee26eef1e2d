//! What Syncline's tests, demo and benchmarks share: a real Wayland client with explicit fences, a
//! fixture that runs the `syncline` binary, a reader of its trace, and the demo's report.
//!
//! Nothing here is part of the compositor, and the compositor never depends on it: these tools see
//! `syncline` only as a client, a user or the kernel would. Every wait has a timeout, so a broken
//! compositor makes a test fail, never hang.

#![warn(missing_docs)]

pub mod apps;
pub mod bench;
pub mod card;
pub mod cec;
pub mod client;
pub mod compositor;
pub mod demo;
pub mod edid;
pub mod error;
pub mod held;
pub mod image;
pub mod ioctl;
pub mod lab;
pub mod other_session;
pub mod pattern;
pub mod picture;
pub mod proc;
#[cfg(target_arch = "x86_64")]
pub mod report;
pub mod soak;
pub mod time;
pub mod trace;
pub mod uinput;
pub mod user;
pub mod vkms;
pub mod vt;
