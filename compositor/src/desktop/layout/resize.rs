//! Resizing: the size of floating windows, and the boundaries between tiled ones.
//!
//! A boundary that is moved changes its two neighbours only. The pixels that it is moved by are
//! exact, because the lengths become the shares. Nothing here follows the pointer.

use crate::{
    desktop::layout::{
        column::Stacking,
        geometry::{Edges, Size, anchored, dragged},
        split::{Part, SHARE, divide, drag, gap_between, rescaled, share_of, with_part},
        state::{Boundary, Layout},
    },
    system::id::{WindowId, WorkspaceId},
};

impl Layout {
    /// Moves edges of a window by (`dx`, `dy`): the edges of a floating window, or the boundaries
    /// that a tiled one has there. Returns whether anything has changed.
    pub fn resize(&mut self, id: WindowId, edges: Edges, (dx, dy): (i32, i32)) -> bool {
        self.end_grab();
        let Some(window) = self.windows.get(&id).filter(|window| window.mapped && !window.fills()) else {
            return false;
        };
        if !window.floats {
            let (columns, tiles) = self.boundaries(id, edges);
            let wide = columns.is_some_and(|columns| self.move_boundary(id, &columns, true, dx));
            return tiles.is_some_and(|tiles| self.move_boundary(id, &tiles, false, dy)) || wide;
        }
        let Some(start) = self.floating_rect(window).filter(|_| window.snap.is_none()) else { return false };
        let size = dragged(start.size(), edges, (dx, dy), window.hints);
        let on = window.workspace;
        if let Some(window) = self.windows.get_mut(&id) {
            window.float.size = Some(size);
            window.float.at = Some(anchored(start, edges, size));
        }
        self.touch(on);
        size != start.size()
    }

    /// Makes a window wider and higher, at its right and lower edges; a tiled window that has no
    /// neighbour there, at the other ones.
    pub fn grow(&mut self, id: WindowId, dw: i32, dh: i32) -> bool {
        let has = |edges: Edges| {
            let (columns, tiles) = self.boundaries(id, edges);
            columns.is_some() || tiles.is_some()
        };
        let tiled = self.windows.get(&id).is_some_and(|window| !window.floats);
        let left = tiled && !has(Edges { right: true, ..Edges::NONE });
        let top = tiled && !has(Edges { bottom: true, ..Edges::NONE });
        let dx = if left { dw.saturating_neg() } else { dw };
        let dy = if top { dh.saturating_neg() } else { dh };
        let edges =
            Edges { left: left && dw != 0, right: !left && dw != 0, top: top && dh != 0, bottom: !top && dh != 0 };
        self.resize(id, edges, (dx, dy))
    }

    /// Gives a window a size: to a floating one in pixels.
    pub fn set_size(&mut self, id: WindowId, size: Size) -> bool {
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.mapped && window.is_free()) else {
            return false;
        };
        let size = window.hints.clamp(size);
        let changed = window.float.size.replace(size) != Some(size);
        let on = window.workspace;
        self.touch(on);
        changed
    }

    /// Gives the column of a tiled window `numerator / denominator` of the width. The others divide
    /// the rest as before.
    pub fn set_width(&mut self, id: WindowId, (numerator, denominator): (u32, u32)) -> bool {
        self.end_grab();
        let Some(on) = self.place_of(id).and_then(|on| self.workspace_mut(on)) else { return false };
        let Some(at) = on.column_of(id) else { return false };
        on.stale = true;
        set_part(on.columns.iter_mut().map(|column| &mut column.share).collect(), at, (numerator, denominator))
    }

    /// The same for the height of a tiled window in its column.
    pub fn set_height(&mut self, id: WindowId, (numerator, denominator): (u32, u32)) -> bool {
        self.end_grab();
        let Some(on) = self.place_of(id).and_then(|on| self.workspace_mut(on)) else { return false };
        let Some(column) = on.column_of(id).and_then(|at| on.columns.get_mut(at)) else { return false };
        let Some(at) = column.position(id) else { return false };
        on.stale = true;
        set_part(column.tiles.iter_mut().map(|tile| &mut tile.share).collect(), at, (numerator, denominator))
    }

    /// Gives all columns of a workspace the same width, and all tiles of a column the same height.
    pub fn equalise(&mut self, id: WorkspaceId) -> bool {
        self.end_grab();
        let Some(workspace) = self.workspace_mut(id) else { return false };
        for column in &mut workspace.columns {
            column.share = SHARE;
            column.tiles.iter_mut().for_each(|tile| tile.share = SHARE);
        }
        workspace.stale = true;
        true
    }

    /// The boundaries that a tiled window has at its edges: between columns, and in its column.
    pub(super) fn boundaries(&self, id: WindowId, edges: Edges) -> (Option<Boundary>, Option<Boundary>) {
        let Some(on) = self.place_of(id).filter(|_| self.is_shown(id)) else { return (None, None) };
        let (Some(workspace), Some(output)) = (self.workspace(on), self.output_of(on)) else { return (None, None) };
        let Some(at) = workspace.column_of(id) else { return (None, None) };
        let room = self.room(workspace, output);
        let parts: Vec<_> = workspace.columns.iter().map(|column| self.column_part(column, room.border)).collect();
        let columns = boundary(&parts, at, (edges.left, edges.right), room.area.w, room.gap);
        let column = &workspace.columns[at];
        if column.stacking == Stacking::Tabbed {
            return (columns, None);
        }
        let parts: Vec<_> = column.tiles.iter().map(|tile| self.tile_part(tile, room.border)).collect();
        let tiles = column.position(id);
        let tiles = tiles.and_then(|at| boundary(&parts, at, (edges.top, edges.bottom), room.area.h, room.gap));
        (columns, tiles)
    }

    /// Moves a boundary from where it was by `delta`. Returns false if it is not there any more.
    pub(super) fn move_boundary(&mut self, id: WindowId, boundary: &Boundary, columns: bool, delta: i32) -> bool {
        let mut lengths = boundary.lengths.clone();
        drag(&mut lengths, &boundary.parts, boundary.at, delta);
        let Some(on) = self.place_of(id) else { return false };
        let Some(workspace) = self.workspaces.iter_mut().find(|workspace| workspace.id == on) else { return false };
        let windows = &self.windows;
        let shown = |id: WindowId| windows.get(&id).is_some_and(|window| window.is_shown());
        let shares: Vec<(&mut u32, bool)> = if columns {
            let columns = workspace.columns.iter_mut();
            columns.map(|c| (&mut c.share, c.tiles.iter().any(|tile| shown(tile.window)))).collect()
        } else {
            let Some(column) = workspace.column_of(id) else { return false };
            workspace.columns[column].tiles.iter_mut().map(|tile| (&mut tile.share, shown(tile.window))).collect()
        };
        if shares.iter().filter(|(_, shown)| *shown).count() != lengths.len() {
            return false;
        }
        workspace.stale = true;
        keep_lengths(shares, &lengths)
    }
}

/// The boundary at one side of part `at`, among those that are shown.
fn boundary(
    parts: &[Option<Part>],
    at: usize,
    (before, after): (bool, bool),
    total: i32,
    gap: i32,
) -> Option<Boundary> {
    let place = parts[..at].iter().flatten().count();
    let mut parts: Vec<_> = parts.iter().flatten().copied().collect();
    let at = if after { Some(place) } else { place.checked_sub(1).filter(|_| before) };
    let at = at.filter(|at| at + 1 < parts.len())?;
    let gaps = gap_between(total, gap, parts.len()) * (parts.len() - 1) as i32;
    let mut lengths = Vec::new();
    divide(total - gaps, &mut parts, &mut lengths);
    Some(Boundary { at, parts, lengths })
}

/// Makes shares of lengths. Parts that are not shown keep theirs in proportion.
fn keep_lengths(shares: Vec<(&mut u32, bool)>, lengths: &[i32]) -> bool {
    let old = shares.iter().filter(|(_, shown)| *shown).map(|(share, _)| u64::from(**share)).sum::<u64>();
    let new = lengths.iter().map(|length| u64::from(share_of(*length))).sum::<u64>();
    let (mut lengths, mut changed) = (lengths.iter(), false);
    for (share, shown) in shares {
        let to =
            if shown { lengths.next().map_or(*share, |length| share_of(*length)) } else { rescaled(*share, old, new) };
        changed |= std::mem::replace(share, to) != to;
    }
    changed
}

/// Gives one share a part of the whole. The others keep their proportions.
fn set_part(mut shares: Vec<&mut u32>, at: usize, part: (u32, u32)) -> bool {
    let before: Vec<u32> = shares.iter().map(|share| **share).collect();
    let Some(after) = with_part(&before, at, part) else { return false };
    shares.iter_mut().zip(&after).for_each(|(share, new)| **share = *new);
    before != after
}
