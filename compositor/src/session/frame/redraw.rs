//! Which outputs have something new to show.
//!
//! It only marks them; [`crate::session::frame::timer`] schedules.

use smithay::{reexports::wayland_server::protocol::wl_surface::WlSurface, utils::Rectangle};

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
        if !crate::surface::is_hidden(surface) {
            self.redraw_tree(surface);
        }
    }

    /// The order or the positions in a surface's tree have changed.
    pub fn tree_changed(&mut self, surface: &WlSurface) {
        self.pointer_stale = true;
        self.displays_stale = true;
        // Also if the surface itself is covered: by what has moved, perhaps.
        self.redraw_tree(surface);
    }

    fn redraw_tree(&mut self, surface: &WlSurface) {
        let root = self.root_of(surface);
        if self.desktop.cursor.surface() == Some(&root) || self.desktop.cursor.drag_icon() == Some(&root) {
            return self.redraw_all();
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

    /// The pointer has moved or its image has changed.
    pub fn redraw_cursor(&mut self) {
        self.redraw_all();
    }
}
