//! Every content that may still be unreleased, so that reports can list them.
//!
//! It holds none of them: an entry is a pair of weak references, swept when the list is full. A commit costs two
//! reference counts here, and no allocation once the list has its size.

use std::sync::{Arc, Weak};

use smithay::reexports::wayland_server::{self, Resource, protocol::wl_surface::WlSurface};

use crate::surface::content::Content;

/// Room for the first contents.
const LEAST: usize = 64;

/// A content and the surface that it was committed to.
#[derive(Debug)]
struct Entry {
    content: Weak<Content>,
    surface: wayland_server::Weak<WlSurface>,
}

/// The contents of all surfaces, newest last.
#[derive(Debug)]
pub struct Live {
    entries: Vec<Entry>,
}

impl Default for Live {
    fn default() -> Self {
        Self { entries: Vec::with_capacity(LEAST) }
    }
}

impl Live {
    /// Remembers a content for as long as anybody holds it.
    pub fn insert(&mut self, content: &Arc<Content>, surface: &WlSurface) {
        if self.entries.len() == self.entries.capacity() {
            self.entries.retain(|entry| entry.content.strong_count() > 0);
            // Sweeping a list that is nearly all alive at each commit would cost its length each time.
            if self.entries.len() * 2 > self.entries.capacity() {
                self.entries.reserve(self.entries.capacity());
            }
        }
        self.entries.push(Entry { content: Arc::downgrade(content), surface: surface.downgrade() });
    }

    /// The contents that somebody still holds, oldest first, with their surfaces if those still exist.
    pub fn iter(&self) -> impl Iterator<Item = (Arc<Content>, Option<WlSurface>)> {
        self.entries.iter().filter_map(|entry| Some((entry.content.upgrade()?, entry.surface.upgrade().ok())))
    }
}
