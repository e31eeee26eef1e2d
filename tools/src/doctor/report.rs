//! What was concluded: groups of checks, each one line, with a hint where something can be done. And how it reads on a terminal.

use std::fmt::Write;

use serde::Serialize;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// There.
    Yes,
    /// Missing: a session does without it, or does not; the hint says what to do.
    No,
    /// Not there, and nothing amiss: other hardware has it.
    Without,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    pub name: String,
    pub mark: Mark,
    /// What was found, in a few words.
    pub value: String,
    /// What to do about it, or what to know.
    pub hint: Option<String>,
}

impl Check {
    pub fn new(name: impl Into<String>, mark: Mark, value: impl Into<String>) -> Self {
        Self { name: name.into(), mark, value: value.into(), hint: None }
    }

    /// There, or missing.
    pub fn of(name: impl Into<String>, there: bool, value: impl Into<String>) -> Self {
        Self::new(name, if there { Mark::Yes } else { Mark::No }, value)
    }

    /// There, or not a thing of this hardware.
    pub fn maybe(name: impl Into<String>, there: bool, value: impl Into<String>) -> Self {
        Self::new(name, if there { Mark::Yes } else { Mark::Without }, value)
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint unless it is there.
    pub fn hint_unless(self, there: bool, hint: impl FnOnce() -> String) -> Self {
        if there { self } else { self.hint(hint()) }
    }
}

/// Sections of one subject: the machine, a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    pub title: String,
    pub sections: Vec<Section>,
}

/// Checks that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Empty where the group has but one.
    pub title: &'static str,
    pub checks: Vec<Check>,
}

impl Group {
    /// A group of one section.
    pub fn plain(title: impl Into<String>, checks: Vec<Check>) -> Self {
        Self { title: title.into(), sections: vec![Section { title: "", checks }] }
    }
}

/// Whether a session can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ready,
    Missing,
    NoDevice,
}

/// Everything that was concluded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub verdict: Verdict,
    /// The verdict in words: what a session would run on, or what it lacks.
    pub summary: String,
    pub groups: Vec<Group>,
}

impl Report {
    /// Exit status.
    pub fn status(&self) -> u8 {
        match self.verdict {
            Verdict::Ready => 0,
            Verdict::Missing => 1,
            Verdict::NoDevice => 2,
        }
    }

    /// As text, with colours of a terminal or without.
    pub fn text(&self, colour: bool) -> String {
        let paint = |code: &str, text: &str| {
            if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
        };
        let width = |check: &Check| check.name.chars().count();
        let sections = self.groups.iter().flat_map(|group| &group.sections);
        let column = sections.flat_map(|section| &section.checks).map(width).max().unwrap_or(0);
        let line = |out: &mut String, check: &Check| {
            let mark = match check.mark {
                Mark::Yes => paint("32", "✓"),
                Mark::No => paint("31", "✗"),
                Mark::Without => paint("2", "–"),
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
