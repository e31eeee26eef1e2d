//! The user's absence: since when, and who forbids it.

use fence::Ns;
use protocols::idle_notify::IdleNotifyState;
use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

/// What is known of the user's absence.
#[derive(Debug)]
pub struct UserAbsence {
    pub notify: IdleNotifyState,
    /// The last input, or the end of an inhibition: from then on the displays' time counts.
    pub since: Ns,
    /// Surfaces with an inhibitor, once for each.
    pub inhibitors: Vec<Weak<WlSurface>>,
    pub inhibited: bool,
    /// The displays were turned off and nobody has come since.
    pub off: bool,
}

impl UserAbsence {
    /// The user is here at `now`.
    pub fn new(notify: IdleNotifyState, now: Ns) -> Self {
        Self { notify, since: now, inhibitors: Vec::new(), inhibited: false, off: false }
    }
}
