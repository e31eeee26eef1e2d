//! Who has the shortcuts: the session, or the window with the keyboard, by its own wish
//! (`keyboard-shortcuts-inhibit`, as those of virtual machines) or the user's.
//!
//! The user ends both with `inhibit-shortcuts off`, which is bound by default and works all the same.
//! No window has the shortcuts of a locked session.

use protocols::shortcuts_inhibit;
use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};

use crate::{actions::action::Switch, session::Syncline};

impl Syncline {
    /// Who has the keyboard, with an inhibitor, and whether that is active.
    fn inhibitor(&self) -> Option<(&WlSurface, bool)> {
        let focus = self.keys.focus.as_ref().filter(|focus| focus.is_alive() && !self.is_locked())?;
        Some((focus, shortcuts_inhibit::is_active(focus)?))
    }

    /// Whether the window with the focus has all shortcuts for itself.
    pub(super) fn are_shortcuts_inhibited(&self) -> bool {
        self.keys.inhibited || self.inhibitor().is_some_and(|(_, active)| active)
    }

    /// The user leaves the shortcuts to the window, or takes them back.
    pub(in crate::session) fn inhibit_shortcuts(&mut self, switch: Switch) {
        let on = switch.of(self.are_shortcuts_inhibited());
        let has_inhibitor = match self.inhibitor() {
            Some((surface, _)) => {
                shortcuts_inhibit::set_active(surface, on);
                true
            }
            None => false,
        };
        // A window that has one loses the shortcuts with the keyboard; others never asked.
        self.keys.inhibited = on && !has_inhibitor;
    }
}
