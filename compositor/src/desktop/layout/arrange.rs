//! The arrangement: where each window is, what it is told, and what lies above what.
//!
//! ```text
//!  from bottom to top:   tiled windows, those that fill the screen above or below the others
//!                        floating windows
//!                        floating windows that are to be above
//!                        the fullscreen window, with its dialogs, while one of them has the focus
//! ```
//!
//! A workspace is placed again when something about it has changed. Nothing is allocated when
//! nothing has, nor when the buffers of earlier times are large enough. Nothing here decides
//! anything: the same state always gives the same arrangement.

use crate::{
    desktop::layout::{
        column::{Column, Stacking},
        geometry::{Edges, Rect, Size},
        placed::{Placed, States},
        split::{divide, gap_between},
        state::{GrabKind, Layout, Output, Scratch, floating_rect},
        tiling::Room,
        window::WindowState,
        workspace::Workspace,
    },
    system::id::{WindowId, WorkspaceId},
};

/// So much of a floating window stays on its output, whatever its place.
const REACH: i32 = 32;

/// What the outputs show.
#[derive(Debug, Clone, Copy)]
pub struct Placements<'a>(&'a Layout);

/// What one output shows.
#[derive(Debug, Clone, Copy)]
pub struct OutputPlacements<'a> {
    pub output: &'a Output,
    pub workspace: WorkspaceId,
    /// Another number if `windows` has changed since the last arrangement of the same workspace.
    pub version: u64,
    /// From bottom to top.
    pub windows: &'a [Placed],
}

impl<'a> Placements<'a> {
    /// In the order in which the outputs came.
    pub fn outputs(self) -> impl Iterator<Item = OutputPlacements<'a>> {
        self.0.outputs.iter().filter_map(move |output| {
            let workspace = self.0.workspace(output.active)?;
            let (version, windows) = (workspace.version, workspace.placed());
            Some(OutputPlacements { output, workspace: workspace.id, version, windows })
        })
    }
}

/// What is the same for all windows of a workspace.
#[derive(Clone, Copy)]
struct Place<'a> {
    output: &'a Output,
    room: Room,
    /// The window with the keyboard focus, if it is on this workspace.
    activated: Option<WindowId>,
    /// The fullscreen window that lies above everything.
    top: Option<WindowId>,
}

impl Workspace {
    /// Where its windows were placed last, from bottom to top; minimised ones are not among them.
    pub fn placed(&self) -> &[Placed] {
        &self.placed
    }
}

impl Layout {
    /// Places the windows of all workspaces that have changed, also of those that no output shows:
    /// their clients then have the right size already when they are shown.
    pub fn arrange(&mut self) -> Placements<'_> {
        let mut scratch = std::mem::take(&mut self.scratch);
        for at in 0..self.workspaces.len() {
            let workspace = &self.workspaces[at];
            let output = workspace.output.as_ref().and_then(|name| self.output(name));
            let Some(output) = output.filter(|_| workspace.stale) else { continue };
            scratch.placed.clear();
            self.place(workspace, output, &mut scratch);
            let workspace = &mut self.workspaces[at];
            workspace.stale = false;
            if workspace.placed != scratch.placed {
                std::mem::swap(&mut workspace.placed, &mut scratch.placed);
                workspace.version += 1;
            }
        }
        self.scratch = scratch;
        Placements(self)
    }

    fn place(&self, workspace: &Workspace, output: &Output, scratch: &mut Scratch) {
        let current = self.current() == Some(workspace.id);
        let place = Place {
            output,
            room: self.room(workspace, output),
            activated: workspace.focus.filter(|_| current),
            top: workspace.focus.and_then(|focus| self.covering(focus)),
        };
        self.place_columns(workspace, &place, scratch);
        for above in [false, true] {
            for id in &workspace.floating {
                let Some(window) = self.windows.get(id).filter(|w| w.above == above && w.is_shown()) else { continue };
                if place.top.is_none_or(|top| !self.is_within(*id, top)) {
                    scratch.placed.push(self.float(*id, window, &place));
                }
            }
        }
        let Some((top, window)) = place.top.and_then(|top| Some((top, self.windows.get(&top)?))) else { return };
        scratch.placed.push(self.fill(top, window, &place, true));
        for id in workspace.floating.iter().filter(|id| **id != top && self.is_within(**id, top)) {
            let Some(window) = self.windows.get(id).filter(|window| window.is_shown()) else { continue };
            scratch.placed.push(self.float(*id, window, &place));
        }
    }

    /// The fullscreen window that a window is, or is a dialog of.
    fn covering(&self, mut id: WindowId) -> Option<WindowId> {
        loop {
            let window = self.windows.get(&id)?;
            if window.covers() {
                return Some(id);
            }
            id = window.parent?;
        }
    }

    fn place_columns(&self, workspace: &Workspace, place: &Place<'_>, scratch: &mut Scratch) {
        let room = place.room;
        scratch.parts.clear();
        scratch.filling.clear();
        scratch.parts.extend(workspace.columns.iter().filter_map(|column| self.column_part(column, room.border)));
        let gap = gap_between(room.area.w, room.gap, scratch.parts.len());
        let between = gap * scratch.parts.len().saturating_sub(1) as i32;
        divide(room.area.w - between, &mut scratch.parts, &mut scratch.widths);
        let (mut x, mut at) = (room.area.x, 0);
        for column in &workspace.columns {
            if !column.tiles.iter().any(|tile| self.is_shown(tile.window)) {
                continue;
            }
            let cell = Rect { x, w: scratch.widths[at], ..room.area };
            (x, at) = (x + cell.w + gap, at + 1);
            self.place_column(column, cell, place, scratch);
        }
        // Those that fill the screen lie above the others, unless one of the others has the focus.
        let used = |placed: &Placed| self.windows.get(&placed.window).map(|window| window.used);
        scratch.filling.sort_unstable_by_key(|placed| (used(placed), placed.window));
        let plain = workspace.focus.and_then(|focus| self.windows.get(&focus));
        let below = plain.is_some_and(|window| !window.floats && !window.fills());
        let filling = scratch.filling.len();
        scratch.placed.append(&mut scratch.filling);
        if below {
            scratch.placed.rotate_right(filling);
        }
    }

    fn place_column(&self, column: &Column, cell: Rect, place: &Place<'_>, scratch: &mut Scratch) {
        let room = place.room;
        let tabbed = column.stacking == Stacking::Tabbed;
        let mut shown = column.tiles.iter().filter(|tile| self.is_shown(tile.window));
        let front = match self.is_shown(column.front) {
            true => Some(column.front),
            false => shown.next().map(|tile| tile.window),
        };
        let mut gap = 0;
        if !tabbed {
            scratch.parts.clear();
            scratch.parts.extend(column.tiles.iter().filter_map(|tile| self.tile_part(tile, room.border)));
            gap = gap_between(cell.h, room.gap, scratch.parts.len());
            let between = gap * scratch.parts.len().saturating_sub(1) as i32;
            divide(cell.h - between, &mut scratch.parts, &mut scratch.heights);
        }
        let (mut y, mut at) = (cell.y, 0);
        for tile in &column.tiles {
            let Some(window) = self.windows.get(&tile.window).filter(|window| window.is_shown()) else { continue };
            let mut own = cell;
            if !tabbed {
                own = Rect { y, h: scratch.heights[at], ..cell };
                (y, at) = (y + own.h + gap, at + 1);
            }
            let visible = !tabbed || front == Some(tile.window);
            if !window.fills() {
                let placed = self.tile(tile.window, window, own, tabbed, place);
                scratch.placed.push(Placed { visible: visible && place.top.is_none(), ..placed });
            } else if place.top != Some(tile.window) {
                scratch.filling.push(self.fill(tile.window, window, place, visible && place.top.is_none()));
            }
        }
    }

    /// A tiled window in its cell.
    fn tile(&self, id: WindowId, window: &WindowState, cell: Rect, tabbed: bool, place: &Place<'_>) -> Placed {
        let border = place.room.border;
        let whole = cell.inset(border);
        let inner = if tabbed { whole.below(self.options.tab_bar) } else { whole };
        let bar = Rect { h: inner.y - whole.y, ..whole };
        let most = |length: i32, max: i32| if max > 0 { length.min(max) } else { length }.max(1);
        let max = window.hints.max;
        let rect = inner.centred(Size { w: most(inner.w, max.w), h: most(inner.h, max.h) });
        let frame = if tabbed { cell } else { framed(rect, border, 0) };
        Placed { bar: seen(bar), ..self.placed(id, window, place, (rect, frame, rect.size(), Edges::ALL)) }
    }

    /// A window that covers its output or the working area.
    fn fill(&self, id: WindowId, window: &WindowState, place: &Place<'_>, visible: bool) -> Placed {
        let rect = if window.covers() { place.output.area } else { place.output.working };
        Placed { visible, ..self.placed(id, window, place, (rect, rect, rect.size(), Edges::NONE)) }
    }

    /// A floating window.
    fn float(&self, id: WindowId, window: &WindowState, place: &Place<'_>) -> Placed {
        let visible = place.top.is_none_or(|top| self.is_within(id, top));
        if window.fills() {
            return self.fill(id, window, place, visible);
        }
        let (border, bar) = (self.options.border, self.title_bar(window));
        let (area, options) = (place.output.area, &self.options);
        if let Some(snap) = window.snap {
            let cell = snap.of(place.output.working.inset(options.outer_gap), options.gap);
            let inner = cell.inset(border).below(bar);
            let rect = inner.centred(window.hints.clamp(inner.size()));
            let (frame, bar) = (framed(rect, border, bar), seen(above(rect, bar)));
            return Placed { visible, bar, ..self.placed(id, window, place, (rect, frame, rect.size(), snap.edges())) };
        }
        let rect = floating_rect(window, place.output);
        let rect = Rect::new(rect.at().moved(area.x, area.y), rect.size());
        let frame = framed(rect, border, bar);
        let reached = frame.within_reach(area, REACH);
        let rect = Rect::new(rect.at().moved(reached.x - frame.x, reached.y - frame.y), rect.size());
        let ask = window.float.size.map(|size| window.hints.clamp(size)).unwrap_or_default();
        // At the end of all coordinates a window does not move as far as its frame.
        let bar = seen(above(rect, bar)).common(reached).unwrap_or_default();
        Placed { visible, bar, ..self.placed(id, window, place, (rect, reached, ask, Edges::NONE)) }
    }

    fn placed(
        &self,
        id: WindowId,
        window: &WindowState,
        place: &Place<'_>,
        (rect, frame, ask, tiled): (Rect, Rect, Size, Edges),
    ) -> Placed {
        let resizing = self.grab.as_ref().filter(|grab| grab.window == id).is_some_and(|grab| match &grab.kind {
            GrabKind::Move { .. } => false,
            GrabKind::Resize { finished, .. } => !finished,
            GrabKind::Boundaries { .. } => true,
        });
        let states = States {
            tiled,
            maximised: window.maximised,
            fullscreen: window.fullscreen.is_some(),
            activated: place.activated == Some(id),
            resizing,
        };
        Placed { window: id, rect, frame, bar: Rect::default(), ask, states, visible: true }
    }
}

/// The strip of this height directly above a rectangle.
fn above(rect: Rect, height: i32) -> Rect {
    Rect { y: rect.y - height, h: height, ..rect }
}

/// Of nothing the place does not matter.
fn seen(rect: Rect) -> Rect {
    if rect.size().is_empty() { Rect::default() } else { rect }
}

/// A rectangle with a border on each side, and a bar above it.
fn framed(rect: Rect, border: i32, bar: i32) -> Rect {
    Rect { x: rect.x - border, y: rect.y - border - bar, w: rect.w + 2 * border, h: rect.h + 2 * border + bar }
}
