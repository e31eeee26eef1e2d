//! The lit outputs, found by their ids.
//!
//! A session has few of them: a search is a walk over a handful.

use std::ops::{Index, IndexMut};

use smallvec::SmallVec;

use crate::{output::state::Output, system::id::OutputId};

/// The lit outputs, in the order in which they came.
#[derive(Default)]
pub struct OutputList(Vec<Output>);

impl OutputList {
    /// Their ids, so that each can be changed while its session is, too.
    pub fn ids(&self) -> SmallVec<[OutputId; 8]> {
        self.iter().map(|output| output.id).collect()
    }

    /// The id of the first output for which `is` holds.
    pub fn find_id(&self, is: impl Fn(&Output) -> bool) -> Option<OutputId> {
        self.iter().find(|output| is(output)).map(|output| output.id)
    }

    /// `None`: it is not lit any more.
    pub fn get(&self, id: OutputId) -> Option<&Output> {
        self.iter().find(|output| output.id == id)
    }

    /// As [`OutputList::get`].
    pub fn get_mut(&mut self, id: OutputId) -> Option<&mut Output> {
        self.iter_mut().find(|output| output.id == id)
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Output> {
        self.0.iter()
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Output> {
        self.0.iter_mut()
    }

    /// The one that is lit longest.
    pub fn first(&self) -> Option<&Output> {
        self.0.first()
    }

    /// Whether none is lit.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are lit.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds an output; its id is not in the list yet.
    pub fn push(&mut self, output: Output) {
        self.0.push(output);
    }

    /// Drops those for which `keep` does not hold.
    pub fn retain(&mut self, keep: impl FnMut(&Output) -> bool) {
        self.0.retain(keep);
    }

    /// Takes out those for which `which` holds.
    pub fn take(&mut self, which: impl FnMut(&mut Output) -> bool) -> Vec<Output> {
        self.0.extract_if(.., which).collect()
    }
}

/// By the id of an output that is lit. An id that was asked for at this wake-up is: outputs go only between the steps of
/// one, when cards and displays are taken away.
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
