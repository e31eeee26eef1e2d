//! `ext-idle-notify-v1`: clients hear when the user has been away for as long as they asked, and when he is back.
//!
//! Keeps no timer and reads no clock: [`IdleNotifyState::due`] says when to call [`IdleNotifyState::tick`]. Smithay's module sets a
//! timer of the event loop at each input event, and needs a loop that waits for its own timers. Here an input event only writes down
//! its time. There is one seat, whose name makes no difference.
//!
//! Source: `wayland-protocols/staging/ext-idle-notify/ext-idle-notify-v1.xml`.

use fence::Ns;
use wayland_protocols::ext::idle_notify::v1::server::{
    ext_idle_notification_v1::{self as object, ExtIdleNotificationV1},
    ext_idle_notifier_v1::{self as manager, ExtIdleNotifierV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, backend::ClientId};

/// What the compositor's state is asked for.
pub trait IdleNotifyHandler {
    /// Where the notifications are.
    fn idle_notify_state(&mut self) -> &mut IdleNotifyState;

    /// CLOCK_MONOTONIC: a notification counts from its creation on.
    fn now(&self) -> Ns;

    /// A notification was made, [`IdleNotifyState::due`] may be earlier now.
    fn idle_notification_made(&mut self) {}
}

/// When one notification is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    /// How long nothing must have happened.
    timeout: Ns,
    /// Only input counts, inhibitors do not.
    input_only: bool,
    /// The last thing that happened.
    since: Ns,
    /// It is idle, and its client knows.
    idle: bool,
}

/// What a client is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tell {
    Idled,
    Resumed,
}

impl Count {
    fn new(now: Ns, timeout_ms: u32, input_only: bool) -> Self {
        Self { timeout: Ns::from(timeout_ms) * 1_000_000, input_only, since: now, idle: false }
    }

    /// Something happened at `now`.
    fn restart(&mut self, now: Ns) -> Option<Tell> {
        self.since = now;
        std::mem::take(&mut self.idle).then_some(Tell::Resumed)
    }

    /// When it becomes idle, if nothing happens.
    fn due(&self, inhibited: bool) -> Option<Ns> {
        let counts = !self.idle && (self.input_only || !inhibited);
        counts.then(|| self.since.saturating_add(self.timeout))
    }

    fn tick(&mut self, now: Ns, inhibited: bool) -> Option<Tell> {
        let over = self.due(inhibited).is_some_and(|due| due <= now);
        self.idle |= over;
        over.then_some(Tell::Idled)
    }
}

/// The `ext_idle_notifier_v1` global and its notifications.
#[derive(Debug, Default)]
pub struct IdleNotifyState {
    list: Vec<(ExtIdleNotificationV1, Count)>,
}

impl IdleNotifyState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ExtIdleNotifierV1, ()>
            + Dispatch<ExtIdleNotifierV1, ()>
            + Dispatch<ExtIdleNotificationV1, ()>
            + 'static,
    {
        display.create_global::<D, ExtIdleNotifierV1, ()>(2, ());
        Self::default()
    }

    /// The user did something at `now`: those that were idle resume, all count anew.
    pub fn input(&mut self, now: Ns) {
        self.tell(|count| count.restart(now));
    }

    /// An inhibitor took effect, or lost it, at `now`: those that heed inhibitors resume and count anew.
    pub fn inhibition(&mut self, now: Ns) {
        self.tell(|count| if count.input_only { None } else { count.restart(now) });
    }

    /// Tells those that are idle at `now`. With `inhibited`, only those that heed input alone can be.
    pub fn tick(&mut self, now: Ns, inhibited: bool) {
        self.tell(|count| count.tick(now, inhibited));
    }

    /// When the next one is idle, if nothing happens; `None` if none will be.
    pub fn due(&self, inhibited: bool) -> Option<Ns> {
        self.list.iter().filter_map(|(_, count)| count.due(inhibited)).min()
    }

    fn tell(&mut self, mut what: impl FnMut(&mut Count) -> Option<Tell>) {
        for (object, count) in &mut self.list {
            match what(count) {
                Some(Tell::Idled) => object.idled(),
                Some(Tell::Resumed) => object.resumed(),
                None => {}
            }
        }
    }
}

impl<D> GlobalDispatch<ExtIdleNotifierV1, (), D> for IdleNotifyState
where
    D: Dispatch<ExtIdleNotifierV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ExtIdleNotifierV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init.init(resource, ());
    }
}

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
        let count = Count::new(state.now(), timeout, input_only);
        let object = data_init.init(id, ());
        state.idle_notify_state().list.push((object, count));
        state.idle_notification_made();
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
        state.idle_notify_state().list.retain(|(object, _)| object != resource);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which is an [`IdleNotifyHandler`].
#[macro_export]
macro_rules! delegate_idle_notify {
    ($ty:ty) => {
        $crate::reexports::wayland_server::delegate_global_dispatch!($ty: [
            $crate::reexports::idle_notify::manager::ExtIdleNotifierV1: ()
        ] => $crate::idle_notify::IdleNotifyState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::idle_notify::manager::ExtIdleNotifierV1: ()
        ] => $crate::idle_notify::IdleNotifyState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::idle_notify::object::ExtIdleNotificationV1: ()
        ] => $crate::idle_notify::IdleNotifyState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Ns = 1_000_000;

    #[test]
    fn idled_and_resumed_come_in_turn() {
        let mut count = Count::new(5 * MS, 10, false);
        assert_eq!(count.due(false), Some(15 * MS), "counts from its creation");
        assert_eq!(count.tick(15 * MS - 1, false), None);
        assert_eq!(count.restart(12 * MS), None, "was not idle");
        assert_eq!(count.tick(15 * MS, false), None, "counts from the input");
        assert_eq!(count.tick(22 * MS, false), Some(Tell::Idled));
        assert_eq!((count.tick(99 * MS, false), count.due(false)), (None, None), "said once");
        assert_eq!((count.restart(100 * MS), count.restart(101 * MS)), (Some(Tell::Resumed), None));
        assert_eq!(count.due(false), Some(111 * MS));
    }

    #[test]
    fn inhibitors_hold_up_those_that_heed_them() {
        let mut heeds = Count::new(0, 10, false);
        let mut input = Count::new(0, 10, true);
        assert_eq!((heeds.due(true), heeds.tick(50 * MS, true)), (None, None));
        assert_eq!((input.due(true), input.tick(50 * MS, true)), (Some(10 * MS), Some(Tell::Idled)));
    }

    #[test]
    fn no_timeout_is_at_once_and_the_longest_never() {
        assert_eq!(Count::new(7, 0, false).tick(7, false), Some(Tell::Idled));
        assert_eq!(Count::new(Ns::MAX - 1, u32::MAX, false).due(false), Some(Ns::MAX));
    }
}
