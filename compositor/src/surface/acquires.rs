//! The pending acquires that the event loop waits for; each has a slot, which the reactor reports.
//!
//! A slot is reused once its acquire has resolved. An event for a slot that is empty by then is
//! stale and ignored. Nothing here waits.

use std::{collections::VecDeque, sync::Arc};

use fence::{Ns, SyncFile};
use slab::Slab;
use smallvec::SmallVec;
use smithay::reexports::wayland_server::{Weak, protocol::wl_surface::WlSurface};

use crate::{surface::gate::PendingCommit, system::id::Slot};

/// A pending commit whose acquire the event loop waits for.
#[derive(Debug)]
pub struct WaitingAcquire {
    pub commit: Arc<PendingCommit>,
    /// The surface of the commit.
    pub surface: Weak<WlSurface>,
    /// The commit is applied: only the picture waits for the fence.
    pub late: bool,
    /// What the event loop watches for a late one: displays that show it already advance its
    /// acquire, which closes the acquire's own descriptor.
    pub fence: Option<SyncFile>,
    /// When to look at it again, because nothing wakes the loop: there was no descriptor or memory
    /// to wait with.
    retry_at: Option<Ns>,
    /// From when on the watchdog counts; `None`: it has reported this acquire, or need not.
    since: Option<Ns>,
}

impl WaitingAcquire {
    pub fn new(commit: Arc<PendingCommit>, surface: Weak<WlSurface>, late: bool) -> Self {
        let since = Some(commit.committed);
        Self { commit, surface, late, fence: None, retry_at: None, since }
    }
}

/// Slots of pending acquires.
#[derive(Debug, Default)]
pub struct Acquires {
    waiting: Slab<WaitingAcquire>,
    /// How many of them are late.
    late: usize,
    /// How many are to be looked at again.
    retrying: usize,
    /// Those at which the watchdog is to look, by the time from which it counts; among them some
    /// that are gone.
    watched: VecDeque<(Ns, Slot)>,
}

impl Acquires {
    /// Stores `waiting`; returns the slot to register with the reactor.
    pub fn insert(&mut self, waiting: WaitingAcquire) -> Slot {
        self.late += usize::from(waiting.late);
        let entry = self.waiting.vacant_entry();
        let (slot, since) = (Slot(entry.key() as u32), waiting.commit.committed);
        waiting.commit.set_slot(Some(slot));
        waiting.commit.content.set_awaited(true);
        entry.insert(waiting);
        self.watch(slot, since);
        slot
    }

    /// The watchdog looks at the entry in a slot, and counts from `since` on.
    pub fn watch(&mut self, slot: Slot, since: Ns) {
        let Some(waiting) = self.waiting.get_mut(slot.0 as usize) else { return };
        waiting.since = Some(since);
        // Nearly always the end: commits come one after the other.
        let at = self.watched.partition_point(|(of, _)| *of <= since);
        self.watched.insert(at, (since, slot));
    }

    /// The entry in a slot; `None` if the slot is empty.
    pub fn get(&self, slot: Slot) -> Option<&WaitingAcquire> {
        self.waiting.get(slot.0 as usize)
    }

    /// Empties a slot and returns its entry; `None` if it was empty.
    pub fn remove(&mut self, slot: Slot) -> Option<WaitingAcquire> {
        let waiting = self.waiting.try_remove(slot.0 as usize)?;
        self.late -= usize::from(waiting.late);
        self.retrying -= usize::from(waiting.retry_at.is_some());
        waiting.commit.set_slot(None);
        waiting.commit.content.set_awaited(false);
        self.forget_gone();
        Some(waiting)
    }

    /// Replaces [`WaitingAcquire::fence`] of the entry in a slot, and returns what it was.
    pub fn replace_fence(&mut self, slot: Slot, fence: Option<SyncFile>) -> Option<SyncFile> {
        let waiting = self.waiting.get_mut(slot.0 as usize)?;
        std::mem::replace(&mut waiting.fence, fence)
    }

    /// When to look at the entry in a slot again; `None`: something wakes the loop.
    pub fn retry(&mut self, slot: Slot, at: Option<Ns>) {
        if let Some(waiting) = self.waiting.get_mut(slot.0 as usize) {
            let before = std::mem::replace(&mut waiting.retry_at, at);
            self.retrying = self.retrying + usize::from(at.is_some()) - usize::from(before.is_some());
        }
    }

    /// When the first of those that are to be looked at again is.
    pub fn next_retry(&self) -> Option<Ns> {
        if self.retrying == 0 {
            return None;
        }
        self.waiting.iter().filter_map(|(_, waiting)| waiting.retry_at).min()
    }

    /// From when on the watchdog counts for the first one.
    pub fn first_watched(&self) -> Option<Ns> {
        self.watched.front().map(|(since, _)| *since)
    }

    /// The next one for the watchdog, if it counts from before `before`. It comes once, unless it
    /// is watched again.
    pub fn take_watched(&mut self, before: Ns) -> Option<(Slot, &WaitingAcquire)> {
        let (_, slot) = *self.watched.front().filter(|(since, _)| *since < before)?;
        // The first one is never one that is gone.
        self.waiting.get_mut(slot.0 as usize)?.since = None;
        self.forget_gone();
        Some((slot, self.waiting.get(slot.0 as usize)?))
    }

    /// Removes those that are gone from the list of the watchdog: where they are the first, and all
    /// of them where they are most of it.
    fn forget_gone(&mut self) {
        let waiting = &self.waiting;
        let is_there =
            |(since, slot): &(Ns, Slot)| waiting.get(slot.0 as usize).is_some_and(|of| of.since == Some(*since));
        while self.watched.front().is_some_and(|first| !is_there(first)) {
            self.watched.pop_front();
        }
        if self.watched.len() > 2 * waiting.len() + 16 {
            self.watched.retain(is_there);
        }
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
        if self.retrying == 0 {
            return SmallVec::new();
        }
        self.slots(|waiting| waiting.retry_at.is_some_and(|at| at <= now))
    }

    fn slots(&self, is: impl Fn(&WaitingAcquire) -> bool) -> SmallVec<[Slot; 4]> {
        self.waiting.iter().filter(|(_, waiting)| is(waiting)).map(|(slot, _)| Slot(slot as u32)).collect()
    }

    /// The number of pending acquires.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }
}
