//! The gate of a commit: closed until the commit's buffer may be read.
//!
//! Smithay applies a client's transactions in order and polls the blockers of each; a gate is the
//! compositor's blocker. When a newer commit of the surface becomes eligible, the gates of the
//! older ones open too, marked superseded: their state is applied and at once overwritten, and
//! their buffers are never shown. A gate does not watch its fence.

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
    /// The committed buffer and its fences.
    pub content: Arc<Content>,
    /// When the client committed it, CLOCK_MONOTONIC.
    pub committed: Ns,
    state: AtomicU8,
    ordered: AtomicBool,
}

impl PendingCommit {
    /// A pending commit of `content`, with its gate closed.
    pub fn new(content: Arc<Content>, committed: Ns) -> Self {
        Self { content, committed, state: AtomicU8::new(CLOSED), ordered: AtomicBool::new(false) }
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
        self.state.store(SUPERSEDED, Ordering::Release);
        self.content.give_up();
    }
}

/// The blocker that Smithay polls.
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
