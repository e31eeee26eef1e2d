//! Who has the keyboard.
//!
//! ```text
//!  while the session is locked, a surface of the lock, or nobody
//!  else a layer surface of the upper two layers that wants it for itself
//!   └ else what the user has clicked or what was shown last: a window, or a layer surface that takes it
//!      └ else the window that the layout gives the focus
//! ```
//!
//! Menus keep it while they are open ([`crate::session::windows::menus`]). Nothing here moves the
//! pointer.

use smithay::{reexports::wayland_server::protocol::wl_surface::WlSurface, utils::SERIAL_COUNTER};

use crate::session::Syncline;

impl Syncline {
    /// Gives keyboard focus to a window or layer surface and raises it; with `None`, nobody has the
    /// focus. Who has the keyboard for itself keeps it.
    pub fn focus(&mut self, surface: Option<WlSurface>) {
        if let (Some(lock), Some(surface)) = (&mut self.desktop.lock, &surface) {
            lock.choose(surface);
        }
        let id = surface.as_ref().and_then(|surface| self.desktop.windows.id_of(surface));
        if let Some(id) = id {
            self.desktop.layout.focus(id);
            self.arrange_windows();
        }
        // A modal dialog may have it instead.
        let surface = if id.is_some() { self.focused_window_surface() } else { surface };
        let surface = self.keyboard_holder().or_else(|| surface.filter(|_| !self.is_locked()));
        let has = self.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        if has != surface {
            self.give_keyboard(surface);
        }
    }

    /// The window that the layout gives the focus has the keyboard, unless somebody has it for itself. A
    /// layer surface keeps it when a window goes.
    pub fn keyboard_follows(&mut self) {
        let (before, focused) = (self.desktop.focused, self.desktop.layout.focused());
        if before == focused {
            return;
        }
        self.desktop.focused = focused;
        let is_gone = |id| !self.desktop.layout.window(id).is_some_and(|window| window.is_shown());
        let layer = self.layer_with_keyboard().filter(|_| before.is_some_and(is_gone));
        let surface = layer.or_else(|| self.focused_window_surface());
        let surface = self.keyboard_holder().or_else(|| surface.filter(|_| !self.is_locked()));
        let has = self.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        if has != surface {
            self.give_keyboard(surface);
        }
    }

    fn focused_window_surface(&self) -> Option<WlSurface> {
        Some(self.desktop.windows.get(self.desktop.layout.focused()?)?.surface().clone())
    }

    fn give_keyboard(&mut self, surface: Option<WlSurface>) {
        self.close_menus_of_others(surface.as_ref());
        self.pointer_stale = true;
        self.tell_held_motion();
        if let Some(keyboard) = self.seat.get_keyboard() {
            let serial = SERIAL_COUNTER.next_serial();
            let nobody = surface.is_none();
            // A client knows what it may paste before it has the keyboard.
            self.selections_follow(surface.as_ref());
            keyboard.set_focus(self, surface, serial);
            if nobody {
                // Smithay tells only of a new focus. A surface that is gone would be kept.
                self.keys.focus = None;
                self.text_focus(None);
                self.pads_follow(None);
            }
            let focus = keyboard.current_focus();
            // A menu may have kept it.
            self.selections_follow(focus.as_ref());
            self.note_user_event(serial, focus);
        }
        self.redraw_all();
    }

    /// Who has the keyboard for itself.
    fn keyboard_holder(&self) -> Option<WlSurface> {
        match &self.desktop.lock {
            Some(lock) => lock.keyboard().cloned(),
            None => self.desktop.layers.exclusive().cloned(),
        }
    }

    /// The window that the layout gives the focus has the keyboard. A layer surface that has it keeps it.
    pub fn focus_top(&mut self) {
        let top = self.layer_with_keyboard().or_else(|| self.focused_window_surface());
        self.focus(top);
    }

    /// The layer surface that has the keyboard, and may.
    fn layer_with_keyboard(&self) -> Option<WlSurface> {
        let takes = |root: &WlSurface| self.desktop.layers.get(root).is_some_and(|window| window.takes_keyboard());
        self.keyboard_root().filter(takes)
    }

    /// The window or layer surface that has the keyboard, perhaps by a menu.
    fn keyboard_root(&self) -> Option<WlSurface> {
        let focus = self.seat.get_keyboard()?.current_focus()?;
        Some(self.toplevel_of(&focus))
    }

    /// Whether a click gives a window or layer surface the keyboard.
    pub fn takes_keyboard(&self, root: &WlSurface) -> bool {
        self.desktop.layers.get(root).is_none_or(|window| window.takes_keyboard())
    }

    /// Whether a menu of a window or layer surface may have the keyboard.
    pub fn shares_keyboard(&self, root: &WlSurface) -> bool {
        !self.is_locked() && self.takes_keyboard(root) && self.keyboard_holder().is_none_or(|holder| holder == *root)
    }

    /// A layer surface was committed; `maps`: it is shown from now on. It may want the keyboard, or
    /// not any more.
    pub fn refresh_keyboard(&mut self, layer: &WlSurface, maps: bool) {
        let Some(window) = self.desktop.layers.get(layer).filter(|_| !self.is_locked()) else { return };
        let has = self.keyboard_root();
        let asks = maps && window.takes_keyboard() && window.is_above_windows();
        if has.as_ref() == Some(layer) && !window.takes_keyboard() {
            self.focus_top();
        } else if asks || self.keyboard_holder().is_some_and(|holder| has.as_ref() != Some(&holder)) {
            let layer = layer.clone();
            self.focus(Some(layer));
        }
    }
}
