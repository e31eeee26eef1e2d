//! The acquires that are being waited for, each an entry of the reactor by slot.
//!
//! A slot is used again once its acquire has resolved; an event for a slot that is empty by then is stale and ignored.

use std::sync::Arc;

use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

use crate::surface::{content::Content, gate::PendingCommit};

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
pub struct Acquires {
    slots: Vec<Option<Waiting>>,
    free: Vec<u32>,
}

impl Acquires {
    /// Stores `waiting`; the slot goes into the reactor's source.
    pub fn insert(&mut self, waiting: Waiting) -> u32 {
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(waiting);
                slot
            }
            None => {
                self.slots.push(Some(waiting));
                (self.slots.len() - 1) as u32
            }
        }
    }

    /// The entry of a slot.
    pub fn get(&self, slot: u32) -> Option<&Waiting> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// Empties a slot.
    pub fn remove(&mut self, slot: u32) -> Option<Waiting> {
        let waiting = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(slot);
        Some(waiting)
    }

    /// All entries with their slots.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Waiting)> {
        self.slots.iter_mut().enumerate().filter_map(|(i, slot)| Some((i as u32, slot.as_mut()?)))
    }

    /// Slots for which `gone` holds.
    pub fn matching(&self, gone: impl Fn(&Waiting) -> bool) -> Vec<u32> {
        let hit = |(i, slot): (usize, &Option<Waiting>)| slot.as_ref().is_some_and(&gone).then_some(i as u32);
        self.slots.iter().enumerate().filter_map(hit).collect()
    }

    /// Whether the event loop waits for this content's acquire.
    pub fn waits_for(&self, content: &Arc<Content>) -> bool {
        self.slots.iter().flatten().any(|waiting| Arc::ptr_eq(&waiting.commit.content, content))
    }

    /// Number of pending acquires.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
