//! The tables `[bindings]` and `[mode.NAME.bindings]` of a file.
//!
//! ```toml
//! [bindings]
//! "Super+e" = "spawn thunar"
//! "Super+q" = "none"                                       # takes a built-in one away
//! "Super+b" = ["spawn a", "spawn b"]                       # one after the other
//! "F9" = { action = "spawn a", on-release = true, repeat = false, locked = true }
//! ```
//!
//! They are read by hand, not by serde: an error names the place of each of two bindings.

use std::{ops::Range, path::Path, sync::Arc};

use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use crate::{
    actions::{
        Action,
        spelling::{listed, nearest},
    },
    config::{
        bindings::{
            chord::{Chord, Trigger},
            entry::{Entry, Origin},
            set::{DEFAULT_MODE, Written},
        },
        fault::{Fault, line_of},
    },
};

/// The most actions of one chord.
const ACTIONS: usize = 16;
/// The longest name of a mode, in bytes.
const NAME: usize = 64;

/// Where the bindings are read from.
struct Source<'a> {
    file: &'a Arc<Path>,
    text: &'a str,
}

/// Takes the bindings out of a file's tables. The first mistake is the error.
pub fn take(root: &mut DeTable<'_>, file: &Arc<Path>, text: &str) -> Result<Vec<Written>, Fault> {
    let source = Source { file, text };
    let mut written = Vec::new();
    if let Some(value) = root.remove("bindings") {
        source.table(DEFAULT_MODE, &value, "bindings", &mut written)?;
    }
    let Some(modes) = root.remove("mode") else { return Ok(written) };
    for (name, mode) in table_of(&modes, "mode")? {
        let fits = !name.get_ref().is_empty() && name.get_ref().len() <= NAME;
        if !fits || name.get_ref() == DEFAULT_MODE {
            let says =
                format!("`{}` is no name for a mode; the bindings of `default` are in [bindings]", name.get_ref());
            return Err(Fault::new(name.span(), says));
        }
        for (key, value) in table_of(mode, &format!("mode.{}", name.get_ref()))? {
            if key.get_ref() != "bindings" {
                let says = format!("unknown key `{}`; a mode has `bindings` only", key.get_ref());
                return Err(Fault::new(key.span(), says));
            }
            source.table(name.get_ref(), value, "bindings", &mut written)?;
        }
    }
    Ok(written)
}

/// A key of a table with its value.
type Pair<'a, 'i> = (&'a Spanned<DeString<'i>>, &'a Spanned<DeValue<'i>>);

/// The entries of a table, in the order of the file.
fn table_of<'a, 'i>(value: &'a Spanned<DeValue<'i>>, name: &str) -> Result<Vec<Pair<'a, 'i>>, Fault> {
    let Some(table) = value.get_ref().as_table() else {
        return Err(Fault::new(value.span(), format!("`{name}` is a table, not {}", kind(value))));
    };
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    Ok(entries)
}

fn kind(value: &Spanned<DeValue<'_>>) -> String {
    format!("a value of the type {}", value.get_ref().type_str())
}

impl Source<'_> {
    fn table(
        &self,
        mode: &str,
        value: &Spanned<DeValue<'_>>,
        name: &str,
        written: &mut Vec<Written>,
    ) -> Result<(), Fault> {
        let mode: Arc<str> = mode.into();
        let mut spans: Vec<(Chord, Range<usize>)> = Vec::new();
        for (key, value) in table_of(value, name)? {
            let chord = Chord::parse(key.get_ref()).map_err(|error| Fault::new(key.span(), error))?;
            if let Some((_, first)) = spans.iter().find(|(other, _)| *other == chord) {
                let line = line_of(self.text, first.start);
                let says = format!("`{chord}` is bound in line {line} already, and here again");
                return Err(Fault::new(key.span(), says));
            }
            spans.push((chord, key.span()));
            let origin = Origin::File(self.file.clone(), line_of(self.text, key.span().start));
            written.push(Written { mode: mode.clone(), chord, entries: entries(chord, value)?, origin });
        }
        Ok(())
    }
}

/// What a chord is to perform; empty for `none`.
fn entries(chord: Chord, value: &Spanned<DeValue<'_>>) -> Result<Vec<Entry>, Fault> {
    if value.get_ref().as_str() == Some("none") {
        return Ok(Vec::new());
    }
    match value.get_ref().as_array() {
        None => Ok(vec![entry(chord, value)?]),
        Some(list) if (1..=ACTIONS).contains(&list.len()) => list.iter().map(|value| entry(chord, value)).collect(),
        Some(_) => Err(Fault::new(value.span(), format!("a chord has 1 to {ACTIONS} actions"))),
    }
}

fn entry(chord: Chord, value: &Spanned<DeValue<'_>>) -> Result<Entry, Fault> {
    let mut entry = Entry {
        action: Action::Quit,
        text: "".into(),
        on_release: false,
        repeat: false,
        locked: false,
        inhibited: false,
        all_modes: false,
    };
    if value.get_ref().is_str() {
        (entry.action, entry.text) = action(value)?;
        return Ok(entry);
    }
    if !value.get_ref().is_table() {
        let says = format!("an action is a text or a table with `action`, not {}", kind(value));
        return Err(Fault::new(value.span(), says));
    }
    let mut found = false;
    for (key, value) in table_of(value, "binding")? {
        let option = match key.get_ref().as_ref() {
            "action" => {
                (entry.action, entry.text) = action(value)?;
                found = true;
                continue;
            }
            "on-release" => &mut entry.on_release,
            "repeat" => &mut entry.repeat,
            "locked" => &mut entry.locked,
            "inhibited" => &mut entry.inhibited,
            "all-modes" => &mut entry.all_modes,
            other => {
                let names = ["action", "on-release", "repeat", "locked", "inhibited", "all-modes"];
                let says = match nearest(other, names) {
                    Some(meant) => format!("unknown key `{other}`; did you mean `{meant}`?"),
                    None => format!("unknown key `{other}`; write {}", listed(names)),
                };
                return Err(Fault::new(key.span(), says));
            }
        };
        *option = value.get_ref().as_bool().ok_or_else(|| {
            Fault::new(value.span(), format!("`{}` is `true` or `false`, not {}", key.get_ref(), kind(value)))
        })?;
    }
    if !found {
        return Err(Fault::new(value.span(), "`action` is missing".to_owned()));
    }
    if entry.repeat && entry.on_release {
        return Err(Fault::new(value.span(), "what happens when a key is released does not repeat".to_owned()));
    }
    let has_release = !matches!(chord.trigger, Trigger::Wheel(_) | Trigger::Swipe(..) | Trigger::Switch(_));
    if (entry.repeat || entry.on_release) && !has_release {
        return Err(Fault::new(value.span(), format!("`{chord}` is not held, so it has neither release nor repeat")));
    }
    Ok(entry)
}

fn action(value: &Spanned<DeValue<'_>>) -> Result<(Action, Arc<str>), Fault> {
    let Some(text) = value.get_ref().as_str() else {
        return Err(Fault::new(value.span(), format!("an action is a text, not {}", kind(value))));
    };
    let action = Action::parse(text).map_err(|error| Fault::new(value.span(), error))?;
    Ok((action, text.into()))
}
