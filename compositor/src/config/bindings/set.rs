//! All bindings, by mode and chord, and which of them an event means.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    actions::Action,
    config::bindings::{
        chord::Chord,
        entry::{Entry, Origin, Situation},
    },
};

/// The mode of `[bindings]`.
pub const DEFAULT_MODE: &str = "default";

/// What a chord is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    pub entries: Arc<[Entry]>,
    pub origin: Origin,
}

/// The bindings of one mode.
pub type Mode = BTreeMap<Chord, Binding>;

/// A binding as a file has it; without entries it takes away the one that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub mode: Arc<str>,
    pub chord: Chord,
    pub entries: Vec<Entry>,
    pub origin: Origin,
}

/// All modes. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bindings(Arc<BTreeMap<Arc<str>, Mode>>);

/// What an event means.
#[derive(Debug, Clone)]
pub struct Hit {
    pub chord: Chord,
    pub entries: Arc<[Entry]>,
}

impl Bindings {
    /// Built-in ones: a mistake there is found by a test.
    pub(super) fn of(written: impl IntoIterator<Item = Written>) -> Self {
        let mut bindings = Self(Arc::new(BTreeMap::from([(DEFAULT_MODE.into(), Mode::new())])));
        bindings.add(written);
        bindings
    }

    /// Adds what a file has: its bindings replace those of the same chord. A mode that is new can be
    /// left with Escape, unless the file says otherwise.
    pub fn add(&mut self, written: impl IntoIterator<Item = Written>) {
        let modes = Arc::make_mut(&mut self.0);
        for Written { mode, chord, entries, origin } in written {
            let mode = modes.entry(mode).or_insert_with(new_mode);
            match entries.is_empty() {
                true => drop(mode.remove(&chord)),
                false => drop(mode.insert(chord, Binding { entries: entries.into(), origin })),
            }
        }
    }

    /// All modes by name, with their bindings in order.
    pub fn modes(&self) -> impl Iterator<Item = (&Arc<str>, &Mode)> {
        self.0.iter()
    }

    /// A mode by its name.
    pub fn mode(&self, name: &str) -> Option<&Mode> {
        self.0.get(name)
    }

    /// The first of `chords` that is bound in this mode and has an action that may be performed now.
    /// What a file binds counts before what is built in.
    pub fn find(&self, mode: &str, chords: impl IntoIterator<Item = Chord>, situation: Situation) -> Option<Hit> {
        let own = self.0.get(mode)?;
        let default = self.0.get(DEFAULT_MODE)?;
        let mut built_in = None;
        for chord in chords {
            let in_default = || {
                let for_all = |binding: &&Binding| binding.entries.iter().any(|entry| entry.all_modes);
                default.get(&chord).filter(for_all)
            };
            let Some(binding) = own.get(&chord).or_else(in_default) else { continue };
            if !binding.entries.iter().any(|entry| entry.is_allowed(situation)) {
                continue;
            }
            let hit = || Hit { chord, entries: binding.entries.clone() };
            match binding.origin {
                Origin::File(..) => return Some(hit()),
                Origin::Default => built_in = built_in.or_else(|| Some(hit())),
            }
        }
        built_in
    }

    /// The first binding that changes to a mode that there is not: its origin and the name.
    pub fn unknown_mode(&self) -> Option<(&Origin, &str)> {
        let bindings = self.0.values().flat_map(BTreeMap::values);
        bindings.flat_map(|binding| binding.entries.iter().map(move |entry| (&binding.origin, entry))).find_map(
            |(origin, entry)| match &entry.action {
                Action::Mode(name) if !self.0.contains_key(name.as_str()) => Some((origin, name.as_str())),
                _ => None,
            },
        )
    }
}

fn new_mode() -> Mode {
    let mut mode = Mode::new();
    if let Ok(escape) = Chord::parse("Escape") {
        let entry = Entry {
            action: Action::Mode(DEFAULT_MODE.to_owned()),
            text: format!("mode {DEFAULT_MODE}").into(),
            on_release: false,
            repeat: false,
            locked: false,
            inhibited: false,
            all_modes: false,
        };
        mode.insert(escape, Binding { entries: [entry].into(), origin: Origin::Default });
    }
    mode
}
