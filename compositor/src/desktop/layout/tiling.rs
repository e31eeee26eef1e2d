//! The room of columns and tiles: which of them take part, and what they need.
//!
//! Both the arrangement and a boundary that is moved compute lengths from this. Nothing here places
//! a window.

use crate::{
    desktop::layout::{
        column::{Column, Stacking, Tile},
        geometry::Rect,
        split::Part,
        state::{Layout, Output},
        window::WindowState,
        workspace::Workspace,
    },
    system::id::WindowId,
};

/// What lies around the tiled windows of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// What the columns fill.
    pub area: Rect,
    pub gap: i32,
    pub border: i32,
}

impl Layout {
    pub(super) fn is_shown(&self, id: WindowId) -> bool {
        self.windows.get(&id).is_some_and(WindowState::is_shown)
    }

    /// The windows of which the column of a tiled window has a tab, from left to right; `None`: it has no
    /// tabs, or the window floats.
    pub fn tabs_of(&self, id: WindowId) -> Option<impl Iterator<Item = WindowId>> {
        let workspace = self.workspace(self.windows.get(&id)?.workspace?)?;
        let column = workspace.columns.get(workspace.column_of(id)?)?;
        let tabs = move || column.tiles.iter().map(|tile| tile.window).filter(move |id| self.is_shown(*id));
        (column.stacking == Stacking::Tabbed).then(tabs)
    }

    /// The room that the columns of a workspace have on an output.
    pub(super) fn room(&self, workspace: &Workspace, output: &Output) -> Room {
        let options = &self.options;
        let alone = options.smart && workspace.tiled().filter(|id| self.is_shown(*id)).take(2).count() == 1;
        match alone {
            true => Room { area: output.working, gap: 0, border: 0 },
            false => Room { area: output.working.inset(options.outer_gap), gap: options.gap, border: options.border },
        }
    }

    /// What a column needs of the width; `None` if it shows nothing.
    pub(super) fn column_part(&self, column: &Column, border: i32) -> Option<Part> {
        let shown = column.tiles.iter().filter_map(|tile| self.windows.get(&tile.window)).filter(|w| w.is_shown());
        let min = shown.map(|window| window.hints.min.w).max()?;
        Some(Part { share: column.share, min: min.max(1).saturating_add(2 * border) })
    }

    /// What a tile needs of the height of its column; `None` if it shows nothing.
    pub(super) fn tile_part(&self, tile: &Tile, border: i32) -> Option<Part> {
        let window = self.windows.get(&tile.window).filter(|window| window.is_shown())?;
        Some(Part { share: tile.share, min: window.hints.min.h.max(1).saturating_add(2 * border) })
    }
}
