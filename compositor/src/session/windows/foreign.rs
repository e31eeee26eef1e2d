//! Dialogs of other clients' windows (`xdg-foreign`): for the layout they are dialogs like others.
//!
//! Which handle stands for which window is the protocol's ([`protocols::foreign`]). Nothing here asks
//! whose a window is.

use protocols::foreign::{ForeignHandler, ForeignState};
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    wayland::shell::{
        is_valid_parent,
        xdg::{XDG_TOPLEVEL_ROLE, XdgShellHandler},
    },
};

use crate::session::{Syncline, checks};

impl ForeignHandler for Syncline {
    fn foreign(&mut self) -> &mut ForeignState {
        &mut self.globals.foreign
    }

    fn is_toplevel(&self, surface: &WlSurface) -> bool {
        checks::xdg::role_of(surface) == Some(XDG_TOPLEVEL_ROLE)
    }

    fn set_parent(&mut self, child: &WlSurface, parent: &WlSurface) -> bool {
        let is_right = is_valid_parent(child, parent);
        if is_right {
            self.change_parent(child, |old| old != Some(parent), Some(parent));
        }
        is_right
    }

    fn unset_parent(&mut self, child: &WlSurface, parent: &WlSurface) {
        self.change_parent(child, |old| old == Some(parent), None);
    }
}

impl Syncline {
    /// Gives a window another parent if its old one is such that it should have.
    fn change_parent(
        &mut self,
        child: &WlSurface,
        should: impl FnOnce(Option<&WlSurface>) -> bool,
        parent: Option<&WlSurface>,
    ) {
        let Some(window) = self.desktop.windows.find(child) else { return };
        if should(window.parent().as_ref()) {
            window.set_parent(parent.cloned());
            let toplevel = window.toplevel.clone();
            self.parent_changed(toplevel);
        }
    }
}
