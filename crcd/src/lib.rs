//! Display CRCs for an ordinary user's session.
//!
//! The kernel has CRCs in debugfs, which only root may enter. [`server`] is the helper that may: it
//! opens the CRC files of one CRTC for a member of a group, and passes the descriptor on.
//! [`client`] asks it, [`protocol`] is what they say to each other. [`files`] opens the files, in
//! the helper as in a program that may do so itself.
//!
//! ```text
//!  session ─ Request{device, CRTC, source} ─→ helper: who asks? ─→ files: control, data
//!          ←──────── Reply, descriptor of `data` (or of `control`, to be read) ────────┘
//! ```
//!
//! The helper never takes a path or a descriptor from a client, follows no symbolic link but the
//! kernel's own from a minor to its device, reads no CRC, and keeps nothing open that it has passed
//! on.

pub mod client;
pub mod files;
mod ioctl;
pub mod peer;
pub mod privileges;
pub mod protocol;
pub mod server;

pub use ioctl::activated;

/// Where the helper listens unless it is told otherwise.
pub const SOCKET: &str = "/run/syncline/crcd.sock";

/// The environment variable that names another socket to the clients.
pub const SOCKET_VARIABLE: &str = "SYNCLINE_CRCD";

/// Whose members may ask the helper unless it is told otherwise.
pub const GROUP: &str = "syncline";
