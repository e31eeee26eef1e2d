//! `[desktop]`: how windows are laid out.
//!
//! What they mean is in `docs/desktop.md`.

use serde::{Deserialize, Serialize};

documented! {
    /// The settings of the layout. All lengths are in logical pixels, 0 to 4096.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct DesktopConfig {
        /// How new workspaces begin: `floating` or `tiling`.
        pub layout: LayoutMode,
        /// A new window becomes a column until there are so many; then it comes below the focused one.
        pub columns: usize,
        /// Between two tiled windows.
        pub gap: u16,
        /// Between tiled or snapped windows and the edges of the display.
        pub outer_gap: u16,
        /// A tiled window that is alone has no gaps.
        pub smart_gaps: bool,
        /// How near to an edge of the display a window that is moved must be let go to be snapped; 0:
        /// never.
        pub snap_distance: u16,
    }
}

/// How a workspace places the windows that come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayoutMode {
    /// In columns, except dialogs and windows that have one size only.
    Tiling,
    /// All windows float.
    Floating,
}

impl Default for DesktopConfig {
    fn default() -> Self {
        Self { layout: LayoutMode::Floating, columns: 3, gap: 0, outer_gap: 0, smart_gaps: true, snap_distance: 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_word_or_length_is_an_error() {
        let parse = |text| toml::from_str::<DesktopConfig>(text);
        let config = parse("layout = \"tiling\"\ngap = 8").unwrap();
        assert_eq!((config.layout, config.gap, config.columns), (LayoutMode::Tiling, 8, 3));
        assert!(parse("gap = -1").is_err() && parse("layout = \"tiled\"").is_err() && parse("gaps = 1").is_err());
    }
}
