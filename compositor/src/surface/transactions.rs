//! How many commits of a surface Smithay has, and how many of them it has applied.
//!
//! Smithay applies the transactions of a surface in order. A group must know that there is none
//! before it, or Smithay's queue would let a part of it through without the rest.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// The transactions of one surface, by number.
#[derive(Debug, Default)]
pub struct TransactionCount {
    submitted: u64,
    applied: Arc<AtomicU64>,
    /// A group waits until so many are applied; others may wait for fewer.
    awaited: u64,
}

impl TransactionCount {
    /// A transaction is submitted to Smithay.
    pub fn submit(&mut self) {
        self.submitted += 1;
    }

    /// A transaction was applied. Returns whether a group may have waited for it.
    pub fn apply(&mut self) -> bool {
        self.applied.fetch_add(1, Ordering::AcqRel) < self.awaited
    }

    /// What a group waits for that is submitted now; `None`: everything is applied.
    pub fn outstanding(&mut self) -> Option<Predecessor> {
        if self.submitted <= self.applied.load(Ordering::Acquire) {
            return None;
        }
        self.awaited = self.submitted;
        Some(Predecessor { applied: self.applied.clone(), needed: self.submitted })
    }

    /// The surface is destroyed: no group waits for it.
    pub fn end(&mut self) {
        self.applied.store(u64::MAX / 2, Ordering::Release);
    }
}

/// Earlier transactions of a surface.
#[derive(Debug)]
pub struct Predecessor {
    applied: Arc<AtomicU64>,
    needed: u64,
}

impl Predecessor {
    /// Whether all of them are applied.
    pub fn is_applied(&self) -> bool {
        self.applied.load(Ordering::Acquire) >= self.needed
    }
}
