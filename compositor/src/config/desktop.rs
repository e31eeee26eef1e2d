//! `[desktop]`: how windows are laid out.
//!
//! What they mean is in `docs/desktop.md`.

use serde::{Deserialize, Serialize};

use crate::config::{colour::Rgba, environment};

documented! {
    /// The settings of the layout. All lengths are in logical pixels, 0 to 4096 but for those of rings
    /// and bars.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
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
        /// The ring around windows that fill neither the working area nor the display; 0 to 32, 0: none.
        pub ring_width: RingWidth,
        /// The ring of the window with the focus, `#rrggbb` or `#rrggbbaa`.
        pub ring_active: Rgba,
        /// The rings of the others; `#00000000`: none.
        pub ring_inactive: Rgba,
        /// Which floating windows get a title bar: `on-request`, those whose clients leave that to the
        /// session, or `never`.
        pub title_bars: TitleBars,
        /// The height of title bars, 0 to 128; 0: none.
        pub title_bar_height: BarHeight,
        /// The height of the bar with the tabs of a column, 0 to 128; 0: none.
        pub tab_bar_height: BarHeight,
        /// The title bar of the window with the focus, and the tab in front, `#rrggbb` or `#rrggbbaa`.
        pub bar_active: Rgba,
        /// The other title bars and tabs.
        pub bar_inactive: Rgba,
        /// Titles and buttons on `bar-active`.
        pub bar_text_active: Rgba,
        /// Titles and buttons on `bar-inactive`.
        pub bar_text_inactive: Rgba,
        /// The font of what the session itself says: `sans-serif`, `serif`, `monospace` or the name of a
        /// family.
        #[serde(deserialize_with = "environment::line")]
        pub font: String,
        /// The size of its letters in logical pixels, 6 to 72.
        pub font_size: FontSize,
        /// What is marked can be pasted with the middle button. It takes effect when the session starts.
        pub primary_selection: bool,
    }
}

/// Which floating windows get a title bar, unless a rule says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TitleBars {
    /// Those whose clients have the session decorate them, or leave that to it.
    OnRequest,
    /// None: clients draw their own.
    Never,
}

/// How high a bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub struct BarHeight(pub u8);

impl BarHeight {
    /// The highest.
    const MOST: i64 = 128;
}

impl TryFrom<i64> for BarHeight {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match (0..=Self::MOST).contains(&number) {
            true => Ok(Self(number as u8)),
            false => Err(format!("a bar is not {number} pixels high; write a whole number from 0 to {}", Self::MOST)),
        }
    }
}

/// How wide a ring is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub struct RingWidth(pub u8);

impl RingWidth {
    /// The widest.
    const MOST: i64 = 32;
}

impl TryFrom<i64> for RingWidth {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match (0..=Self::MOST).contains(&number) {
            true => Ok(Self(number as u8)),
            false => Err(format!("a ring is not {number} pixels wide; write a whole number from 0 to {}", Self::MOST)),
        }
    }
}

/// How large letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "i64")]
pub struct FontSize(pub u8);

impl TryFrom<i64> for FontSize {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match (6..=72).contains(&number) {
            true => Ok(Self(number as u8)),
            false => Err(format!("letters are not {number} pixels high; write a whole number from 6 to 72")),
        }
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
        Self {
            layout: LayoutMode::Floating,
            columns: 3,
            gap: 0,
            outer_gap: 0,
            smart_gaps: true,
            snap_distance: 8,
            ring_width: RingWidth(2),
            ring_active: Rgba([0x52, 0x94, 0xe2, 0xff]),
            ring_inactive: Rgba([0; 4]),
            title_bars: TitleBars::OnRequest,
            title_bar_height: BarHeight(24),
            tab_bar_height: BarHeight(24),
            bar_active: Rgba([0x52, 0x94, 0xe2, 0xff]),
            bar_inactive: Rgba([0x3b, 0x42, 0x52, 0xff]),
            bar_text_active: Rgba([0xff, 0xff, 0xff, 0xff]),
            bar_text_inactive: Rgba([0xb4, 0xbb, 0xc8, 0xff]),
            font: "sans-serif".to_owned(),
            font_size: FontSize(14),
            primary_selection: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_wrong_word_or_length_is_an_error() {
        let parse = |text| toml::from_str::<DesktopConfig>(text);
        let config = parse("layout = \"tiling\"\ngap = 8").unwrap();
        assert_eq!((config.layout, config.gap, config.columns), (LayoutMode::Tiling, 8, 3));
        assert!(parse("gap = -1").is_err() && parse("layout = \"tiled\"").is_err() && parse("gaps = 1").is_err());
    }

    #[test]
    fn bars_are_on_request_and_have_heights_and_colours() {
        let parse = |text| toml::from_str::<DesktopConfig>(text).map_err(|error| error.to_string());
        let config = parse("").unwrap();
        assert_eq!((config.title_bars, config.title_bar_height), (TitleBars::OnRequest, BarHeight(24)));
        let config = parse("title-bars = \"never\"\ntab-bar-height = 0\nbar-text-active = \"#010203\"").unwrap();
        assert_eq!((config.title_bars, config.tab_bar_height), (TitleBars::Never, BarHeight(0)));
        assert_eq!(config.bar_text_active, Rgba([1, 2, 3, 255]));
        let error = parse("title-bar-height = 129").unwrap_err();
        assert!(error.contains("a bar is not 129 pixels high; write a whole number from 0 to 128"), "{error}");
        assert!(parse("title-bars = \"always\"").is_err() && parse("tab-bar-height = -1").is_err());
    }

    #[test]
    fn a_mistake_about_the_ring_is_told_with_its_place() {
        let parse = |text: &str| {
            let text = format!("[desktop]\n{text}\n");
            crate::config::load::parse(Path::new("config.toml"), &text).map(|config| config.desktop)
        };
        let config = parse("ring-width = 32\nring-active = \"#01020304\"").unwrap();
        assert_eq!((config.ring_width, config.ring_active), (RingWidth(32), Rgba([1, 2, 3, 4])));
        let table = [
            ("ring-width = 33", "a ring is not 33 pixels wide; write a whole number from 0 to 32", "33"),
            ("font-size = 5", "letters are not 5 pixels high; write a whole number from 6 to 72", "5"),
            ("ring-width = -1", "a ring is not -1 pixels wide; write a whole number from 0 to 32", "-1"),
            (
                "ring-active = \"blue\"",
                "`blue` is not a colour; write #rrggbb or #rrggbbaa, for example \"#5294e2\"",
                "\"blue\"",
            ),
        ];
        for (text, says, at) in table {
            let error = parse(text).unwrap_err();
            assert_eq!(error.to_string(), format!("config.toml:2: {says}"));
            let excerpt = error.excerpt().unwrap();
            let carets = " ".repeat(text.find(at).unwrap()) + &"^".repeat(at.len());
            assert!(excerpt.ends_with(&format!("| {carets}")), "{excerpt}");
        }
    }
}
