//! The diagnosis: groups of checks, each one line, with a hint where something can be done; and its
//! text for people.

use std::fmt::Write;

use serde::Serialize;

use crate::terminal;

/// What to do where a device cannot be opened that few distributions give to a session.
pub const RULES: &str = "install packaging/70-syncline.rules in /etc/udev/rules.d (docs/doctor.md), or join the group that owns it (`ls -l` shows it), then log in again";

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Mark {
    /// Found.
    #[serde(rename = "yes")]
    Found,
    /// Missing. A hint says what to do about it, where something can be done.
    #[serde(rename = "no")]
    Missing,
    /// This hardware or driver does not have it, and nothing is wrong with that.
    #[serde(rename = "without")]
    NotApplicable,
}

/// One line of the diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: String,
    pub mark: Mark,
    /// What was found, in a few words.
    pub value: String,
    /// What to do about it, or what to know about it.
    pub hint: Option<String>,
}

impl Check {
    pub fn new(name: impl Into<String>, mark: Mark, value: impl Into<String>) -> Self {
        Self { name: name.into(), mark, value: value.into(), hint: None }
    }

    /// A check of what every machine should have: found or missing.
    pub fn expected(name: impl Into<String>, found: bool, value: impl Into<String>) -> Self {
        Self::new(name, if found { Mark::Found } else { Mark::Missing }, value)
    }

    /// A check of what only some hardware has: found or not applicable.
    pub fn optional(name: impl Into<String>, found: bool, value: impl Into<String>) -> Self {
        Self::new(name, if found { Mark::Found } else { Mark::NotApplicable }, value)
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint unless `good`.
    pub fn hint_unless(self, good: bool, hint: impl FnOnce() -> String) -> Self {
        if good { self } else { self.hint(hint()) }
    }
}

/// The sections of one subject: the session, a card, buffers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    pub title: String,
    pub sections: Vec<Section>,
}

/// Checks that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Empty if it is the only section of its group.
    pub title: &'static str,
    pub checks: Vec<Check>,
}

impl Group {
    /// A group with one section.
    pub fn plain(title: impl Into<String>, checks: Vec<Check>) -> Self {
        Self { title: title.into(), sections: vec![Section { title: "", checks }] }
    }
}

/// Whether the machine can run a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ready,
    Missing,
    NoDevice,
}

/// All conclusions about a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    pub verdict: Verdict,
    /// The verdict in words: what a session would run on, or what it lacks.
    pub summary: String,
    pub groups: Vec<Group>,
}

impl Diagnosis {
    /// Exit status of `syncline doctor`.
    pub fn exit_status(&self) -> u8 {
        match self.verdict {
            Verdict::Ready => 0,
            Verdict::Missing => 1,
            Verdict::NoDevice => 2,
        }
    }

    /// The text for people, with or without colours.
    pub fn text(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| terminal::paint(colour, code, text);
        let width = |check: &Check| check.name.chars().count();
        let sections = self.groups.iter().flat_map(|group| &group.sections);
        let column = sections.flat_map(|section| &section.checks).map(width).max().unwrap_or(0);
        let line = |out: &mut String, check: &Check| {
            let mark = match check.mark {
                Mark::Found => paint("32", "✓"),
                Mark::Missing => paint("31", "✗"),
                Mark::NotApplicable => paint("2", "–"),
            };
            let _ = writeln!(out, "    {mark} {:column$}  {}", check.name, check.value);
            if let Some(hint) = &check.hint {
                let _ = writeln!(out, "      {:column$}  {}", "", paint("33", &format!("→ {hint}")));
            }
        };
        let mut out = String::new();
        for group in &self.groups {
            let _ = writeln!(out, "{}", paint("1", &group.title));
            for section in &group.sections {
                if !section.title.is_empty() {
                    let _ = writeln!(out, "  {}", paint("2", section.title));
                }
                section.checks.iter().for_each(|check| line(&mut out, check));
            }
            out.push('\n');
        }
        let code = if self.verdict == Verdict::Ready { "1;32" } else { "1;31" };
        let _ = writeln!(out, "{}", paint(code, &self.summary));
        out
    }
}
