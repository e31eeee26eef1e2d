//! The user's absence: since when, which clients are told, what inhibits it, and when the displays
//! are turned off.
//!
//! Input events only store their time. The one timer of the session checks when the user could
//! become idle ([`Syncline::next_idle`]); there is no check while no client and no setting needs
//! it. An inhibitor counts while its surface is visible. This module does not turn displays off
//! itself; [`crate::session::cards::power`] does.

use fence::Ns;
use protocols::idle_notify::{IdleNotifyHandler, IdleNotifyState};
use smithay::{
    reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface},
    wayland::{compositor::with_states, idle_inhibit::IdleInhibitHandler},
};

use crate::{output::phase::OffReason, session::Syncline, surface::SurfaceState};

impl Syncline {
    /// The user is active: there was an input event, the VT is back, or a display was plugged in.
    /// Turns on the displays that were turned off because the user was idle.
    ///
    /// `wakes` is false for the release of a key or button: it ends an earlier action, and must not
    /// turn on again what that action has turned off.
    pub fn note_activity(&mut self, wakes: bool) {
        let now = self.now;
        self.idle.since = now;
        self.idle.notify.notify_activity(now);
        self.look_at_night();
        if wakes {
            if std::mem::take(&mut self.idle.off) {
                self.light_awake();
            }
            if self.outputs.any_off() {
                self.wake_for_user();
            }
        }
    }

    /// A client or `syncline msg` has turned on a display: the idle time starts again, whether the
    /// user is active or not.
    pub fn restart_idle_time(&mut self) {
        self.idle.since = self.now;
        if std::mem::take(&mut self.idle.off) {
            self.light_awake();
        }
    }

    /// When the user could become idle; `None` if nothing depends on it or an inhibitor is active.
    pub fn next_idle(&self) -> Option<Ns> {
        let idle = &self.idle;
        let off = self.config.idle.off_after.filter(|_| self.outputs.active && !idle.off && !idle.inhibited);
        let off = off.map(|after| idle.since.saturating_add(after.0));
        off.into_iter().chain(idle.notify.next_deadline(idle.inhibited)).min()
    }

    /// The timer fired: tells clients that the user is idle, and turns the displays off if it is
    /// time.
    pub fn idle_timer(&mut self) {
        if self.next_idle().is_none_or(|due| self.now < due) {
            return;
        }
        self.idle.notify.tick(self.now, self.idle.inhibited);
        let Some(after) = self.config.idle.off_after else { return };
        let over = self.idle.since.saturating_add(after.0) <= self.now;
        if over && self.outputs.active && !self.idle.off && !self.idle.inhibited {
            tracing::debug!("the user is idle: turning the displays off");
            self.idle.off = true;
            for id in self.outputs.list.ids() {
                self.turn_off(id, OffReason::Idle);
            }
        }
    }

    /// Checks whether an inhibitor is visible, because surfaces come, go and are covered. Called at
    /// the end of every wake-up; costs nothing if there are no inhibitors.
    pub fn update_inhibition(&mut self) {
        if self.idle.inhibitors.is_empty() && self.idle.inhibited == self.idle.kept_on {
            return;
        }
        self.idle.inhibitors.retain(Weak::is_alive);
        let inhibitors = self.idle.inhibitors.iter().filter_map(|surface| surface.upgrade().ok());
        let seen = |surface: &WlSurface| {
            with_states(surface, |states| SurfaceState::of(states).current.is_some()) && self.is_seen(surface)
        };
        let inhibited = self.idle.kept_on || inhibitors.into_iter().any(|surface| seen(&surface));
        if inhibited != self.idle.inhibited {
            self.idle.inhibited = inhibited;
            self.idle.since = self.now;
            self.idle.notify.notify_inhibition(self.now);
        }
    }
}

impl IdleNotifyHandler for Syncline {
    fn idle_notify_state(&mut self) -> &mut IdleNotifyState {
        &mut self.idle.notify
    }

    fn now(&self) -> Ns {
        self.now
    }
}

impl IdleInhibitHandler for Syncline {
    fn inhibit(&mut self, surface: WlSurface) {
        self.idle.inhibitors.push(surface.downgrade());
    }

    fn uninhibit(&mut self, surface: WlSurface) {
        // A surface may have several inhibitors. A dead surface does not count any more anyway.
        let inhibitors = &mut self.idle.inhibitors;
        if let Some(at) = inhibitors.iter().position(|inhibitor| *inhibitor == surface) {
            inhibitors.swap_remove(at);
        }
    }
}
