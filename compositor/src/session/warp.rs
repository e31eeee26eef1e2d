//! Clients that move the pointer on their own surfaces (`pointer-warp`): drawing programs, lists that scroll under
//! the pointer, players of old games.
//!
//! Only who has the pointer may, with the serial with which it came, and only to where that surface is in sight.
//! A surface that keeps the pointer says with its constraint where it is. Nothing here is told as a motion of
//! the mouse.

use protocols::pointer_warp::PointerWarpHandler;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Serial},
};

use crate::session::Syncline;

impl PointerWarpHandler for Syncline {
    fn warp_pointer(&mut self, surface: &WlSurface, to: Point<f64, Logical>, entered: Serial) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        let has = pointer.current_focus().is_some_and(|focus| focus.id().same_client_as(&surface.id()));
        if !has || pointer.last_enter() != Some(entered) || self.keeps_pointer().is_some() {
            return;
        }
        let mut origin = None;
        self.desktop.surfaces(|_, shown, _, at| {
            if shown == surface {
                origin = origin.or(Some(at.to_f64()));
            }
        });
        let Some(at) = origin.map(|origin| origin + to).filter(|at| self.outputs.clamp(*at) == *at) else { return };
        // Neither beside it, nor behind another one.
        if self.desktop.at(at).is_some_and(|(hit, _)| hit == *surface) {
            self.move_pointer(&pointer, at, self.millis());
        }
    }
}

protocols::delegate_pointer_warp!(Syncline);
