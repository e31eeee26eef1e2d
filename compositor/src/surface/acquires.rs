//! The pending acquires that the event loop waits for; each has a slot, which the reactor reports.
//!
//! A slot is reused once its acquire has resolved. An event for a slot that is empty by then is
//! stale and ignored. Nothing here waits.

use std::sync::Arc;

use fence::Ns;
use slab::Slab;
use smallvec::SmallVec;
use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

use crate::{
    surface::{content::Content, gate::PendingCommit},
    system::id::Slot,
};

/// A pending commit whose acquire the event loop waits for.
#[derive(Debug)]
pub struct WaitingAcquire {
    pub commit: Arc<PendingCommit>,
    /// The surface of the commit.
    pub surface: Weak<WlSurface>,
    /// The commit is applied: the fence has come since, and only the picture waits for it.
    pub late: bool,
    /// When to look at it again, because nothing wakes the loop: there was no descriptor or memory
    /// to wait with.
    pub retry_at: Option<Ns>,
    /// The watchdog has logged this acquire.
    pub reported: bool,
}

/// Slots of pending acquires.
#[derive(Debug, Default)]
pub struct Acquires {
    waiting: Slab<WaitingAcquire>,
    /// How many of them are late.
    late: usize,
}

impl Acquires {
    /// Stores `waiting`; returns the slot to register with the reactor.
    pub fn insert(&mut self, waiting: WaitingAcquire) -> Slot {
        self.late += usize::from(waiting.late);
        let entry = self.waiting.vacant_entry();
        let slot = Slot(entry.key() as u32);
        waiting.commit.set_slot(Some(slot));
        entry.insert(waiting);
        slot
    }

    /// The entry in a slot; `None` if the slot is empty.
    pub fn get(&self, slot: Slot) -> Option<&WaitingAcquire> {
        self.waiting.get(slot.0 as usize)
    }

    /// Empties a slot and returns its entry; `None` if it was empty.
    pub fn remove(&mut self, slot: Slot) -> Option<WaitingAcquire> {
        let waiting = self.waiting.try_remove(slot.0 as usize)?;
        self.late -= usize::from(waiting.late);
        waiting.commit.set_slot(None);
        Some(waiting)
    }

    /// The entry in a slot, to be changed.
    pub fn get_mut(&mut self, slot: Slot) -> Option<&mut WaitingAcquire> {
        self.waiting.get_mut(slot.0 as usize)
    }

    /// All entries with their slots.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Slot, &mut WaitingAcquire)> {
        self.waiting.iter_mut().map(|(slot, waiting)| (Slot(slot as u32), waiting))
    }

    /// The slots of the late ones that satisfy `is`.
    pub fn late(&self, is: impl Fn(&WaitingAcquire) -> bool) -> SmallVec<[Slot; 4]> {
        if self.late == 0 {
            return SmallVec::new();
        }
        self.slots(|waiting| waiting.late && is(waiting))
    }

    /// The slots of those that are to be looked at again by now.
    pub fn to_retry(&self, now: Ns) -> SmallVec<[Slot; 4]> {
        self.slots(|waiting| waiting.retry_at.is_some_and(|at| at <= now))
    }

    fn slots(&self, is: impl Fn(&WaitingAcquire) -> bool) -> SmallVec<[Slot; 4]> {
        self.waiting.iter().filter(|(_, waiting)| is(waiting)).map(|(slot, _)| Slot(slot as u32)).collect()
    }

    /// Whether the event loop waits for this content's acquire: it looks at all of them.
    pub fn waits_for(&self, content: &Arc<Content>) -> bool {
        self.waiting.iter().any(|(_, waiting)| Arc::ptr_eq(&waiting.commit.content, content))
    }

    /// The number of pending acquires.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}
