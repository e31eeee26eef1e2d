//! Columns: tiled windows above each other, or behind tabs.
//!
//! A column has at least one window. Windows that are minimised keep their place and their share in
//! it, but no room. Nothing here computes a length.

use crate::{
    desktop::layout::split::{SHARE, share_among},
    system::id::WindowId,
};

/// How a column shows its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stacking {
    /// All of them, above each other.
    #[default]
    Stacked,
    /// One, and a tab for each.
    Tabbed,
}

/// A window in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    pub window: WindowId,
    /// Of the column's height.
    pub share: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// From top to bottom; at least one.
    pub tiles: Vec<Tile>,
    /// Of the workspace's width.
    pub share: u32,
    pub stacking: Stacking,
    /// The window that was last focused; the tab that is shown.
    pub front: WindowId,
}

impl Column {
    pub fn new(window: WindowId, share: u32) -> Self {
        Self { tiles: vec![Tile { window, share: SHARE }], share, stacking: Stacking::Stacked, front: window }
    }

    pub fn position(&self, window: WindowId) -> Option<usize> {
        self.tiles.iter().position(|tile| tile.window == window)
    }

    /// Adds a window at a position.
    pub fn insert(&mut self, at: usize, window: WindowId) {
        let share = share_among(self.tiles.iter().map(|tile| tile.share));
        self.tiles.insert(at.min(self.tiles.len()), Tile { window, share });
    }

    /// Removes a window. A column that is left empty must go.
    pub fn remove(&mut self, window: WindowId) {
        let Some(at) = self.position(window) else { return };
        self.tiles.remove(at);
        if self.front == window
            && let Some(tile) = self.tiles.get(at).or(self.tiles.last())
        {
            self.front = tile.window;
        }
    }
}
