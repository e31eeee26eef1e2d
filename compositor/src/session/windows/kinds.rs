//! What clients say of their windows beside xdg-shell: that one is a modal dialog.
//!
//! Nothing here places a window.

use smithay::wayland::shell::xdg::{ToplevelSurface, dialog::XdgDialogHandler};

use crate::session::Syncline;

impl XdgDialogHandler for Syncline {
    fn modal_changed(&mut self, toplevel: ToplevelSurface, is_modal: bool) {
        let Some(id) = self.desktop.windows.id_of(toplevel.wl_surface()) else { return };
        self.layout_stale |= self.desktop.layout.set_modal(id, is_modal);
    }
}
