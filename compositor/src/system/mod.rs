//! The machine under the session: clock, event set, seat, trace, errors.
//!
//! Nothing here knows surfaces, outputs or windows.

pub mod autostart;
pub mod bus;
pub mod clock;
pub mod descriptors;
pub mod error;
pub mod id;
pub mod inotify;
pub mod ioctl;
pub mod last_words;
pub mod libinput;
pub mod log;
pub mod notify;
pub mod pulse;
pub mod reactor;
pub mod realtime;
pub mod recent_log;
pub mod recvmsg;
pub mod scale;
pub mod seat;
pub mod state_file;
pub mod trace;
pub mod udev;
