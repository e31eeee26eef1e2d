//! All contents that may still be unreleased, so that reports can list them.
//!
//! It keeps none of them alive: an entry is a pair of weak references; dead entries are removed
//! when the list is full. A commit costs two reference counts, and no allocation once the list has
//! grown to its size.

use std::sync::{Arc, Weak};

use smithay::reexports::wayland_server::{self, Resource, protocol::wl_surface::WlSurface};

use crate::surface::content::Content;

/// The initial capacity.
const LEAST: usize = 64;

/// A content and the surface that it was committed to.
#[derive(Debug)]
struct Entry {
    content: Weak<Content>,
    surface: wayland_server::Weak<WlSurface>,
}

/// The contents of all surfaces, newest last.
#[derive(Debug)]
pub struct ContentRegistry {
    entries: Vec<Entry>,
}

impl Default for ContentRegistry {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(LEAST) }
    }
}

impl ContentRegistry {
    /// Adds a content; its entry lasts as long as the content is held.
    pub fn insert(&mut self, content: &Arc<Content>, surface: &WlSurface) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.retain(|entry| entry.content.strong_count() > 0);
            // Without room to spare, a list of mostly live entries would be swept at every commit.
            if self.entries.len() * 2 > self.entries.capacity() {
                self.entries.reserve(self.entries.capacity());
            }
        }
        self.entries.push(Entry { content: Arc::downgrade(content), surface: surface.downgrade() });
    }

    /// The contents that are still held, oldest first, each with its surface if that still exists.
    pub fn iter(&self) -> impl Iterator<Item = (Arc<Content>, Option<WlSurface>)> {
        self.entries.iter().filter_map(|entry| Some((entry.content.upgrade()?, entry.surface.upgrade().ok())))
    }
}
