//! Actions on the client of the window with the focus: closing it, ending its program.

use smithay::reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface};

use crate::session::{Syncline, windows::popups::post_error_on};

/// `wl_display.error.implementation`.
const IMPLEMENTATION: u32 = 3;

impl Syncline {
    /// The surface of the window with the focus.
    fn focused_window(&self) -> Result<WlSurface, String> {
        let focus = self.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        let surface = focus.map(|surface| self.toplevel_of(&surface));
        surface.ok_or_else(|| "no window has the focus".to_owned())
    }

    pub(super) fn close_focused(&mut self) -> Result<(), String> {
        let surface = self.focused_window()?;
        let window = self.desktop.windows.find(&surface).ok_or("no window has the focus")?;
        window.toplevel.send_close();
        Ok(())
    }

    pub(super) fn kill_focused(&mut self) -> Result<(), String> {
        let client = self.focused_window()?.client().ok_or("its program is gone")?;
        let says = "the user has ended this program".to_owned();
        post_error_on(&self.display, client.id(), "wl_display", IMPLEMENTATION, says);
        Ok(())
    }
}
