//! The panel for somebody who has no configuration yet: which keys do the first things.

use smithay::utils::{Logical, Rectangle};

use crate::{
    config::bindings::{Bindings, DEFAULT_MODE},
    desktop::panels::{
        Place,
        look::{EDGE, FAINT, STRONG, TEXT, largest, line, margin, place, room, sheet},
    },
    text::sheet::{Block, Fit, Font, Sheet, Span},
};

/// The actions whose bindings are told, in this order, and what they do.
const FIRST: [(&str, &str); 5] = [
    ("terminal", "open a terminal"),
    ("launcher", "start a program"),
    ("show-bindings", "show all bindings"),
    ("lock", "lock the session"),
    ("quit", "leave"),
];
const LAST: &str = "To have it your way: syncline config default";
/// How many letters of a chord and of what it does have room.
const LETTERS: [usize; 2] = [22, 30];

/// The panel in the middle of an output.
pub fn panel(bindings: &Bindings, font: &str, size: u8, area: Rectangle<i32, Logical>) -> (Place, Sheet) {
    let font = Font::new(&font.into(), size);
    let (line, margin, largest) = (line(&font), margin(&font), largest(&font, area));
    let [chords, actions] = LETTERS.map(|letters| room(&font, letters, false));
    let known = lines_of(bindings);
    let rows = known.len() as u32;
    let width = (chords + actions + 3 * margin).min(largest.0);
    let height = ((rows + 4) * line + 2 * margin).min(largest.1);
    let inner = width.saturating_sub(2 * margin).max(1);
    let column = |texts: Vec<Span>, at: u32, width: u32| {
        let size = (width.min(inner.saturating_sub(at)).max(1), rows.max(1) * line);
        Block { at: (margin + at, margin + 2 * line), size, fit: Fit::Lines, spans: texts }
    };
    let of_line = |at: u32, spans: Vec<Span>| Block {
        at: (margin, margin + at * line),
        size: (inner, line),
        fit: Fit::Line,
        spans,
    };
    let keys = known.iter().map(|(chord, _)| Span::plain(format!("{chord}\n"), STRONG)).collect();
    let does = known.iter().map(|(_, does)| Span::plain(format!("{does}\n"), TEXT)).collect();
    let title =
        vec![Span::bold("Syncline", TEXT), Span::plain("   Escape, a click or any of these closes this", FAINT)];
    let blocks = vec![
        of_line(0, title),
        column(keys, 0, chords),
        column(does, chords + margin, actions),
        of_line(rows + 3, vec![Span::plain(LAST, FAINT)]),
    ];
    let below = (area.size.h - height as i32) / 2;
    (place(area, (width, height), below), sheet(font, (width, height), EDGE, blocks))
}

/// The first chord of each, if it has one.
fn lines_of(bindings: &Bindings) -> Vec<(String, &'static str)> {
    let Some(mode) = bindings.mode(DEFAULT_MODE) else { return Vec::new() };
    let chord = |action: &str| {
        let mut bound = mode.iter().filter(|(_, binding)| binding.entries.iter().any(|entry| *entry.text == *action));
        bound.next().map(|(chord, _)| chord.to_string())
    };
    FIRST.iter().filter_map(|(action, does)| Some((chord(action)?, *does))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load;

    fn lines(text: &str) -> Vec<(String, &'static str)> {
        lines_of(&load::parse(Path::new("config.toml"), text).unwrap().bindings)
    }

    #[test]
    fn it_tells_the_bindings_that_hold() {
        let usual = lines("");
        assert_eq!(usual.len(), FIRST.len());
        assert!(usual.contains(&("Super+Return".to_owned(), "open a terminal")), "{usual:?}");
        let own =
            lines("[bindings]\n\"Super+Return\" = \"none\"\n\"Super+Escape\" = \"none\"\n\"Super+x\" = \"terminal\"\n");
        assert!(own.contains(&("Super+x".to_owned(), "open a terminal")), "{own:?}");
        assert!(!own.iter().any(|(_, does)| *does == "lock the session"), "{own:?}");
    }

    #[test]
    fn it_has_room_on_every_display() {
        let bindings = load::parse(Path::new("config.toml"), "").unwrap().bindings;
        for (w, h) in [(1024, 768), (3840, 2160), (64, 64), (1, 1)] {
            for size in [6, 14, 72] {
                let area = Rectangle::new((100, 50).into(), (w, h).into());
                let (place, sheet) = panel(&bindings, "sans-serif", size, area);
                assert!(place.rect.size.w <= w && place.rect.size.h <= h, "{place:?}");
                assert!(sheet.check().is_ok(), "{w}x{h} {size}");
            }
        }
    }
}
