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
    applied: u64,
    /// Those that are submitted and not applied.
    queued: u32,
    /// For how many of these the client is charged.
    charged: u32,
    /// `applied` for groups that wait; made for the first of them, since most surfaces have
    /// none.
    shared: Option<Arc<AtomicU64>>,
    /// A group waits until so many are applied; others may wait for fewer.
    awaited: u64,
}

impl TransactionCount {
    /// A transaction is submitted to Smithay. `waits`: it is not applied at once. Returns whether its
    /// client is to be charged for it.
    pub fn submit(&mut self, waits: bool) -> bool {
        let charged = waits || self.queued > 0;
        self.queued = self.queued.saturating_add(1);
        self.charged += u32::from(charged);
        charged
    }

    /// Whether Smithay has applied every transaction that it got.
    pub fn is_settled(&self) -> bool {
        self.queued == 0
    }

    /// A transaction was applied.
    pub fn apply(&mut self) -> Applied {
        let before = self.applied;
        self.set_applied(before + 1);
        self.queued = self.queued.saturating_sub(1);
        let freed = self.charged.saturating_sub(self.queued);
        self.charged -= freed;
        Applied { awaited: before < self.awaited, freed }
    }

    /// What a group waits for that is submitted now; `None`: everything is applied.
    pub fn outstanding(&mut self) -> Option<Predecessor> {
        if self.is_settled() {
            return None;
        }
        self.awaited = self.applied + u64::from(self.queued);
        let applied = self.shared.get_or_insert_with(|| Arc::new(self.applied.into())).clone();
        Some(Predecessor { applied, needed: self.awaited })
    }

    fn set_applied(&mut self, applied: u64) {
        self.applied = applied;
        if let Some(shared) = &self.shared {
            shared.store(applied, Ordering::Release);
        }
    }

    /// The surface is destroyed: no group waits for it. Returns for how many transactions its client
    /// is not charged any more.
    pub fn end(&mut self) -> u32 {
        self.set_applied(u64::MAX / 2);
        self.queued = 0;
        std::mem::take(&mut self.charged)
    }
}

/// What it means that a transaction was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// A group may have waited for it.
    pub awaited: bool,
    /// For so many transactions the client is not charged any more.
    pub freed: u32,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_charged_for_what_waits_and_nothing_else() {
        let mut count = TransactionCount::default();
        assert!(!count.submit(false));
        assert_eq!(count.apply(), Applied { awaited: false, freed: 0 });
        // One waits, and two more behind it.
        assert_eq!([true, false, true].map(|waits| count.submit(waits)), [true; 3]);
        assert_eq!([(); 3].map(|()| count.apply().freed), [1; 3]);
        assert!(count.is_settled());
        assert!((0..3).all(|_| count.submit(true)));
        assert_eq!((count.end(), count.end()), (3, 0));
    }

    #[test]
    fn a_group_waits_until_what_was_submitted_before_it_is_applied() {
        let mut count = TransactionCount::default();
        assert!(count.outstanding().is_none());
        assert!((0..2).all(|_| count.submit(true)));
        let before = count.outstanding().unwrap();
        count.submit(true);
        assert!(count.apply().awaited && !before.is_applied());
        assert!(count.apply().awaited && before.is_applied());
        assert!(!count.apply().awaited);
    }

    #[test]
    fn no_group_waits_for_a_surface_that_is_destroyed() {
        let mut count = TransactionCount::default();
        assert!((0..3).all(|_| count.submit(true)));
        let before = count.outstanding().unwrap();
        assert!(!before.is_applied());
        count.end();
        assert!(before.is_applied() && count.is_settled() && count.outstanding().is_none());
    }
}
