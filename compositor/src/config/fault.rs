//! A mistake in a file: where it is, and how that is shown.

use std::{ops::Range, path::Path};

use crate::{actions::spelling::nearest, system::error::Error};

/// A mistake at a place in a text.
#[derive(Debug)]
pub struct Fault {
    /// In bytes.
    pub span: Range<usize>,
    /// One line.
    pub message: String,
}

impl Fault {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    /// As the parser found it: a word that it does not know gets the one that was probably meant.
    pub fn of(error: &toml::de::Error, text: &str) -> Self {
        let span = error.span().unwrap_or_default();
        let message = error.message();
        let says = match (old(message), meant(message)) {
            (Some(new), _) => format!("{message}; this key is called `{new}` now"),
            (None, Some(meant)) => format!("{message}; did you mean `{meant}`?"),
            (None, None) if message == "duplicate key" => duplicate(text, &span),
            (None, None) => message.replace('\n', "; "),
        };
        Self { span, message: says }
    }

    /// The error of a file with this text.
    pub fn of_file(self, path: &Path, text: &str) -> Error {
        let line = line_of(text, self.span.start);
        let excerpt = excerpt(text, &self.span);
        Error::Config { path: path.to_owned(), line, message: self.message, excerpt }
    }
}

/// The line of a place, counted from 1.
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// The line of the place with a caret under each character that is meant.
fn excerpt(text: &str, span: &Range<usize>) -> String {
    let mut at = span.start.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next().unwrap_or_default();
    let number = line_of(text, at).to_string();
    let before = &line[..(at - start).min(line.len())];
    let within = line.get(before.len()..span.end.saturating_sub(start).min(line.len()));
    let carets = within.map_or(0, |within| within.chars().count()).max(1);
    // Tabs stay tabs, so that the carets are under the word.
    let indent: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let margin = " ".repeat(number.len());
    format!("{margin} |\n{number} | {line}\n{margin} | {indent}{}", "^".repeat(carets))
}

/// The name and what was expected, of an error about a key or a word that is not known.
fn unknown(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("unknown field `").or_else(|| message.strip_prefix("unknown variant `"))?;
    rest.split_once('`')
}

/// The new name of a key that an error calls unknown: keys used to have underscores.
fn old(message: &str) -> Option<String> {
    let (unknown, expected) = unknown(message)?;
    let new = unknown.replace('_', "-");
    (new != unknown && expected.contains(&format!("`{new}`"))).then_some(new)
}

/// The word that was probably meant.
fn meant(message: &str) -> Option<&str> {
    let (unknown, expected) = unknown(message)?;
    // What is expected is in backquotes: every second part. Some keys of a file serde does not know.
    let by_hand: &[&str] = if expected.contains("`background`") { &["bindings", "mode", "include"] } else { &[] };
    nearest(unknown, expected.split('`').skip(1).step_by(2).chain(by_hand.iter().copied()))
}

/// A key that is there twice: names the line of the first.
fn duplicate(text: &str, span: &Range<usize>) -> String {
    let key = text.get(span.clone()).unwrap_or_default();
    let before = text.get(..span.start).unwrap_or_default();
    let is = |line: &str| {
        let line = line.trim_start().trim_start_matches('[');
        !key.is_empty() && line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', '.', ']']))
    };
    match before.lines().enumerate().filter(|(_, line)| is(line)).last() {
        Some((line, _)) => format!("`{}` is in line {} already, and here again", key.trim_matches('"'), line + 1),
        None => format!("`{}` is there twice", key.trim_matches('"')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_marked() {
        let text = "a = 1\n\tbß = \"x\"\nc = 2";
        let at = text.find("\"x\"").unwrap();
        assert_eq!(excerpt(text, &(at..at + 3)), "  |\n2 | \tbß = \"x\"\n  | \t     ^^^");
        assert_eq!(excerpt(text, &(text.len()..text.len())), "  |\n3 | c = 2\n  |      ^");
        // Of what spans lines the first is shown; what lies beyond is the end.
        assert_eq!(excerpt(text, &(0..99)), "  |\n1 | a = 1\n  | ^^^^^");
        assert_eq!(excerpt("", &(7..9)), "  |\n1 | \n  | ^");
        // In the middle of a character.
        assert!(excerpt(text, &(9..10)).contains('^'));
    }

    #[test]
    fn a_word_that_is_not_known_gets_the_nearest() {
        let error = |message: &str| {
            let error = <toml::de::Error as serde::de::Error>::custom(message);
            Fault::of(&error, "").message
        };
        let message = "unknown field `colour`, expected one of `color`, `size`";
        assert_eq!(error(message), format!("{message}; did you mean `color`?"));
        let message = "unknown field `repeat_rate`, expected `repeat-rate`";
        assert_eq!(error(message), format!("{message}; this key is called `repeat-rate` now"));
        let message = "unknown variant `xyz`, expected `never` or `always`";
        assert_eq!(error(message), message);
    }

    #[test]
    fn a_key_that_is_there_twice_names_both_lines() {
        for (text, says) in [
            ("a = 1\nb = 2\na = 3\n", "`a` is in line 1 already, and here again"),
            ("[bindings]\n\"Super+a\" = \"quit\"\n\"Super+a\" = \"close\"\n", "`Super+a` is in line 2 already"),
        ] {
            let error = toml::de::DeTable::parse(text).unwrap_err();
            let fault = Fault::of(&error, text);
            assert!(fault.message.contains(says), "{}", fault.message);
            assert_eq!(line_of(text, fault.span.start), 3);
        }
    }
}
