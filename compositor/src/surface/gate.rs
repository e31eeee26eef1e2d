//! The gate in front of a commit: closed until its buffer may be read.
//!
//! Smithay applies a client's transactions in order and asks each one's blockers; a gate is ours. When a newer commit
//! of the surface becomes eligible, the gates of the older ones open too, marked superseded: their state is applied
//! and at once overwritten, and their buffers are never shown.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

use fence::Ns;
use smithay::wayland::compositor::{Blocker, BlockerState};

use crate::surface::content::Content;

const CLOSED: u8 = 0;
const OPEN: u8 = 1;
const SUPERSEDED: u8 = 2;

/// A commit that waits for its acquire fence.
#[derive(Debug)]
pub struct PendingCommit {
    /// The buffer and its fences.
    pub content: Arc<Content>,
    /// When the client committed it.
    pub committed: Ns,
    state: AtomicU8,
    turn: AtomicBool,
}

impl PendingCommit {
    /// A closed gate before `content`.
    pub fn new(content: Arc<Content>, committed: Ns) -> Self {
        Self { content, committed, state: AtomicU8::new(CLOSED), turn: AtomicBool::new(false) }
    }

    /// It must be shown before any newer commit: one of them, or this one, is held by fifo or commit-timing.
    pub fn keep_turn(&self) {
        self.turn.store(true, Ordering::Release);
    }

    /// See [`PendingCommit::keep_turn`].
    pub fn has_turn(&self) -> bool {
        self.turn.load(Ordering::Acquire)
    }

    /// Lets the commit through to be shown.
    pub fn open(&self) {
        self.state.store(OPEN, Ordering::Release);
    }

    /// Lets the commit through, its buffer not to be shown: a newer one is eligible, or the surface is gone.
    pub fn supersede(&self) {
        self.state.store(SUPERSEDED, Ordering::Release);
        self.content.give_up();
    }
}

/// The blocker that Smithay asks.
#[derive(Debug)]
pub struct Gate(pub Arc<PendingCommit>);

impl Blocker for Gate {
    fn state(&self) -> BlockerState {
        match self.0.state.load(Ordering::Acquire) {
            CLOSED => BlockerState::Pending,
            _ => BlockerState::Released,
        }
    }
}
