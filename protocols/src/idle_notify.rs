//! `ext-idle-notify-v1`: clients hear when the user has been idle for the time that they ask for,
//! and when the user is active again.
//!
//! Nothing here sets a timer or reads a clock: [`IdleNotifyState::next_deadline`] says when to call
//! [`IdleNotifyState::tick`], and an input event only stores its time. (Smithay's module sets a
//! timer of the event loop at each input event, and needs a loop that waits for its own timers.)
//! There is one seat, whose name is ignored.
//!
//! Source: `wayland-protocols/staging/ext-idle-notify/ext-idle-notify-v1.xml`.

use fence::Ns;
use wayland_protocols::ext::idle_notify::v1::server::{
    ext_idle_notification_v1::{self as object, ExtIdleNotificationV1},
    ext_idle_notifier_v1::{self as manager, ExtIdleNotifierV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, backend::ClientId};

use crate::{seen_by::SeenBy, surface_object::bind_manager};

/// What the protocol needs from the compositor's state.
pub trait IdleNotifyHandler {
    /// The global's state.
    fn idle_notify_state(&mut self) -> &mut IdleNotifyState;

    /// CLOCK_MONOTONIC. The timeout of a notification runs from its creation.
    fn now(&self) -> Ns;
}

/// The state of one notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct IdleTimer {
    /// How long the user must be idle.
    timeout: Ns,
    /// It ignores inhibitors.
    input_only: bool,
    /// Since when the user has been idle.
    since: Ns,
    /// `idled` was sent.
    idle: bool,
}

/// An event of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Idled,
    Resumed,
}

impl IdleTimer {
    fn new(now: Ns, timeout_ms: u32, input_only: bool) -> Self {
        Self { timeout: Ns::from(timeout_ms) * 1_000_000, input_only, since: now, idle: false }
    }

    /// The user was active, or inhibition has changed, at `now`.
    fn restart(&mut self, now: Ns) -> Option<Event> {
        self.since = now;
        std::mem::take(&mut self.idle).then_some(Event::Resumed)
    }

    /// When it becomes idle, if nothing happens.
    fn deadline(&self, inhibited: bool) -> Option<Ns> {
        let is_running = !self.idle && (self.input_only || !inhibited);
        is_running.then(|| self.since.saturating_add(self.timeout))
    }

    fn tick(&mut self, now: Ns, inhibited: bool) -> Option<Event> {
        let has_expired = self.deadline(inhibited).is_some_and(|deadline| deadline <= now);
        self.idle |= has_expired;
        has_expired.then_some(Event::Idled)
    }
}

/// The `ext_idle_notifier_v1` global and its notifications.
#[derive(Debug, Default)]
pub struct IdleNotifyState {
    notifications: Vec<(ExtIdleNotificationV1, IdleTimer)>,
}

impl IdleNotifyState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ExtIdleNotifierV1, SeenBy>
            + Dispatch<ExtIdleNotifierV1, ()>
            + Dispatch<ExtIdleNotificationV1, ()>
            + 'static,
    {
        display.create_global::<D, ExtIdleNotifierV1, SeenBy>(2, seen_by);
        Self::default()
    }

    /// The user was active at `now`: all timeouts start again, and idle notifications resume.
    pub fn notify_activity(&mut self, now: Ns) {
        self.update(|timer| timer.restart(now));
    }

    /// Inhibition began or ended at `now`: the timeouts that heed it start again, and idle ones
    /// resume.
    pub fn notify_inhibition(&mut self, now: Ns) {
        self.update(|timer| if timer.input_only { None } else { timer.restart(now) });
    }

    /// Sends `idled` to the notifications whose timeout has expired at `now`; while `inhibited`,
    /// only to those that ignore inhibitors.
    pub fn tick(&mut self, now: Ns, inhibited: bool) {
        self.update(|timer| timer.tick(now, inhibited));
    }

    /// When the next notification becomes idle, if nothing happens; `None` if none will.
    pub fn next_deadline(&self, inhibited: bool) -> Option<Ns> {
        self.notifications.iter().filter_map(|(_, timer)| timer.deadline(inhibited)).min()
    }

    fn update(&mut self, mut change: impl FnMut(&mut IdleTimer) -> Option<Event>) {
        for (object, timer) in &mut self.notifications {
            match change(timer) {
                Some(Event::Idled) => object.idled(),
                Some(Event::Resumed) => object.resumed(),
                None => {}
            }
        }
    }
}

bind_manager!(IdleNotifyState, ExtIdleNotifierV1, SeenBy);

impl<D> Dispatch<ExtIdleNotifierV1, (), D> for IdleNotifyState
where
    D: Dispatch<ExtIdleNotifierV1, ()> + Dispatch<ExtIdleNotificationV1, ()> + IdleNotifyHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ExtIdleNotifierV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let (id, timeout, input_only) = match request {
            manager::Request::GetIdleNotification { id, timeout, .. } => (id, timeout, false),
            manager::Request::GetInputIdleNotification { id, timeout, .. } => (id, timeout, true),
            _ => return,
        };
        let timer = IdleTimer::new(state.now(), timeout, input_only);
        let object = data_init.init(id, ());
        state.idle_notify_state().notifications.push((object, timer));
    }
}

impl<D> Dispatch<ExtIdleNotificationV1, (), D> for IdleNotifyState
where
    D: Dispatch<ExtIdleNotificationV1, ()> + IdleNotifyHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ExtIdleNotificationV1,
        _: object::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ExtIdleNotificationV1, _: &()) {
        state.idle_notify_state().notifications.retain(|(object, _)| object != resource);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`IdleNotifyHandler`].
#[macro_export]
macro_rules! delegate_idle_notify {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::idle_notify::manager::ExtIdleNotifierV1: $crate::SeenBy
        ] => $crate::idle_notify::IdleNotifyState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::idle_notify::manager::ExtIdleNotifierV1: ()
        ] => $crate::idle_notify::IdleNotifyState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::idle_notify::object::ExtIdleNotificationV1: ()
        ] => $crate::idle_notify::IdleNotifyState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Ns = 1_000_000;

    #[test]
    fn idled_and_resumed_alternate() {
        let mut timer = IdleTimer::new(5 * MS, 10, false);
        assert_eq!(timer.deadline(false), Some(15 * MS), "runs from its creation");
        assert_eq!(timer.tick(15 * MS - 1, false), None);
        assert_eq!(timer.restart(12 * MS), None, "was not idle");
        assert_eq!(timer.tick(15 * MS, false), None, "runs from the input");
        assert_eq!(timer.tick(22 * MS, false), Some(Event::Idled));
        assert_eq!((timer.tick(99 * MS, false), timer.deadline(false)), (None, None), "sent once");
        assert_eq!((timer.restart(100 * MS), timer.restart(101 * MS)), (Some(Event::Resumed), None));
        assert_eq!(timer.deadline(false), Some(111 * MS));
    }

    #[test]
    fn inhibitors_stop_the_timers_that_heed_them() {
        let mut heeds = IdleTimer::new(0, 10, false);
        let mut input = IdleTimer::new(0, 10, true);
        assert_eq!((heeds.deadline(true), heeds.tick(50 * MS, true)), (None, None));
        assert_eq!((input.deadline(true), input.tick(50 * MS, true)), (Some(10 * MS), Some(Event::Idled)));
    }

    #[test]
    fn a_timeout_of_zero_expires_at_once_and_the_longest_never() {
        assert_eq!(IdleTimer::new(7, 0, false).tick(7, false), Some(Event::Idled));
        assert_eq!(IdleTimer::new(Ns::MAX - 1, u32::MAX, false).deadline(false), Some(Ns::MAX));
    }
}
