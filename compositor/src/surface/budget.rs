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

use fence::Point;

use crate::{
    config::limits::{Kind, Limits},
    surface::left_points::LeftPoints,
};

/// What one client uses.
#[derive(Debug)]
pub struct Budget {
    accounts: [Account; Kind::ALL.len()],
    left: LeftPoints,
}

/// One kind of thing.
#[derive(Debug)]
struct Account {
    used: AtomicU32,
    /// The most that was used at a time.
    most: AtomicU32,
    limit: u32,
}

/// How much of what it may a client uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Little,
    /// More than half: its requests come after those of others, see [`crate::session::budget`].
    Much,
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
    /// The client is slowed when it uses more.
    pub soft: u32,
    pub limit: u32,
}

/// Over so many of something a client is slowed.
fn soft(limit: u32) -> u32 {
    limit / 2
}

impl Budget {
    /// Nothing is used.
    pub fn new(limits: &Limits) -> Self {
        let account =
            |kind: &Kind| Account { used: AtomicU32::new(0), most: AtomicU32::new(0), limit: limits.of(*kind) };
        Self { accounts: std::array::from_fn(|index| account(&Kind::ALL[index])), left: LeftPoints::default() }
    }

    /// So many more are used.
    pub fn take(&self, kind: Kind, number: u32) -> Result<Taken, Exceeded> {
        let account = &self.accounts[kind as usize];
        let used = account.used.fetch_add(number, Ordering::Relaxed).saturating_add(number);
        account.most.fetch_max(used, Ordering::Relaxed);
        match account.limit {
            limit if used > limit => Err(Exceeded { kind, used, limit }),
            limit if used > soft(limit) => Ok(Taken::Much),
            _ => Ok(Taken::Little),
        }
    }

    /// So many are not used any more.
    pub fn give(&self, kind: Kind, number: u32) {
        let less = |used: u32| Some(used.saturating_sub(number));
        self.accounts[kind as usize].used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok();
    }

    /// How many are used.
    pub fn used(&self, kind: Kind) -> u32 {
        self.accounts[kind as usize].used.load(Ordering::Relaxed)
    }

    /// The client has created an object of this interface.
    pub fn object_created(&self, interface: &str) -> Result<Taken, Exceeded> {
        let of_kind = kind_of(interface).map_or(Ok(Taken::Little), |kind| self.take(kind, 1))?;
        let of_all = self.take(Kind::Objects, 1)?;
        Ok(if of_kind == Taken::Much { of_kind } else { of_all })
    }

    /// An acquire point is given up before it has a fence. May make system calls, one for 64 points.
    pub fn leave(&self, point: Point) {
        let account = &self.accounts[Kind::Eventfds as usize];
        let used = self.left.add(point);
        account.used.store(used, Ordering::Relaxed);
        account.most.fetch_max(used, Ordering::Relaxed);
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
        self.accounts.iter().zip(Kind::ALL).map(|(account, kind)| Use {
            kind: *kind,
            used: account.used.load(Ordering::Relaxed),
            most: account.most.load(Ordering::Relaxed),
            soft: soft(account.limit),
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
    pub fn new(budget: &Arc<Budget>, kind: Kind, number: u32) -> (Self, Result<Taken, Exceeded>) {
        let taken = budget.take(kind, number);
        (Self { budget: budget.clone(), kind, number }, taken)
    }

    /// Of which it is a part.
    pub fn budget(&self) -> &Budget {
        &self.budget
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
        "xdg_toplevel" => Kind::Toplevels,
        "xdg_popup" => Kind::Popups,
        "ext_session_lock_surface_v1" => Kind::LockSurfaces,
        "zwlr_layer_surface_v1" => Kind::LayerSurfaces,
        "wp_linux_drm_syncobj_timeline_v1" => Kind::Timelines,
        "zwp_linux_dmabuf_feedback_v1" => Kind::DmabufFeedbacks,
        "wl_seat"
        | "wl_pointer"
        | "wl_keyboard"
        | "wl_touch"
        | "wl_data_device"
        | "zwp_primary_selection_device_v1"
        | "zwp_relative_pointer_v1"
        | "zwp_text_input_v3"
        | "zwp_tablet_seat_v2"
        | "zwp_pointer_gesture_swipe_v1"
        | "zwp_pointer_gesture_pinch_v1"
        | "zwp_pointer_gesture_hold_v1" => Kind::SeatObjects,
        "wl_output" | "zxdg_output_v1" => Kind::OutputObjects,
        "ext_idle_notification_v1" => Kind::IdleNotifications,
        "zwp_idle_inhibitor_v1" => Kind::IdleInhibitors,
        "zwlr_output_manager_v1" | "zwlr_output_configuration_v1" => Kind::OutputManagers,
        "zwlr_output_power_v1" | "zwlr_gamma_control_v1" => Kind::OutputPowers,
        "ext_image_copy_capture_session_v1"
        | "ext_image_copy_capture_cursor_session_v1"
        | "ext_image_copy_capture_frame_v1"
        | "zwlr_screencopy_frame_v1" => Kind::Captures,
        "zwlr_virtual_pointer_v1"
        | "ext_transient_seat_v1"
        | "zwp_virtual_keyboard_v1"
        | "zwp_input_method_v2"
        | "zwp_input_method_keyboard_grab_v2"
        | "zwp_input_popup_surface_v2" => Kind::VirtualDevices,
        "ext_foreign_toplevel_list_v1" | "zwlr_foreign_toplevel_manager_v1" | "ext_workspace_manager_v1" => {
            Kind::ToplevelLists
        }
        "ext_data_control_device_v1" | "zwlr_data_control_device_v1" => Kind::DataControls,
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

    /// Each event of the pointer looks through all of them.
    #[test]
    fn what_hears_of_the_pointer_is_an_object_of_the_seat() {
        for interface in [
            "wl_pointer",
            "zwp_relative_pointer_v1",
            "zwp_pointer_gesture_swipe_v1",
            "zwp_pointer_gesture_pinch_v1",
            "zwp_pointer_gesture_hold_v1",
        ] {
            assert_eq!(kind_of(interface), Some(Kind::SeatObjects), "{interface}");
        }
    }

    #[test]
    fn a_limit_is_exceeded_by_the_one_too_many_and_says_so() {
        let budget = Budget::new(&Limits { popups: Limit(2), ..Limits::default() });
        assert_eq!(budget.object_created("xdg_popup"), Ok(Taken::Little));
        assert_eq!(budget.object_created("xdg_popup"), Ok(Taken::Much));
        budget.object_destroyed("xdg_popup");
        assert_eq!(budget.object_created("xdg_popup"), Ok(Taken::Much));
        let exceeded = budget.object_created("xdg_popup").unwrap_err();
        assert_eq!(exceeded.to_string(), "3 popups; the limit is 2");
        let popups = budget.uses().find(|account| account.kind == Kind::Popups).unwrap();
        assert_eq!((popups.used, popups.most, popups.limit), (3, 3, 2));
        (0..9).for_each(|_| budget.give(Kind::Popups, 1));
        assert_eq!(budget.uses().find(|account| account.kind == Kind::Popups).unwrap().used, 0);
    }
}
