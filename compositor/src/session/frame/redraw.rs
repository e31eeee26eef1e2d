//! Which outputs have something new to show, and whether their scenes must be built again.
//!
//! It only marks them; [`crate::session::frame::timer`] schedules, and the latch builds.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::compositor::with_states,
};

use crate::{session::Syncline, surface::SurfaceState, system::id::SurfaceId};

impl Syncline {
    /// Anything on every output may have changed.
    pub fn redraw_all(&mut self) {
        for output in &mut self.outputs.list {
            output.scene.set_stale();
            output.dirty = true;
        }
    }

    /// What the session itself shows in a part of the desktop is another: the outputs there build their
    /// scenes again.
    pub fn redraw_area(&mut self, area: Rectangle<i32, Logical>) {
        for output in self.outputs.list.iter_mut().filter(|output| output.shown_area().overlaps(area)) {
            output.scene.set_stale();
            output.dirty = true;
        }
    }

    /// A commit of a surface was applied; `reshaped`: it changed more than the content. The outputs
    /// that show it latch again, also if it only carries a frame callback. A surface that no output
    /// shows causes no latch.
    pub fn surface_changed(&mut self, surface: &WlSurface, id: SurfaceId, reshaped: bool) {
        if reshaped {
            // It may have appeared, or grown, under the pointer.
            self.pointer_stale = true;
            self.redraw_window_of(surface);
            if with_states(surface, |states| SurfaceState::of(states).current.is_none()) {
                self.drop_layers(id);
            }
        }
        let now = self.now;
        with_states(surface, |states| {
            let mut state = SurfaceState::of(states);
            for output in &mut self.outputs.list {
                let shown = output.scene.update(id, &mut state, now);
                if shown {
                    output.refresh.content(now);
                }
                output.dirty |= shown;
            }
        });
        // The latch of the home output ends a barrier, also if another output shows the surface.
        if with_states(surface, |states| SurfaceState::of(states).sets_barrier())
            && let Some(home) = self.home(surface)
        {
            self.outputs.list[home].dirty = true;
        }
        if self.desktop.cursor.is_image(surface) || self.desktop.cursor.is_drag_icon(surface) {
            // The commit may have moved it, too.
            self.redraw_pointer(self.pointer_location());
        }
    }

    /// The order or the positions in a surface's tree have changed.
    pub fn tree_changed(&mut self, surface: &WlSurface) {
        self.pointer_stale = true;
        self.displays_stale = true;
        self.redraw_window_of(surface);
    }

    /// The outputs build their scenes again, because a window or popup has changed its shape.
    fn redraw_window_of(&mut self, surface: &WlSurface) {
        self.outputs.list.iter_mut().for_each(|output| output.scene.set_stale());
        let root = self.root_of(surface);
        if self.desktop.cursor.is_image(&root) || self.desktop.cursor.is_drag_icon(&root) {
            return self.redraw_pointer(self.pointer_location());
        }
        let locks = self.desktop.lock.as_mut().is_some_and(|lock| lock.find(&root).is_some());
        let is_shown = locks
            || self.desktop.windows.find(&root).is_some_and(|window| window.mapped)
            || self.desktop.layers.get(&root).is_some_and(|window| window.is_shown())
            || self.desktop.popups.find_popup(&root).is_some();
        // Its sub-surfaces may be anywhere, and so may what they were.
        self.outputs.list.iter_mut().for_each(|output| output.dirty |= is_shown);
    }

    /// A surface is gone, or has no content any more: no scene holds its last content.
    pub fn drop_layers(&mut self, id: SurfaceId) {
        for output in &mut self.outputs.list {
            if output.scene.shows(id) {
                // All of them: a client that goes takes many surfaces along, one after the other.
                output.scene.clear();
                output.dirty = true;
            }
        }
    }

    /// The pointer was at `before`, or its image has changed: the outputs on which it was or is
    /// latch again.
    pub fn redraw_pointer(&mut self, before: Point<f64, Logical>) {
        let pointer = self.pointer_location();
        let (desktop, outputs) = (&mut self.desktop, &self.outputs.list);
        let scales = || outputs.iter().map(|output| output.screen().scale);
        let areas = [before, pointer].map(|at| desktop.cursor.bounds(&desktop.trees, at, scales()));
        let shown = std::mem::replace(&mut self.desktop.cursor.drawn, areas[1]);
        let (icon, now) = (self.desktop.cursor.drag_icon(before).is_some(), self.now);
        for output in &mut self.outputs.list {
            let rect = output.shown_area();
            // Its surfaces are told which displays they are on.
            self.displays_stale |= rect.overlaps(shown) != rect.overlaps(areas[1]);
            if areas.iter().chain([&shown]).any(|area| rect.overlaps(*area)) {
                output.dirty |= !output.clock.is_variable() || output.refresh.pointer(now);
                if icon || !output.pointer_on_plane {
                    output.scene.set_stale();
                }
            }
        }
    }
}
