//! Which outputs have something new to show.
//!
//! It only marks them; [`crate::session::frame::timer`] schedules.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
};

use crate::session::Syncline;

impl Syncline {
    /// Something on every output may have changed.
    pub fn redraw_all(&mut self) {
        for output in &mut self.outputs.list {
            output.dirty = true;
        }
    }

    /// A surface has changed: the outputs that can show it latch again. An invisible surface
    /// causes no latch.
    pub fn redraw_surface(&mut self, surface: &WlSurface) {
        let root = self.root_of(surface);
        if crate::surface::is_hidden(surface) {
            return;
        }
        if self.desktop.cursor.is_image(&root) || self.desktop.cursor.is_drag_icon(&root) {
            return self.redraw_pointer(self.pointer_location());
        }
        let mut rect = self.desktop.windows.find(&root).filter(|w| w.mapped).map(|w| {
            let geometry = w.geometry();
            // Shadows and sub-surfaces may extend beyond the window: use a generous rectangle.
            let mut rect = Rectangle::new(w.location, geometry.size);
            rect.loc -= (geometry.size.w, geometry.size.h).into();
            rect.size = rect.size.upscale(3);
            rect
        });
        if rect.is_none() && self.desktop.popups.find_popup(&root).is_some() {
            rect = Some(self.outputs.bounds());
        }
        let Some(rect) = rect else { return };
        for output in &mut self.outputs.list {
            if output.rect().overlaps(rect) {
                output.dirty = true;
            }
        }
    }

    /// The pointer was at `before`, or its image has changed: the outputs on which it was or is
    /// latch again.
    pub fn redraw_pointer(&mut self, before: Point<f64, Logical>) {
        let areas = [before, self.pointer_location()].map(|at| self.desktop.cursor.bounds(at));
        let shown = std::mem::replace(&mut self.desktop.cursor.drawn, areas[1]);
        for output in &mut self.outputs.list {
            let rect = output.rect();
            output.dirty |= areas.iter().chain([&shown]).any(|area| rect.overlaps(*area));
        }
    }
}
