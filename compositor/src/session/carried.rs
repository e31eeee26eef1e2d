//! Windows that a drag takes along (`xdg-toplevel-drag`): a tab that is torn off, and put elsewhere.
//!
//! ```text
//!  attach ─→ it floats, and follows the pointer or the finger that drags ─→ dropped or cancelled: it stays there
//! ```
//!
//! It is no target of the drag: what lies below it is.

use protocols::selection::ToplevelDragHandler;
use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel::XdgToplevel,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    utils::{Logical, Point},
};

use crate::session::Syncline;

impl Syncline {
    /// What drags is there now: so is the window that it takes along.
    pub(super) fn carry_window(&mut self, to: Point<f64, Logical>) {
        let Some((surface, (x, y))) = self.globals.selections.dragged_toplevel() else {
            self.desktop.carried = None;
            return;
        };
        let Some(window) = self.desktop.windows.find(&surface).filter(|window| window.mapped) else { return };
        let id = window.id;
        let layout = &mut self.desktop.layout;
        if layout.window(id).is_some_and(|window| !window.floats) {
            layout.set_floating(id, true);
        }
        if layout.window(id).is_some_and(|window| !window.is_free()) {
            layout.set_maximised(id, false);
            layout.snap(id, None);
        }
        self.desktop.carried = Some(surface.clone());
        // The bar lies above the geometry.
        let offset = Point::from((x.clamp(-FAR, FAR), y.clamp(-FAR, FAR)));
        self.move_window(&surface, to.to_i32_round() - offset);
    }

    /// A window has appeared: it may be one that is dragged along by the pointer.
    pub(super) fn carry_new(&mut self, surface: &WlSurface) {
        let carried = self.globals.selections.dragged_toplevel();
        if carried.is_some_and(|(of, _)| of == *surface) && self.dragging_finger().is_none() {
            self.carry_window(self.pointer_location());
        }
    }
}

/// The farthest that the pointer may be from a window that it drags, in pixels.
const FAR: i32 = 16_384;

impl ToplevelDragHandler for Syncline {
    fn surface_of_toplevel(&self, toplevel: &XdgToplevel) -> Option<WlSurface> {
        self.globals.xdg_shell.get_toplevel(toplevel).map(|known| known.wl_surface().clone())
    }

    fn toplevel_attached(&mut self, surface: &WlSurface) {
        let Some(id) = self.desktop.windows.id_of(surface) else { return };
        if self.desktop.layout.window(id).is_some_and(|window| !window.mapped) {
            // Others make no room for it.
            self.desktop.layout.set_floating(id, true);
        }
        self.carry_new(surface);
    }
}

protocols::delegate_toplevel_drag!(Syncline);
