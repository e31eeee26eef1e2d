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
    applied: u64,
    /// The same number for groups that wait; made for the first of them, since most surfaces have
    /// none.
    shared: Option<Arc<AtomicU64>>,
    /// A group waits until so many are applied; others may wait for fewer.
    awaited: u64,
}

impl TransactionCount {
    /// A transaction is submitted to Smithay.
    pub fn submit(&mut self) {
        self.submitted += 1;
    }

    /// Whether Smithay has applied every transaction that it got.
    pub fn is_settled(&self) -> bool {
        self.submitted <= self.applied
    }

    /// A transaction was applied. Returns whether a group may have waited for it.
    pub fn apply(&mut self) -> bool {
        let before = self.applied;
        self.set_applied(before + 1);
        before < self.awaited
    }

    /// What a group waits for that is submitted now; `None`: everything is applied.
    pub fn outstanding(&mut self) -> Option<Predecessor> {
        if self.is_settled() {
            return None;
        }
        self.awaited = self.submitted;
        let applied = self.shared.get_or_insert_with(|| Arc::new(self.applied.into())).clone();
        Some(Predecessor { applied, needed: self.submitted })
    }

    fn set_applied(&mut self, applied: u64) {
        self.applied = applied;
        if let Some(shared) = &self.shared {
            shared.store(applied, Ordering::Release);
        }
    }

    /// The surface is destroyed: no group waits for it.
    pub fn end(&mut self) {
        self.set_applied(u64::MAX / 2);
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
