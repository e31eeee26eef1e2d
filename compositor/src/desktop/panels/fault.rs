//! The panel that says that the configuration is wrong: the first lines of the error, and how to see all.

use smithay::utils::{Logical, Rectangle};

use crate::{
    desktop::panels::{
        Place,
        look::{FAINT, TEXT, WARNING, largest, letters, line, margin, place, room, sheet},
    },
    text::sheet::{Block, Fit, Font, Sheet, Span},
};

/// The most letters of a line.
const LETTERS: usize = 100;
/// The most lines of the message, and of all that is shown of the error.
const LINES: [usize; 2] = [4, 8];

/// The panel at the top of an output.
pub fn panel(error: &str, font: &str, size: u8, area: Rectangle<i32, Logical>) -> (Place, Sheet) {
    let font = Font::new(&font.into(), size);
    let (line, margin, largest) = (line(&font), margin(&font), largest(&font, area));
    let width = (room(&font, LETTERS, true) + 2 * margin).min(largest.0);
    let inner = width.saturating_sub(2 * margin).max(1);
    let lines = lines_of(error, letters(&font, inner).max(8));
    let mut spans = vec![Span::bold("The configuration is wrong\n", WARNING)];
    spans.extend(lines.iter().map(|text| Span::monospace(format!("{text}\n"), TEXT)));
    let what = "It has changed nothing. `syncline msg status` shows all of it; Escape or a click closes this.";
    spans.push(Span::plain(what, FAINT));
    let height = (spans.len() as u32 * line + 2 * margin).min(largest.1);
    let size = (inner, height.saturating_sub(2 * margin).max(1));
    let block = Block { at: (margin, margin), size, fit: Fit::Lines, spans };
    let size = (width, height);
    (place(area, size, margin as i32), sheet(font, size, WARNING, vec![block]))
}

/// The message in lines of so many letters, and the lines of the file as they are.
fn lines_of(error: &str, letters: usize) -> Vec<String> {
    let mut rest = error.lines();
    let mut lines = wrapped(rest.next().unwrap_or_default(), letters);
    if lines.len() > LINES[0] {
        lines.truncate(LINES[0]);
        lines.last_mut().into_iter().for_each(|last| last.push('…'));
    }
    // Tabs are as wide as the letters beside them, so that carets are where they belong.
    lines.extend(rest.map(|line| line.replace('\t', " ")));
    lines.truncate(LINES[1]);
    lines
}

/// Words in lines of so many letters. A word that is longer is parted.
fn wrapped(text: &str, letters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.len() > letters {
            lines.push(String::new());
        } else if used > 0 {
            lines.last_mut().into_iter().for_each(|line| line.push(' '));
        }
        while word.len() > letters {
            let rest = word.split_off(letters);
            lines.last_mut().into_iter().for_each(|line| line.extend(&word));
            lines.push(String::new());
            word = rest;
        }
        lines.last_mut().into_iter().for_each(|line| line.extend(&word));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(w: i32, h: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((300, 200).into(), (w, h).into())
    }

    #[test]
    fn a_message_is_wrapped_between_words() {
        let table: [(&str, usize, &[&str]); 6] = [
            ("", 8, &[""]),
            ("one two three", 20, &["one two three"]),
            ("one two three", 13, &["one two three"]),
            ("one two three", 12, &["one two", "three"]),
            ("a/path/without/spaces x", 8, &["a/path/w", "ithout/s", "paces x"]),
            ("é é é", 3, &["é é", "é"]),
        ];
        for (text, letters, expected) in table {
            assert_eq!(wrapped(text, letters), expected, "{text:?} {letters}");
        }
    }

    #[test]
    fn the_error_is_at_the_top_with_its_place_and_where_to_see_more() {
        let error = "/home/x/config.toml:3: there is no action `fokus`\n  |\n3 |\tF9 = \"fokus\"\n  |\t     ^^^^^^^";
        for (w, h) in [(1024, 768), (640, 480), (3840, 2160)] {
            let area = area(w, h);
            let (place, sheet) = panel(error, "sans-serif", 14, area);
            assert!(area.contains_rect(place.rect) && place.rect.loc.y < area.loc.y + 20, "{place:?}");
            assert_eq!(sheet.check().map_err(|why| why.to_string()), Ok(()));
            let spans = &sheet.blocks[0].spans;
            let monospace: String = spans.iter().filter(|span| span.monospace).map(|span| &*span.text).collect();
            assert!(
                monospace.contains("config.toml:3:") && monospace.contains("\n3 | F9 = \"fokus\"\n"),
                "{monospace}"
            );
            assert!(monospace.ends_with("  |      ^^^^^^^\n"), "{monospace}");
            assert!(spans.last().unwrap().text.contains("syncline msg status"));
            // All lines have room.
            let text: String = spans.iter().map(|span| &*span.text).collect();
            assert!(text.lines().count() as u32 * line(&sheet.font) <= sheet.blocks[0].size.1);
        }
    }

    #[test]
    fn an_error_has_a_bounded_size() {
        let long = format!("{}\n{}", "word ".repeat(1000), "line\n".repeat(100));
        for (w, h) in [(1024, 768), (64, 64), (1, 1)] {
            let (place, sheet) = panel(&long, "sans-serif", 14, area(w, h));
            assert!(place.rect.size.w <= w && place.rect.size.h <= h, "{place:?}");
            assert!(sheet.blocks[0].spans.len() <= LINES[1] + 2);
        }
        assert_eq!(lines_of(&long, 80).len(), LINES[1]);
        assert!(lines_of(&long, 80)[3].ends_with('…'));
    }
}
