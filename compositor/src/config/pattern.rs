//! Regular expressions of the file: parsed, bounded and compiled when it is read.
//!
//! What they are matched against comes from clients, so the time of a match is bounded, too: it is
//! at most proportional to the length of the text and to the size of the compiled expression.
//! Nothing here knows what is matched.

use std::sync::Arc;

use regex_automata::meta::{Config, Regex};
use regex_syntax::Error;
use serde::{Deserialize, Serialize};

/// The longest expression, in bytes.
const LENGTH: usize = 1000;
/// The largest compiled one, in bytes.
const COMPILED: usize = 512 << 10;

/// A regular expression that fits a text if it fits a part of it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: Arc<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles an expression. Errors: what is wrong with it, and at which character.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.len() > LENGTH {
            return Err(format!("a regular expression has at most {LENGTH} bytes; this one has {}", text.len()));
        }
        let parsed = regex_syntax::parse(text).map_err(|error| wrong(text, &error))?;
        let bounds = Config::new().nfa_size_limit(Some(COMPILED));
        let regex = Regex::builder().configure(bounds).build_from_hir(&parsed).map_err(|error| {
            let says = error.size_limit().map_or_else(
                || error.to_string(),
                |most| format!("compiled it is larger than {} KiB; write fewer repetitions", most >> 10),
            );
            format!("`{text}` is not taken as a regular expression: {says}")
        })?;
        Ok(Self { text: text.into(), regex })
    }

    /// Whether the expression fits a part of the text.
    pub fn fits(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// What is wrong with an expression, and at which character, counted from 1.
fn wrong(text: &str, error: &Error) -> String {
    let (says, at) = match error {
        Error::Parse(error) => (error.kind().to_string(), error.span().start.offset),
        Error::Translate(error) => (error.kind().to_string(), error.span().start.offset),
        other => (other.to_string().replace('\n', "; "), 0),
    };
    let at = text.get(..at).unwrap_or_default().chars().count() + 1;
    format!("`{text}` is not a regular expression: {says}, at character {at}")
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_text_is_enough_unless_the_expression_has_anchors() {
        for (pattern, text, fits) in [
            ("fire", "org.mozilla.firefox", true),
            ("^fire", "org.mozilla.firefox", false),
            ("^org\\.mozilla\\.firefox$", "org.mozilla.firefox", true),
            ("^org\\.mozilla\\.firefox$", "org.mozilla.firefox-esr", false),
            ("firefox|chrom(e|ium)", "chromium", true),
            ("Firefox", "firefox", false),
            ("(?i)Firefox", "firefox", true),
            ("(?i)straße", "STRAßE", true),
            (r"\bnotes\b", "my notes – editor", true),
            (r"^\w+$", "größe", true),
            ("", "", true),
            ("^$", "a", false),
        ] {
            assert_eq!(Pattern::new(pattern).unwrap().fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        for (pattern, says) in [
            ("ab(c", "`ab(c` is not a regular expression: unclosed group, at character 3"),
            ("größe[", "unclosed character class, at character 6"),
            ("a**(", "unclosed group, at character 4"),
            ("*", "repetition operator missing expression, at character 1"),
            (r"x\p{Nowhere}", "Unicode property not found, at character 2"),
            ("(?=a)", "look-around, including look-ahead and look-behind, is not supported, at character 1"),
        ] {
            let error = Pattern::new(pattern).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn an_expression_is_bounded() {
        let error = Pattern::new(&"a".repeat(LENGTH + 1)).unwrap_err();
        assert!(error.contains("at most 1000 bytes"), "{error}");
        assert!(Pattern::new(&"a".repeat(LENGTH)).is_ok() && Pattern::new(r"^\w+ \w+ - \w+$").is_ok());
        for pattern in [r"\w{200}", "((a{100}){100}){100}", &r"\pL".repeat(300)] {
            let error = Pattern::new(pattern).unwrap_err();
            assert!(error.contains("compiled it is larger than 512 KiB"), "{error}");
        }
        let deep = Pattern::new(&format!("{}{}", "(".repeat(400), ")".repeat(400))).unwrap_err();
        assert!(deep.contains("maximum number of nested parentheses"), "{deep}");
    }
}
