//! What clients say of their windows beside xdg-shell: that one is a modal dialog, its icon and its tag.
//!
//! Nothing here places a window.

use protocols::toplevel_icon::ToplevelIconHandler;
use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel::XdgToplevel,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    wayland::{
        shell::xdg::{ToplevelSurface, dialog::XdgDialogHandler},
        xdg_toplevel_tag::XdgToplevelTagHandler,
    },
};

use crate::session::Syncline;

impl XdgDialogHandler for Syncline {
    fn modal_changed(&mut self, toplevel: ToplevelSurface, is_modal: bool) {
        let Some(id) = self.desktop.windows.id_of(toplevel.wl_surface()) else { return };
        self.layout_stale |= self.desktop.layout.set_modal(id, is_modal);
    }
}

impl ToplevelIconHandler for Syncline {
    fn surface_of(&self, toplevel: &XdgToplevel) -> Option<WlSurface> {
        self.globals.xdg_shell.get_toplevel(toplevel).map(|known| known.wl_surface().clone())
    }
}

impl XdgToplevelTagHandler for Syncline {
    fn set_tag(&mut self, toplevel: XdgToplevel, tag: String) {
        let surface = self.surface_of(&toplevel);
        if let Some(window) = surface.and_then(|surface| self.desktop.windows.find(&surface)) {
            self.listeners_stale |= window.tag.as_ref() != Some(&tag);
            window.tag = Some(tag);
        }
    }
}
