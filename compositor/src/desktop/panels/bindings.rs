//! The panel with the bindings: what it says, in how many columns, and how large it is.
//!
//! It says what `syncline bindings` prints, in that order, but for where a binding comes from. What does not
//! fit on the display is left out, and the last line says so.

use smithay::utils::{Logical, Rectangle};

use crate::{
    config::bindings::Bindings,
    desktop::panels::{
        Place,
        look::{EDGE, FAINT, STRONG, TEXT, largest, line, margin, place, room, sheet},
    },
    text::sheet::{Block, Fit, Font, Sheet, Span},
};

/// The smallest letters that are used where not all has room.
const SMALLEST: u8 = 9;
/// How many letters of an action are shown where there is room, and where there is not.
const ACTION: [usize; 2] = [44, 22];
/// How many letters of a chord are shown.
const CHORD: usize = 28;

/// A line of the panel.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Mode(String),
    Binding(String, String),
    Free,
}

/// Where the lines go.
#[derive(Debug, Clone, PartialEq)]
struct Columns {
    font: Font,
    count: u32,
    /// Lines of a column.
    lines: u32,
    /// The width of its chords, and of its actions.
    widths: (u32, u32),
    /// There is room for all.
    whole: bool,
}

/// The panel on an output, in letters of this size at most.
pub fn panel(bindings: &Bindings, mode: &str, font: &str, size: u8, area: Rectangle<i32, Logical>) -> (Place, Sheet) {
    let mut lines = lines_of(bindings);
    let mut columns = columns(&lines, Font::new(&font.into(), size), area);
    for smaller in (SMALLEST.min(size)..size).rev() {
        if columns.whole {
            break;
        }
        columns = self::columns(&lines, Font::new(&font.into(), smaller), area);
    }
    let rooms = (columns.count * columns.lines) as usize;
    if lines.len() > rooms {
        lines.truncate(rooms.saturating_sub(1));
        lines.push(Line::Mode("… and more: syncline bindings".to_owned()));
    }
    draw(&lines, &columns, mode, area)
}

fn lines_of(bindings: &Bindings) -> Vec<Line> {
    let mut lines = Vec::new();
    for (name, mode) in bindings.modes() {
        if !lines.is_empty() {
            lines.push(Line::Free);
        }
        lines.push(Line::Mode(format!("mode {name}")));
        for (chord, binding) in mode {
            let entries = binding.entries.iter().map(|entry| Line::Binding(chord.to_string(), entry.with_options()));
            lines.extend(entries);
        }
    }
    lines
}

fn columns(lines: &[Line], font: Font, area: Rectangle<i32, Logical>) -> Columns {
    let (line, margin, largest) = (line(&font), margin(&font), largest(&font, area));
    let longest = |of: fn(&Line) -> usize, most: usize| lines.iter().map(of).max().unwrap_or(0).min(most);
    let chord = |line: &Line| if let Line::Binding(chord, _) = line { chord.chars().count() } else { 0 };
    let action = |line: &Line| if let Line::Binding(_, action) = line { action.chars().count() } else { 0 };
    let chords = room(&font, longest(chord, CHORD), false);
    let actions = ACTION.map(|most| room(&font, longest(action, most), false));
    // The title with a free line below it, and the margins.
    let most_lines = (largest.1.saturating_sub(2 * line + 2 * margin) / line).max(1);
    let wanted = (lines.len() as u32).div_ceil(most_lines).max(1);
    // Each column has a margin on its left and between its chords and actions; the last one on its right.
    let others = |count: u32| count * (chords + 2 * margin) + margin;
    let room_for = |actions: u32| largest.0.saturating_sub(margin) / (chords + actions + 2 * margin).max(1);
    let count = wanted.min(room_for(actions[1])).max(1);
    let free = largest.0.saturating_sub(others(count)) / count;
    let widths = (chords, actions[0].min(free).max(1));
    let whole = count >= wanted;
    let lines = if whole { (lines.len() as u32).div_ceil(count).max(1) } else { most_lines };
    Columns { font, count, lines, widths, whole }
}

fn draw(lines: &[Line], columns: &Columns, mode: &str, area: Rectangle<i32, Logical>) -> (Place, Sheet) {
    let Columns { font, count, lines: per_column, widths: (chords, actions), .. } = columns;
    let (line, margin) = (line(font), margin(font));
    let pitch = chords + actions + 2 * margin;
    let height = 2 * line + per_column * line;
    let largest = largest(font, area);
    let size = ((count * pitch + margin).min(largest.0), (height + 2 * margin).min(largest.1));
    let title = Block {
        at: (margin, margin),
        size: (size.0.saturating_sub(2 * margin), line),
        fit: Fit::Line,
        spans: vec![
            Span::bold(format!("Bindings – mode {mode}"), TEXT),
            Span::plain("   Escape or a click closes this", FAINT),
        ],
    };
    let mut blocks = vec![title];
    for (column, lines) in (0..).zip(lines.chunks((*per_column).max(1) as usize)) {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for of in lines {
            let (chord, action) = match of {
                Line::Mode(name) => (Span::bold(format!("{name}\n"), TEXT), "\n".to_owned()),
                Line::Binding(chord, action) => (Span::plain(format!("{chord}\n"), STRONG), format!("{action}\n")),
                Line::Free => (Span::plain("\n", TEXT), "\n".to_owned()),
            };
            left.push(chord);
            right.push(Span::plain(action, TEXT));
        }
        let (x, y, height) = (margin + column * pitch, margin + 2 * line, per_column * line);
        blocks.push(Block { at: (x, y), size: (*chords, height), fit: Fit::Lines, spans: left });
        blocks.push(Block { at: (x + chords + margin, y), size: (*actions, height), fit: Fit::Lines, spans: right });
    }
    let below = (area.size.h - size.1 as i32) / 2;
    (place(area, size, below), sheet(font.clone(), size, EDGE, blocks))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{config::load, text::sheet::MOST_TEXT};

    fn bindings(text: &str) -> Bindings {
        load::parse(Path::new("config.toml"), text).unwrap().bindings
    }

    fn area(w: i32, h: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((300, 200).into(), (w, h).into())
    }

    fn text(sheet: &Sheet) -> Vec<String> {
        let of = |block: &Block| block.spans.iter().map(|span| span.text.clone()).collect::<String>();
        sheet.blocks.iter().map(of).collect()
    }

    #[test]
    fn all_bindings_are_there_in_the_middle_of_the_display() {
        let own = bindings(
            "[bindings]\nF9 = { action = \"mode talk\", locked = true }\n[mode.talk.bindings]\nF8 = \"quit\"\n",
        );
        for (w, h) in [(1024, 768), (1920, 1080), (3840, 2160), (1080, 1920)] {
            let area = area(w, h);
            let (place, sheet) = panel(&own, "talk", "sans-serif", 14, area);
            assert!(area.contains_rect(place.rect) && place.area == area, "{place:?}");
            let middle = |rect: Rectangle<i32, Logical>| rect.loc + rect.size.downscale(2).to_point();
            let off = middle(place.rect) - middle(area);
            assert!(off.x.abs() <= 1 && off.y.abs() <= 1, "{off:?}");
            assert_eq!(sheet.check().map_err(|why| why.to_string()), Ok(()));
            let text = text(&sheet);
            assert!(text[0].contains("mode talk"), "{text:?}");
            let all = text[1..].concat();
            let lines: Vec<&str> = all.lines().collect();
            for mode in own.modes() {
                assert!(lines.contains(&&*format!("mode {}", mode.0)));
                assert!(mode.1.keys().all(|chord| lines.contains(&&*chord.to_string())), "{w}x{h}");
            }
            assert!(all.contains("mode talk (locked)") && !all.contains("and more"));
            assert!(all.len() < MOST_TEXT);
            // The columns lie beside each other, each within the panel.
            let blocks = &sheet.blocks[1..];
            let ends = blocks.iter().map(|block| (block.at.0, block.at.0 + block.size.0)).collect::<Vec<_>>();
            assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ends:?}");
            assert!(ends.last().unwrap().1 < place.rect.size.w as u32);
            for pair in blocks.chunks(2) {
                let counts = [0, 1].map(|at: usize| pair[at].spans.len());
                assert_eq!(counts[0], counts[1], "each action is beside its chord");
            }
        }
    }

    #[test]
    fn few_bindings_have_one_column_and_what_has_no_room_is_left_out() {
        let small = bindings(&format!(
            "[bindings]\n{}",
            Bindings::default()
                .mode("default")
                .unwrap()
                .keys()
                .skip(3)
                .map(|chord| format!("{:?} = \"none\"\n", chord.to_string()))
                .collect::<String>()
        ));
        let (place, sheet) = panel(&small, "default", "sans-serif", 14, area(1920, 1080));
        assert_eq!(sheet.blocks.len(), 3);
        assert!(place.rect.size.h < 500 && place.rect.size.w < 900, "{place:?}");
        for (w, h) in [(320, 200), (1, 1), (64, 400)] {
            let (place, sheet) = panel(&Bindings::default(), "default", "sans-serif", 14, area(w, h));
            assert!(text(&sheet).concat().contains("and more"), "{w}x{h}");
            assert!(place.rect.size.w <= w.max(1) && place.rect.size.h <= h.max(1), "{place:?}");
        }
    }

    #[test]
    fn letters_become_smaller_before_bindings_are_left_out() {
        let (_, large) = panel(&Bindings::default(), "default", "sans-serif", 40, area(1024, 768));
        assert!(large.font.size < 40.0 && !text(&large).concat().contains("and more"), "{}", large.font.size);
        let (_, smaller) = panel(&Bindings::default(), "default", "sans-serif", 7, area(1024, 768));
        assert_eq!(smaller.font.size, 7.0, "never larger than is configured");
    }
}
