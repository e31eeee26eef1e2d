//! All contents that may still be unreleased, so that reports can list them, and so that those of
//! surfaces that are gone can be found.
//!
//! It keeps none of them alive: an entry is a weak reference; dead entries are removed when the list
//! is full. A commit costs a reference count, and no allocation once the list has grown to its size.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use crate::{surface::content::Content, system::id::SurfaceId};

/// The initial capacity.
const LEAST: usize = 64;

/// The contents of all surfaces, newest last.
#[derive(Debug)]
pub struct ContentRegistry {
    entries: Vec<Weak<Content>>,
    /// Surfaces that are gone, with the serial of their first content that was not applied.
    abandoned: HashMap<SurfaceId, u64>,
}

impl Default for ContentRegistry {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(LEAST), abandoned: HashMap::new() }
    }
}

impl ContentRegistry {
    /// Adds a content; its entry lasts as long as the content is held.
    pub fn insert(&mut self, content: &Arc<Content>) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.retain(|entry| entry.strong_count() > 0);
            // Without room to spare, a list of mostly live entries would be swept at every commit.
            if self.entries.len() * 2 > self.entries.capacity() {
                self.entries.reserve(self.entries.capacity());
            }
        }
        self.entries.push(Arc::downgrade(content));
    }

    /// The contents that are still held, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = Arc<Content>> {
        self.entries.iter().filter_map(Weak::upgrade)
    }

    /// The surface is gone: its contents from this serial on were not applied, and never will be.
    pub fn abandon(&mut self, surface: SurfaceId, first: u64) {
        self.abandoned.insert(surface, first);
    }

    /// Gives up the contents that were abandoned: one look at all for any number of surfaces.
    pub fn give_up_abandoned(&mut self) {
        if self.abandoned.is_empty() {
            return;
        }
        let abandoned = std::mem::take(&mut self.abandoned);
        let is = |content: &Content| abandoned.get(&content.surface).is_some_and(|first| content.serial >= *first);
        self.iter().filter(|content| is(content)).for_each(|content| content.give_up());
    }
}
