//! What the user can choose about the layout: gaps, borders, bars, and how many columns there are.
//!
//! All lengths are in logical pixels. The file's words for them are in [`crate::config::desktop`].

use crate::config::desktop::{DesktopConfig, LayoutMode};

/// The parameters of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Between two tiled windows.
    pub gap: i32,
    /// Between tiled or snapped windows and the edges of the working area.
    pub outer_gap: i32,
    /// The width of the focus ring, on each side of a window that is neither maximised nor
    /// fullscreen.
    pub border: i32,
    /// The height of the bar with the tabs of a tabbed column.
    pub tab_bar: i32,
    /// The height of the title bar of a floating window that wants one.
    pub title_bar: i32,
    /// A tiled window that is alone has neither gaps nor border.
    pub smart: bool,
    /// A new window becomes a column until there are so many; then it comes below the focused one.
    pub columns: usize,
    /// How new workspaces begin.
    pub mode: Mode,
    /// How near to an edge of the working area a window that is moved must be let go to be snapped.
    pub snap_distance: i32,
}

/// How a workspace places the windows that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// In columns, except dialogs and windows that have one size only.
    Tiling,
    /// All windows float.
    Floating,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            gap: 0,
            outer_gap: 0,
            border: 0,
            tab_bar: 24,
            title_bar: 24,
            smart: true,
            columns: 3,
            mode: Mode::Floating,
            snap_distance: 8,
        }
    }
}

impl From<&DesktopConfig> for Options {
    /// What the user has configured.
    fn from(config: &DesktopConfig) -> Self {
        let mode = match config.layout {
            LayoutMode::Tiling => Mode::Tiling,
            LayoutMode::Floating => Mode::Floating,
        };
        Self {
            gap: config.gap.into(),
            outer_gap: config.outer_gap.into(),
            border: config.ring_width.0.into(),
            tab_bar: config.tab_bar_height.0.into(),
            title_bar: config.title_bar_height.0.into(),
            smart: config.smart_gaps,
            columns: config.columns,
            mode,
            snap_distance: config.snap_distance.into(),
        }
        .bounded()
    }
}

impl Options {
    /// The same with all lengths within 0 and 4096 and at least one column.
    pub fn bounded(mut self) -> Self {
        for length in [
            &mut self.gap,
            &mut self.outer_gap,
            &mut self.border,
            &mut self.tab_bar,
            &mut self.title_bar,
            &mut self.snap_distance,
        ] {
            *length = (*length).clamp(0, 4096);
        }
        self.columns = self.columns.max(1);
        self
    }
}
