//! The lit outputs, looked up by id.
//!
//! A session has a handful of outputs, so a lookup is a linear search. This module lights no
//! output.

use std::ops::{Index, IndexMut};

use smallvec::SmallVec;

use crate::{output::state::Output, system::id::OutputId};

/// The lit outputs, in the order in which they were lit.
#[derive(Default)]
pub struct OutputList {
    lit: Vec<Output>,
    /// The id that was given last.
    newest: u32,
}

impl OutputList {
    /// An id for an output that is to be lit. It is not given again before all others have been, so that
    /// what comes late (a flip, a CRC, a commit that waits for its output) is not taken for a newer
    /// output's.
    pub fn new_id(&mut self) -> OutputId {
        let ids = (self.newest + 1..=OutputId::LAST).chain(1..);
        let free = ids.map(OutputId).find(|id| self.get(*id).is_none());
        let id = free.unwrap_or_default();
        self.newest = id.0;
        id
    }

    /// The ids of all outputs: a caller that loops over ids may borrow the whole session mutably.
    pub fn ids(&self) -> SmallVec<[OutputId; 8]> {
        self.iter().map(|output| output.id).collect()
    }

    /// The id of the first output for which `is` returns true.
    pub fn find_id(&self, is: impl Fn(&Output) -> bool) -> Option<OutputId> {
        self.iter().find(|output| is(output)).map(|output| output.id)
    }

    /// The output with this id; `None` if it is no longer lit.
    pub fn get(&self, id: OutputId) -> Option<&Output> {
        self.iter().find(|output| output.id == id)
    }

    /// The output with this id, mutable; `None` if it is no longer lit.
    pub fn get_mut(&mut self, id: OutputId) -> Option<&mut Output> {
        self.iter_mut().find(|output| output.id == id)
    }

    /// All outputs, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Output> {
        self.lit.iter()
    }

    /// All outputs, in order.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Output> {
        self.lit.iter_mut()
    }

    /// Those that are on the desktop: all but the ones that mirror another one, in order.
    pub fn on_desktop(&self) -> impl Iterator<Item = &Output> {
        self.iter().filter(|output| output.mirror.is_none())
    }

    /// The one on the desktop that has been lit longest.
    pub fn first(&self) -> Option<&Output> {
        self.on_desktop().next()
    }

    /// Whether no output is lit.
    pub fn is_empty(&self) -> bool {
        self.lit.is_empty()
    }

    /// The number of lit outputs.
    pub fn len(&self) -> usize {
        self.lit.len()
    }

    /// Appends an output. Its id must not be in the list yet.
    pub fn push(&mut self, output: Output) {
        self.lit.push(output);
    }

    /// Drops the outputs for which `keep` returns false.
    pub fn retain(&mut self, keep: impl FnMut(&Output) -> bool) {
        self.lit.retain(keep);
    }

    /// Removes and returns the outputs for which `which` returns true.
    pub fn take(&mut self, which: impl FnMut(&mut Output) -> bool) -> Vec<Output> {
        self.lit.extract_if(.., which).collect()
    }
}

/// Panics if no output has this id. An id that was read during the current wake-up stays valid:
/// outputs are removed only where cards and displays are removed, between the steps of a wake-up.
impl Index<OutputId> for OutputList {
    type Output = Output;

    fn index(&self, id: OutputId) -> &Output {
        self.get(id).expect("the output is lit")
    }
}

/// See [`Index`].
impl IndexMut<OutputId> for OutputList {
    fn index_mut(&mut self, id: OutputId) -> &mut Output {
        self.get_mut(id).expect("the output is lit")
    }
}

impl<'a> IntoIterator for &'a OutputList {
    type Item = &'a Output;
    type IntoIter = std::slice::Iter<'a, Output>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut OutputList {
    type Item = &'a mut Output;
    type IntoIter = std::slice::IterMut<'a, Output>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
