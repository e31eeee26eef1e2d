//! Actions from text: `focus left`, `spawn foot -e top`, `split-width +10%`.
//!
//! Words are separated as a shell does it, with quotes and backslashes; nothing is expanded. An error
//! says what is allowed, and what was probably meant.

use crate::actions::{action::Action, spelling::nearest, table::TABLE, words::Words};

impl Action {
    /// Reads an action. Errors: one line for the user.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains('\0') {
            return Err("an action has no NUL".to_owned());
        }
        let words = shlex::split(text).ok_or_else(|| format!("a quote in `{text}` is not closed"))?;
        Self::from_words(&words)
    }

    /// The same of words that are separate already.
    fn from_words(words: &[String]) -> Result<Self, String> {
        let Some((name, arguments)) = words.split_first() else {
            return Err("there is no action in an empty text; `syncline actions` lists them all".to_owned());
        };
        let Some(row) = TABLE.iter().find(|row| row.name == name) else {
            let names = TABLE.iter().map(|row| row.name);
            return Err(match nearest(name, names) {
                Some(nearest) => format!("there is no action `{name}`; did you mean `{nearest}`?"),
                None => format!("there is no action `{name}`; `syncline actions` lists them all"),
            });
        };
        let usage = row.usage();
        let mut words = Words { name: row.name, usage: &usage, rest: arguments };
        let action = (row.parse)(&mut words)?;
        match words.rest {
            [] => Ok(action),
            [more, ..] => Err(format!("{name}: `{more}` is too much; write `{usage}`")),
        }
    }
}
