//! What a chord performs, and when.

use std::{fmt, path::Path, sync::Arc};

use crate::actions::Action;

/// One action of a chord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub action: Action,
    /// The action as it was written.
    pub text: Arc<str>,
    /// It is performed when the key or button is released, not when it is pressed.
    pub on_release: bool,
    /// It is performed again and again while the key is held, as fast as keys repeat.
    pub repeat: bool,
    /// Also while the session is locked.
    pub locked: bool,
    /// Also while a window has all shortcuts for itself.
    pub inhibited: bool,
    /// In every mode that does not bind the chord itself.
    pub all_modes: bool,
}

impl Entry {
    /// The options that it has, by their keys in a file.
    pub fn options(&self) -> Vec<&'static str> {
        let all = [
            (self.on_release, "on-release"),
            (self.repeat, "repeat"),
            (self.locked, "locked"),
            (self.inhibited, "inhibited"),
            (self.all_modes, "all-modes"),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect()
    }

    /// The action with its options, for people.
    pub fn with_options(&self) -> String {
        let options = self.options();
        if options.is_empty() { self.text.to_string() } else { format!("{} ({})", self.text, options.join(", ")) }
    }

    /// As it is written in a file.
    pub fn written(&self) -> String {
        let action = quoted(&self.text);
        let options = self.options();
        if options.is_empty() {
            return action;
        }
        let options: String = options.iter().map(|option| format!(", {option} = true")).collect();
        format!("{{ action = {action}{options} }}")
    }

    /// Whether the action may be performed now.
    pub fn is_allowed(&self, situation: Situation) -> bool {
        (self.locked || !situation.locked) && (self.inhibited || !situation.inhibited)
    }
}

/// A text as TOML has it.
pub fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// What holds actions back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Situation {
    /// The session is locked.
    pub locked: bool,
    /// A window has all shortcuts for itself.
    pub inhibited: bool,
}

/// Where a binding comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is built in.
    Default,
    /// It is in this line of a file.
    File(Arc<Path>, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}
