//! All contents that may still be unreleased, so that reports can list them.
//!
//! It keeps none of them alive: an entry is a weak reference; dead entries are removed when the list
//! is full. A commit costs a reference count, and no allocation once the list has grown to its size.

use std::sync::{Arc, Weak};

use crate::surface::content::Content;

/// The initial capacity.
const LEAST: usize = 64;

/// The contents of all surfaces, newest last.
#[derive(Debug)]
pub struct ContentRegistry {
    entries: Vec<Weak<Content>>,
}

impl Default for ContentRegistry {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(LEAST) }
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
}
