//! Actions on windows: the focus, closing, maximised, fullscreen.

use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::shell::xdg::{ToplevelSurface, XdgShellHandler},
};

use crate::{
    actions::action::{Step, Switch},
    desktop::windows::Placement,
    session::{Syncline, windows::popups::post_error_on},
    surface::id_of,
};

/// `wl_display.error.implementation`.
const IMPLEMENTATION: u32 = 3;

impl Syncline {
    /// The surface of the window with the focus.
    fn focused_window(&self) -> Result<WlSurface, String> {
        let focus = self.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        let surface = focus.map(|surface| self.toplevel_of(&surface));
        surface.ok_or_else(|| "no window has the focus".to_owned())
    }

    /// The window with the focus: its toplevel, its placement, and whether it is maximised.
    fn focused_toplevel(&mut self) -> Result<(ToplevelSurface, Placement, bool), String> {
        let surface = self.focused_window()?;
        let window = self.desktop.windows.find(&surface);
        let of = window.map(|window| (window.toplevel.clone(), window.placement, window.maximised));
        of.ok_or_else(|| "no window has the focus".to_owned())
    }

    pub(super) fn close_focused(&mut self) -> Result<(), String> {
        let (toplevel, ..) = self.focused_toplevel()?;
        toplevel.send_close();
        Ok(())
    }

    pub(super) fn kill_focused(&mut self) -> Result<(), String> {
        let client = self.focused_window()?.client().ok_or("its program is gone")?;
        let says = "the user has ended this program".to_owned();
        post_error_on(&self.display, client.id(), "wl_display", IMPLEMENTATION, says);
        Ok(())
    }

    pub(super) fn maximise_focused(&mut self, switch: Switch) -> Result<(), String> {
        let (toplevel, _, maximised) = self.focused_toplevel()?;
        match (switch.of(maximised), maximised) {
            (true, false) => self.maximize_request(toplevel),
            (false, true) => self.unmaximize_request(toplevel),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn fullscreen_focused(&mut self, switch: Switch, output: Option<&str>) -> Result<(), String> {
        let (toplevel, placement, _) = self.focused_toplevel()?;
        let is = placement == Placement::Fullscreen;
        let on = switch.of(is);
        let wanted = match output {
            None => None,
            Some(name) => {
                let output = self.outputs.list.iter().find(|output| output.wl.name() == name);
                let output = output.ok_or_else(|| format!("there is no output `{name}`"))?;
                let client = toplevel.wl_surface().client().ok_or("its program is gone")?;
                let wanted = output.wl.client_outputs(&client).next();
                Some(wanted.ok_or_else(|| format!("its program does not know the output `{name}`"))?)
            }
        };
        match (on, is) {
            (true, false) => self.fullscreen_request(toplevel, wanted),
            (true, true) if wanted.is_some() => self.fullscreen_request(toplevel, wanted),
            (false, true) => self.unfullscreen_request(toplevel),
            _ => {}
        }
        Ok(())
    }

    /// Focuses the window that came after the one with the focus, or before it; the first after the last.
    pub(super) fn focus_in_order(&mut self, step: Step) -> Result<(), String> {
        let mut windows: Vec<WlSurface> =
            self.desktop.windows.visible().map(|window| window.surface().clone()).collect();
        windows.sort_by_key(id_of);
        let count = windows.len();
        let at = self.focused_window().ok().and_then(|focus| windows.iter().position(|window| *window == focus));
        let to = match (at, step) {
            (None, Step::Next) => 0,
            (None, Step::Previous) => count.saturating_sub(1),
            (Some(at), Step::Next) => (at + 1) % count,
            (Some(at), Step::Previous) => (at + count - 1) % count,
        };
        let Some(window) = windows.into_iter().nth(to) else { return Err("there is no window".to_owned()) };
        if at != Some(to) {
            self.focus(Some(window));
        }
        Ok(())
    }

    /// Focuses the window below the one with the focus: it had it before.
    pub(super) fn focus_last(&mut self) -> Result<(), String> {
        let window = self.desktop.windows.visible().nth(1).map(|window| window.surface().clone());
        let window = window.ok_or("there is no other window")?;
        self.focus(Some(window));
        Ok(())
    }
}
