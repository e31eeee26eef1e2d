//! Moving and resizing by pointer.
//!
//! What the pointer has moved since the start counts, not since the last event, so limits that were
//! met on the way leave no trace. A resized floating window is placed by what its client commits:
//! the edge that is not dragged stays where it is. Nothing here sends a configure.

use crate::{
    desktop::layout::{
        geometry::{Edges, Point, Rect, anchored, dragged},
        state::{Grab, GrabKind, Layout},
        window::Snap,
        workspace::OutputName,
    },
    system::id::WindowId,
};

impl Layout {
    /// The pointer begins to move a floating window. One that is snapped or maximised gets its own
    /// size again, under the pointer.
    pub fn begin_move(&mut self, id: WindowId, pointer: Point) -> bool {
        self.end_grab();
        let pointer = pointer.bounded();
        let Some(window) = self.windows.get(&id).filter(|window| window.is_shown() && window.floats) else {
            return false;
        };
        if window.covers() {
            return false;
        }
        let (free, size, on) = (window.is_free(), window.floating_size(), window.workspace);
        let bar = self.title_bar(window);
        let rect = self.rect_of(id).unwrap_or_default();
        let Some(output) = on.and_then(|on| self.output_of(on)) else { return false };
        let (area, own) = (output.area, self.floating_rect(window).unwrap_or_default());
        let start = if free {
            own.at().moved(area.x, area.y)
        } else {
            let before = (pointer.x - rect.x).clamp(0, rect.w);
            let aside = i64::from(size.w) * i64::from(before) / i64::from(rect.w.max(1));
            // Taken by its bar, it stays so.
            let down = (pointer.y - rect.y).clamp(-bar, size.h);
            pointer.moved(-(aside as i32), -down)
        };
        if let Some(window) = self.windows.get_mut(&id) {
            (window.snap, window.maximised, window.displaced) = (None, false, None);
            window.float.at = Some(start.moved(-area.x, -area.y));
        }
        self.grab = Some(Grab { window: id, pointer, kind: GrabKind::Move { start, changed: false } });
        self.touch(on);
        true
    }

    /// The pointer begins to drag edges of a window: of a floating one, or boundaries of a tiled
    /// one. Returns false if the window fills the screen or has no boundary there.
    pub fn begin_resize(&mut self, id: WindowId, edges: Edges, pointer: Point) -> bool {
        self.end_grab();
        let pointer = pointer.bounded();
        let Some(window) = self.windows.get(&id).filter(|window| window.is_shown() && !window.fills()) else {
            return false;
        };
        let on = window.workspace;
        let kind = if window.floats {
            let Some(output) = on.and_then(|on| self.output_of(on)).filter(|_| !edges.is_empty()) else { return false };
            let area = output.area;
            let snapped = self.rect_of(id).filter(|_| window.snap.is_some());
            let start = snapped.map(|rect| Rect::new(rect.at().moved(-area.x, -area.y), rect.size()));
            let Some(start) = start.or_else(|| self.floating_rect(window)) else { return false };
            if let Some(window) = self.windows.get_mut(&id) {
                window.snap = None;
                (window.float.at, window.float.size) = (Some(start.at()), Some(start.size()));
            }
            GrabKind::Resize { start, edges, finished: false }
        } else {
            let (columns, tiles) = self.boundaries(id, edges);
            if columns.is_none() && tiles.is_none() {
                return false;
            }
            GrabKind::Boundaries { columns, tiles }
        };
        self.grab = Some(Grab { window: id, pointer, kind });
        self.touch(on);
        true
    }

    /// The pointer has moved during a move or resize. Returns whether anything has changed.
    pub fn drag(&mut self, pointer: Point) -> bool {
        let pointer = pointer.bounded();
        let Some(Grab { window: id, pointer: from, kind }) = self.grab.clone() else { return false };
        let (dx, dy) = (pointer.x - from.x, pointer.y - from.y);
        match kind {
            GrabKind::Move { start, .. } => self.drag_to(id, start.moved(dx, dy), pointer),
            GrabKind::Resize { finished: true, .. } => false,
            GrabKind::Resize { start, edges, .. } => {
                let Some(window) = self.windows.get_mut(&id) else { return false };
                let size = dragged(start.size(), edges, (dx, dy), window.hints);
                let changed = window.float.size.replace(size) != Some(size);
                let on = window.workspace.filter(|_| changed);
                self.touch(on);
                changed
            }
            GrabKind::Boundaries { columns, tiles } => {
                let wide = columns.is_some_and(|columns| self.move_boundary(id, &columns, true, dx));
                tiles.is_some_and(|tiles| self.move_boundary(id, &tiles, false, dy)) || wide
            }
        }
    }

    /// A window is dragged to a point; it changes to the output that the pointer is on.
    fn drag_to(&mut self, id: WindowId, to: Point, pointer: Point) -> bool {
        let Some(output) = self.output_at(pointer) else { return false };
        let (area, active, name) = (output.area, output.active, output.name.clone());
        let here = self.place_of(id).and_then(|on| self.workspace(on)).and_then(|on| on.output.clone());
        let at = Some(to.moved(-area.x, -area.y));
        let Some(window) = self.windows.get_mut(&id) else { return false };
        let changed = std::mem::replace(&mut window.float.at, at) != at;
        if here.as_ref() != Some(&name) {
            // It floats while it is dragged, whatever is the rule there.
            self.carry(id, Some(active));
            self.focus(id);
            if let Some(Grab { kind: GrabKind::Move { changed, .. }, .. }) = &mut self.grab {
                *changed = true;
            }
        }
        let on = self.place_of(id);
        self.touch(on);
        changed
    }

    /// Moves a floating window to a point of the desktop: there its bar begins, if it has one. It changes to the output that its middle is
    /// on then.
    pub fn move_to(&mut self, id: WindowId, to: Point) -> bool {
        self.end_grab();
        let Some(window) = self.windows.get(&id).filter(|window| window.is_shown() && window.is_free()) else {
            return false;
        };
        let to = to.bounded().moved(0, self.title_bar(window));
        let middle = Rect::new(to, window.floating_size()).middle();
        self.drag_to(id, to, middle);
        true
    }

    /// The button is released. A window that is moved is snapped where the pointer is at an edge of
    /// the working area, and maximised at the upper one. A resize ends when its client has
    /// answered.
    pub fn drop_grab(&mut self, pointer: Point) -> bool {
        let pointer = pointer.bounded();
        self.drag(pointer);
        let Some(grab) = &mut self.grab else { return false };
        let id = grab.window;
        if let GrabKind::Resize { finished, .. } = &mut grab.kind {
            *finished = true;
            let on = self.place_of(id);
            self.touch(on);
            return true;
        }
        let moved = matches!(grab.kind, GrabKind::Move { .. }) && grab.pointer != pointer;
        self.end_grab();
        if let Some(zone) = self.zone_at(pointer).filter(|_| moved) {
            return match zone {
                Zone::Snap(snap) => self.snap(id, Some(snap)),
                Zone::Maximise => self.set_maximised(id, true),
            };
        }
        true
    }

    /// What a window that is let go at a point becomes: for a preview, too.
    pub fn zone_at(&self, pointer: Point) -> Option<Zone> {
        let output = self.output_at(pointer)?;
        let (working, near) = (output.working, self.options.snap_distance);
        if near == 0 || !output.area.contains(pointer) {
            return None;
        }
        let (x, y) = (pointer.x - working.x, pointer.y - working.y);
        let (left, right) = (x < near, x >= working.w - near);
        let (top, bottom) = (y < near, y >= working.h - near);
        // The quarters begin at a quarter of the edge.
        let (upper, lower) = (y < working.h / 4, y >= working.h - working.h / 4);
        let zone = match (left, right) {
            (true, _) if upper => Zone::Snap(Snap::TopLeft),
            (true, _) if lower => Zone::Snap(Snap::BottomLeft),
            (true, _) => Zone::Snap(Snap::Left),
            (_, true) if upper => Zone::Snap(Snap::TopRight),
            (_, true) if lower => Zone::Snap(Snap::BottomRight),
            (_, true) => Zone::Snap(Snap::Right),
            _ if top => Zone::Maximise,
            _ if bottom => Zone::Snap(Snap::Bottom),
            _ => return None,
        };
        Some(zone)
    }

    /// Whether the pointer belongs to a move or resize.
    pub fn is_dragging(&self) -> bool {
        self.grab.as_ref().is_some_and(|grab| !matches!(grab.kind, GrabKind::Resize { finished: true, .. }))
    }

    /// A resized window has committed: the edges that are not dragged stay where they were.
    pub(super) fn anchor(&mut self, id: WindowId, settled: bool) {
        let Some(Grab { window, kind: GrabKind::Resize { start, edges, finished }, .. }) = &self.grab else { return };
        if *window != id {
            return;
        }
        let (start, edges, done) = (*start, *edges, *finished && settled);
        let Some(window) = self.windows.get_mut(&id).filter(|window| !window.size.is_empty()) else { return };
        window.float.at = Some(anchored(start, edges, window.size));
        if done {
            window.float.size = Some(window.size);
            self.grab = None;
        }
        let on = self.place_of(id);
        self.touch(on);
    }

    /// Ends what is in progress, where it is.
    pub fn end_grab(&mut self) {
        let Some(grab) = self.grab.take() else { return };
        let on = self.place_of(grab.window);
        self.touch(on);
        if let (GrabKind::Move { changed: true, .. }, Some(on)) = (grab.kind, on) {
            self.put(grab.window, self.must_float(grab.window, on));
        }
    }

    /// Columns or tiles change: the boundaries that are dragged are not where they were.
    pub(super) fn end_boundaries(&mut self) {
        if self.grab.as_ref().is_some_and(|grab| matches!(grab.kind, GrabKind::Boundaries { .. })) {
            self.end_grab();
        }
    }

    /// Ends what is in progress with a window.
    pub(super) fn end_grab_of(&mut self, id: WindowId) {
        if self.grab.as_ref().is_some_and(|grab| grab.window == id) {
            self.end_grab();
        }
    }

    /// Ends what is in progress on an output.
    pub(super) fn end_grab_on(&mut self, name: &OutputName) {
        let on = self.grab.as_ref().and_then(|grab| self.place_of(grab.window)).and_then(|on| self.workspace(on));
        if on.is_some_and(|on| on.output.as_ref() == Some(name)) {
            self.end_grab();
        }
    }
}

/// What becomes of a window that is let go at an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    Snap(Snap),
    Maximise,
}
