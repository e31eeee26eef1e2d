//! CEC: the wire of HDMI and DisplayPort by which a session wakes its television, names itself, and
//! hears of standby.
//!
//! An [`Adapter`] is one `/dev/cecN`, found for a connector or named by its path. A [`Player`]
//! makes a playback device of it: address, name, view-on, active source, standby. What it says and
//! answers is decided in [`machine`], which knows no kernel. Nothing here blocks: messages leave
//! through the kernel's queue, and what arrives is read when the descriptor polls. The kernel
//! answers <Give OSD Name>, <Give Physical Address>, <Give Device Vendor ID>, <Get CEC Version> and
//! <Abort> itself.
//!
//! From `Documentation/userspace-api/media/cec/` and HDMI 1.4b, supplement 1. Never used for audio,
//! tuners or recording.

mod adapter;
mod ioctl;
pub mod machine;
mod player;

pub use adapter::{Adapter, AdapterInfo, DrmConnector, UNKNOWN_ADDRESS};
pub use machine::Message;
pub use player::{Event, OsdName, Player, Readiness};
