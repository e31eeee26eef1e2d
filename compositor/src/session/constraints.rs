//! Windows that keep the pointer where it is, or within themselves (`pointer-constraints`): games, machines in
//! a window, drawing programs.
//!
//! ```text
//!  the pointer is over it, within its region ─┐
//!  its window has the keyboard ───────────────┴→ holds ─ the pointer, the keyboard or the constraint goes ─→ ends
//! ```
//!
//! A user who changes the window or the workspace, or locks the session, has the pointer back. Only one surface
//! has it at a time. What the device has moved is told by `relative-pointer` all the same.

use protocols::pointer_constraints::{self, Kind, PointerConstraintsHandler};
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, Rectangle},
    wayland::compositor::with_states,
};

use crate::{session::Syncline, surface::SurfaceState};

impl Syncline {
    /// What the constraint that holds does; `None`: there is none.
    pub(super) fn keeps_pointer(&self) -> Option<Kind> {
        let surface = self.constrained.as_ref().filter(|surface| surface.is_alive())?;
        pointer_constraints::constraint(surface).map(|constraint| constraint.kind)
    }

    /// Where a pointer comes to that is moved to `to`, if a surface confines it: the nearest place in its region,
    /// or along an edge.
    pub(super) fn confined(&self, to: Point<f64, Logical>) -> Point<f64, Logical> {
        let (Some(surface), Some(Kind::Confinement)) = (&self.constrained, self.keeps_pointer()) else { return to };
        let from = self.pointer_location();
        let Some((_, origin)) = self.desktop.at(from).filter(|(hit, _)| hit == surface) else { return from };
        let size = with_states(surface, |states| SurfaceState::of(states).view.size).to_f64();
        let near = pointer_constraints::nearest(surface, to - origin, Rectangle::from_size(size)) + origin;
        let ways = [near, (near.x, from.y).into(), (from.x, near.y).into()];
        ways.into_iter().find(|way| self.stays_within(surface, *way)).unwrap_or(from)
    }

    /// Whether a position on the desktop is on the surface, where it takes input, and within the region of its
    /// constraint.
    fn stays_within(&self, surface: &WlSurface, at: Point<f64, Logical>) -> bool {
        let hit = self.desktop.at(self.outputs.clamp(at)).filter(|(hit, _)| hit == surface);
        hit.is_some_and(|(_, origin)| pointer_constraints::is_within(surface, at - origin))
    }

    /// The pointer, the keyboard or a constraint has changed: a constraint begins to hold, or ends.
    pub(super) fn refresh_constraint(&mut self) {
        let focus = self.seat.get_pointer().and_then(|pointer| pointer.current_focus());
        let wanted = focus.filter(|surface| self.may_keep_pointer(surface));
        if self.constrained == wanted {
            return;
        }
        if let Some(before) = self.constrained.take().filter(Resource::is_alive) {
            let hint = pointer_constraints::deactivate(&before);
            self.put_back(&before, hint);
        }
        if let Some(surface) = wanted {
            pointer_constraints::activate(&surface);
            self.constrained = Some(surface);
        }
    }

    fn may_keep_pointer(&self, surface: &WlSurface) -> bool {
        surface.is_alive()
            && pointer_constraints::constraint(surface).is_some()
            && !self.is_locked()
            && !self.desktop.layout.is_dragging()
            && self.keys.focus.as_ref().is_some_and(|focus| focus.is_alive() && *focus == self.toplevel_of(surface))
            // A button that is held keeps the pointer on a surface that it has left.
            && self.stays_within(surface, self.pointer_location())
    }

    /// A pointer that was locked is where its client has drawn one meanwhile, if that is on the surface. It is
    /// told nothing of that.
    fn put_back(&mut self, surface: &WlSurface, hint: Option<Point<f64, Logical>>) {
        let (Some(hint), Some(pointer)) = (hint, self.seat.get_pointer()) else { return };
        let before = self.pointer_location();
        let Some((_, origin)) = self.desktop.at(before).filter(|(hit, _)| hit == surface) else { return };
        let size = with_states(surface, |states| SurfaceState::of(states).view.size);
        if !Rectangle::from_size(size.to_f64()).contains(hint) {
            return;
        }
        self.desktop.pointer = self.outputs.clamp(origin + hint);
        pointer.set_location(self.desktop.pointer);
        self.redraw_pointer(before);
        self.pointer_stale = true;
    }
}

impl PointerConstraintsHandler for Syncline {
    fn constraint_created(&mut self, _: &WlSurface) {
        self.pointer_stale = true;
    }

    fn constraint_destroyed(&mut self, surface: &WlSurface, hint: Option<Point<f64, Logical>>) {
        self.constrained.take_if(|held| held == surface);
        self.put_back(surface, hint);
    }
}

protocols::delegate_pointer_constraints!(Syncline);
