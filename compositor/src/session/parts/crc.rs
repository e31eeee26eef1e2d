//! The state of the CRCs that belongs to no output.

use std::collections::VecDeque;

use fence::Ns;

use crate::{
    control::socket::Ticket,
    crc::{change::Change, frames, predict::Predictor},
    session::parts::comparison::Comparison,
    system::id::OutputId,
};

/// The state of the CRCs that belongs to no output.
#[derive(Default)]
pub struct CrcState {
    /// The predictor; it runs from the first request for CRCs on.
    pub predictor: Option<Predictor>,
    /// CRCs of every output are requested, including outputs that come later. The inner value is
    /// the source; `None` is the driver's usual source.
    pub all: Option<Option<String>>,
    pub frames: frames::Ring,
    pub changes: VecDeque<Change>,
    pub waiters: Vec<ArmWaiter>,
    pub comparison: Option<Comparison>,
}

impl CrcState {
    /// How many changes of the screen are kept.
    pub const CHANGES: usize = 16;
}

/// A `crc on` that is answered when all of its outputs are armed.
#[derive(Debug)]
pub struct ArmWaiter {
    pub ticket: Ticket,
    pub outputs: Vec<OutputId>,
    pub deadline: Ns,
}

impl CrcState {
    /// Stores a change of the screen, and drops the oldest beyond [`CrcState::CHANGES`].
    pub fn remember(&mut self, change: Change) {
        if self.changes.len() == Self::CHANGES {
            self.changes.pop_front();
        }
        self.changes.push_back(change);
    }
}
