//! What a client uses, against its limits ([`crate::config::limits`]).
//!
//! Counting is an addition; it allocates nothing, and nothing is looked for. It ends no client: who
//! counts is told that a limit is exceeded.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::config::limits::{Kind, Limits};

/// What one client uses.
#[derive(Debug)]
pub struct Budget([Account; Kind::ALL.len()]);

/// One kind of thing.
#[derive(Debug)]
struct Account {
    used: AtomicU32,
    /// The most that was used at a time.
    most: AtomicU32,
    limit: u32,
}

/// A limit is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    pub kind: Kind,
    pub used: u32,
    pub limit: u32,
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; the limit is {}", self.used, self.kind, self.limit)
    }
}

/// The state of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    pub kind: Kind,
    pub used: u32,
    pub most: u32,
    pub limit: u32,
}

impl Budget {
    /// Nothing is used.
    pub fn new(limits: &Limits) -> Self {
        let account =
            |kind: &Kind| Account { used: AtomicU32::new(0), most: AtomicU32::new(0), limit: limits.of(*kind) };
        Self(std::array::from_fn(|index| account(&Kind::ALL[index])))
    }

    /// So many more are used.
    pub fn take(&self, kind: Kind, number: u32) -> Result<(), Exceeded> {
        let account = &self.0[kind as usize];
        let used = account.used.fetch_add(number, Ordering::Relaxed).saturating_add(number);
        account.most.fetch_max(used, Ordering::Relaxed);
        if used > account.limit { Err(Exceeded { kind, used, limit: account.limit }) } else { Ok(()) }
    }

    /// So many are not used any more.
    pub fn give(&self, kind: Kind, number: u32) {
        let less = |used: u32| Some(used.saturating_sub(number));
        self.0[kind as usize].used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
    }

    /// The client has created an object of this interface.
    pub fn object_created(&self, interface: &str) -> Result<(), Exceeded> {
        kind_of(interface).map_or(Ok(()), |kind| self.take(kind, 1))?;
        self.take(Kind::Objects, 1)
    }

    /// An object of this interface, which the client had created, is destroyed.
    pub fn object_destroyed(&self, interface: &str) {
        if let Some(kind) = kind_of(interface) {
            self.give(kind, 1);
        }
        self.give(Kind::Objects, 1);
    }

    /// The first limit that is exceeded.
    pub fn exceeded(&self) -> Option<Exceeded> {
        let over = self.uses().find(|of| of.used > of.limit)?;
        Some(Exceeded { kind: over.kind, used: over.used, limit: over.limit })
    }

    /// All accounts.
    pub fn uses(&self) -> impl Iterator<Item = Use> {
        self.0.iter().zip(Kind::ALL).map(|(account, kind)| Use {
            kind: *kind,
            used: account.used.load(Ordering::Relaxed),
            most: account.most.load(Ordering::Relaxed),
            limit: account.limit,
        })
    }
}

/// A part of a budget, which is given back when it is dropped.
#[derive(Debug)]
pub struct Charge {
    budget: Arc<Budget>,
    kind: Kind,
    number: u32,
}

impl Charge {
    /// Takes so many, even if a limit is exceeded by that.
    pub fn new(budget: &Arc<Budget>, kind: Kind, number: u32) -> (Self, Result<(), Exceeded>) {
        let taken = budget.take(kind, number);
        (Self { budget: budget.clone(), kind, number }, taken)
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.give(self.kind, self.number);
    }
}

/// The account of an interface's objects, beside that of all objects.
fn kind_of(interface: &str) -> Option<Kind> {
    Some(match interface {
        "wl_surface" => Kind::Surfaces,
        "wl_region" => Kind::Regions,
        "wl_callback" => Kind::FrameCallbacks,
        "wp_presentation_feedback" => Kind::Feedbacks,
        "xdg_popup" => Kind::Popups,
        "wp_linux_drm_syncobj_timeline_v1" => Kind::Timelines,
        "zwp_linux_dmabuf_feedback_v1" => Kind::DmabufFeedbacks,
        "ext_idle_notification_v1" => Kind::IdleNotifications,
        "zwlr_output_power_v1" => Kind::OutputPowers,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::limits::Limit;

    #[test]
    fn accounts_are_in_the_order_of_their_kinds() {
        for (number, kind) in Kind::ALL.iter().enumerate() {
            assert_eq!(*kind as usize, number);
        }
    }

    #[test]
    fn a_limit_is_exceeded_by_the_one_too_many_and_says_so() {
        let budget = Budget::new(&Limits { popups: Limit(2), ..Limits::default() });
        for _ in 0..2 {
            assert_eq!(budget.object_created("xdg_popup"), Ok(()));
        }
        budget.object_destroyed("xdg_popup");
        assert_eq!(budget.object_created("xdg_popup"), Ok(()));
        let exceeded = budget.object_created("xdg_popup").unwrap_err();
        assert_eq!(exceeded.to_string(), "3 popups; the limit is 2");
        let popups = budget.uses().find(|account| account.kind == Kind::Popups).unwrap();
        assert_eq!((popups.used, popups.most, popups.limit), (3, 3, 2));
        (0..9).for_each(|_| budget.give(Kind::Popups, 1));
        assert_eq!(budget.uses().find(|account| account.kind == Kind::Popups).unwrap().used, 0);
    }
}
