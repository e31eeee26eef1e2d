//! The acquires that are being waited for, each an entry of the reactor by slot.
//!
//! A slot is used again once its acquire has resolved; an event for a slot that is empty by then is stale and ignored.

use std::sync::Arc;

use slab::Slab;
use smallvec::SmallVec;
use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

use crate::{
    surface::{content::Content, gate::PendingCommit},
    system::id::Slot,
};

/// Somebody's pending acquire.
#[derive(Debug)]
pub struct Waiting {
    pub commit: Arc<PendingCommit>,
    pub surface: Weak<WlSurface>,
    /// Its watchdog has spoken.
    pub reported: bool,
}

/// Slots of pending acquires.
#[derive(Debug, Default)]
pub struct Acquires(Slab<Waiting>);

impl Acquires {
    /// Stores `waiting`; the slot goes into the reactor's source.
    pub fn insert(&mut self, waiting: Waiting) -> Slot {
        Slot(self.0.insert(waiting) as u32)
    }

    /// The entry of a slot.
    pub fn get(&self, slot: Slot) -> Option<&Waiting> {
        self.0.get(slot.0 as usize)
    }

    /// Empties a slot.
    pub fn remove(&mut self, slot: Slot) -> Option<Waiting> {
        self.0.try_remove(slot.0 as usize)
    }

    /// All entries with their slots.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Slot, &mut Waiting)> {
        self.0.iter_mut().map(|(slot, waiting)| (Slot(slot as u32), waiting))
    }

    /// Slots for which `gone` holds.
    pub fn matching(&self, gone: impl Fn(&Waiting) -> bool) -> SmallVec<[Slot; 4]> {
        self.0.iter().filter(|(_, waiting)| gone(waiting)).map(|(slot, _)| Slot(slot as u32)).collect()
    }

    /// Whether the event loop waits for this content's acquire.
    pub fn waits_for(&self, content: &Arc<Content>) -> bool {
        self.0.iter().any(|(_, waiting)| Arc::ptr_eq(&waiting.commit.content, content))
    }

    /// Number of pending acquires.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
