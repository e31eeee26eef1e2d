//! The part of the session that its CRCs need and that belongs to no output.

use std::collections::VecDeque;

use fence::Ns;

use crate::{
    control::socket::Ticket,
    crc::{change::Change, frames, predict::Predictor},
    session::parts::comparison::Comparison,
    system::id::OutputId,
};

/// What belongs to no output.
#[derive(Default)]
pub struct CrcState {
    /// Runs once CRCs were wanted.
    pub predictor: Option<Predictor>,
    /// CRCs of every output are wanted, also of those that come: of this source, or of the usual one.
    pub all: Option<Option<String>>,
    pub frames: frames::Ring,
    pub changes: VecDeque<Change>,
    pub waiters: Vec<CrcWaiter>,
    pub comparison: Option<Comparison>,
}

impl CrcState {
    /// Changes of the screen that are remembered.
    pub const CHANGES: usize = 16;
}

/// A `crc on` whose answer is due when all of its outputs are armed.
#[derive(Debug)]
pub struct CrcWaiter {
    pub ticket: Ticket,
    pub outputs: Vec<OutputId>,
    pub deadline: Ns,
}

impl CrcState {
    /// Remembers a change of the screen; at most [`CrcState::CHANGES`].
    pub fn remember(&mut self, change: Change) {
        if self.changes.len() == Self::CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }
}
