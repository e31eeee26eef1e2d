//! The user's absence: since when, and what inhibits it.

use fence::Ns;
use protocols::idle_notify::IdleNotifyState;
use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

/// The state of the user's absence.
#[derive(Debug)]
pub struct UserAbsence {
    pub notify: IdleNotifyState,
    /// The time of the last input, or of the end of an inhibition: the idle time of the displays
    /// counts from here.
    pub since: Ns,
    /// Surfaces with an inhibitor, one entry for each inhibitor.
    pub inhibitors: Vec<Weak<WlSurface>>,
    pub inhibited: bool,
    /// The user keeps the displays on, by the action `idle-inhibit`.
    pub kept_on: bool,
    /// The displays were turned off because the user was idle, and there has been no input since.
    pub off: bool,
}

impl UserAbsence {
    /// Starts with a user who is active at `now`.
    pub fn new(notify: IdleNotifyState, now: Ns) -> Self {
        Self { notify, since: now, inhibitors: Vec::new(), inhibited: false, kept_on: false, off: false }
    }
}
