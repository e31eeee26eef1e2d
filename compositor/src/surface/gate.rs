//! The gate of a commit: closed until the commit's buffer may be read. And that of a group of
//! commits.
//!
//! Smithay applies a client's transactions in order and polls the blockers of each; a gate is the
//! compositor's blocker. When a newer commit of the surface becomes eligible, the gates of the
//! older ones open too, marked superseded: their state is applied and at once overwritten, and
//! their buffers are never shown. A gate does not watch its fence.
//!
//! A [`Group`] is the states of several surfaces that one commit applies. Smithay has a transaction
//! for each of them, all with the same blocker. It opens when nothing in the group waits any more
//! and all earlier transactions of its surfaces are applied: Smithay's queue then lets all of them
//! through in one go. A commit of a single surface needs none of this.

use std::sync::{
    Arc, OnceLock, Weak,
    atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};

use fence::Ns;
use smithay::wayland::compositor::{Barrier, Blocker, BlockerState};

use crate::{
    surface::{budget::Charge, content::Content, transactions::Predecessor},
    system::id::{Slot, SurfaceId},
};

const CLOSED: u8 = 0;
const OPEN: u8 = 1;
const SUPERSEDED: u8 = 2;
/// The event loop does not wait.
const NO_SLOT: u32 = u32::MAX;

/// A commit that waits for its acquire fence.
#[derive(Debug)]
pub struct PendingCommit {
    /// The committed buffer and its fences.
    pub content: Arc<Content>,
    /// When the client committed it, CLOCK_MONOTONIC.
    pub committed: Ns,
    /// That its client has it.
    charge: Option<Charge>,
    /// Its place in [`crate::surface::acquires::Acquires`], while the event loop waits for it.
    slot: AtomicU32,
    state: AtomicU8,
    ordered: AtomicBool,
    group: OnceLock<Weak<Group>>,
}

impl PendingCommit {
    /// A pending commit of `content`, with its gate closed.
    pub fn new(content: Arc<Content>, committed: Ns, charge: Option<Charge>) -> Self {
        let (state, ordered, slot) = (AtomicU8::new(CLOSED), AtomicBool::new(false), AtomicU32::new(NO_SLOT));
        Self { content, committed, charge, slot, state, ordered, group: OnceLock::new() }
    }

    /// The event loop waits for it in this slot; `None`: it does not wait.
    pub fn set_slot(&self, slot: Option<Slot>) {
        self.slot.store(slot.map_or(NO_SLOT, |slot| slot.0), Ordering::Release);
    }

    /// The slot in which the event loop waits for it.
    pub fn slot(&self) -> Option<Slot> {
        Some(Slot(self.slot.load(Ordering::Acquire))).filter(|slot| slot.0 != NO_SLOT)
    }

    /// Makes the commit a part of a group.
    pub fn join(&self, group: &Arc<Group>) {
        self.group.get_or_init(|| Arc::downgrade(group));
    }

    /// The group that the commit belongs to, until it is applied; `None`: it is a commit of its
    /// own.
    pub fn group(&self) -> Option<Arc<Group>> {
        self.group.get()?.upgrade()
    }

    /// Whether the gate is closed.
    pub fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) == CLOSED
    }

    /// Requires that this commit is shown before any newer one, because this commit or a newer one
    /// is held by fifo or commit-timing.
    pub fn keep_order(&self) {
        self.ordered.store(true, Ordering::Release);
    }

    /// See [`PendingCommit::keep_order`].
    pub fn is_ordered(&self) -> bool {
        self.ordered.load(Ordering::Acquire)
    }

    /// Opens the gate; the commit is shown.
    pub fn open(&self) {
        self.state.store(OPEN, Ordering::Release);
    }

    /// Opens the gate, but the buffer is not shown and is released: a newer commit is eligible, or
    /// the surface is destroyed.
    pub fn supersede(&self) {
        self.leave_point();
        self.state.store(SUPERSEDED, Ordering::Release);
        self.content.give_up();
    }
}

impl PendingCommit {
    /// The acquire is about to be given up: counts what the kernel keeps of it.
    fn leave_point(&self) {
        if let Some(charge) = &self.charge
            && let Some(point) = self.content.watched_point()
        {
            charge.budget().leave(point);
        }
    }
}

/// The blocker that Smithay polls.
#[derive(Debug)]
pub struct Gate(pub Arc<PendingCommit>);

impl Blocker for Gate {
    fn state(&self) -> BlockerState {
        if self.0.is_closed() { BlockerState::Pending } else { BlockerState::Released }
    }
}

/// One surface in a group.
#[derive(Debug)]
pub struct Member {
    pub surface: SurfaceId,
    /// The surface's contents with a lower serial are of earlier commits.
    pub first: u64,
    /// The surface's contents with this serial or a higher one are of later commits.
    pub end: u64,
    /// What it attaches, if it is a buffer.
    pub content: Option<Arc<Content>>,
    /// It replaces earlier contents of the surface: by a buffer whose acquire has not failed, or by
    /// none.
    pub replaces: bool,
}

impl Member {
    /// The same, holding nothing.
    pub fn without_content(&self) -> Self {
        let &Self { surface, first, end, replaces, .. } = self;
        Self { surface, first, end, content: None, replaces }
    }
}

/// Several surfaces' states that are applied in one go.
#[derive(Debug, Default)]
pub struct Group {
    pub members: Vec<Member>,
    /// The contents whose acquire was not resolved when the group was submitted.
    pub pending: Vec<Arc<PendingCommit>>,
    /// What holds the group besides fences.
    pub barriers: Vec<Barrier>,
    pub predecessors: Vec<Predecessor>,
}

impl Group {
    /// Whether every acquire has resolved or is handed over.
    pub fn is_resolved(&self) -> bool {
        self.pending.iter().all(|pending| !pending.is_closed())
    }

    /// Whether nothing has to be waited for.
    pub fn is_ready(&self) -> bool {
        self.is_resolved()
            && self.barriers.iter().all(Barrier::is_signaled)
            && self.predecessors.iter().all(Predecessor::is_applied)
    }

    /// No content of the group is shown; the rest of its state is applied. Only for a group that is
    /// not applied yet.
    pub fn give_up(&self) {
        self.pending.iter().for_each(|pending| pending.leave_point());
        self.members.iter().filter_map(|member| member.content.as_ref()).for_each(|content| content.give_up());
    }
}

/// The blocker of each transaction of a group.
#[derive(Debug)]
pub struct GroupGate(pub Arc<Group>);

impl Blocker for GroupGate {
    fn state(&self) -> BlockerState {
        if self.0.is_ready() { BlockerState::Released } else { BlockerState::Pending }
    }
}
