//! The user's absence: since when, who is told, who forbids it, and when the displays go off.
//!
//! Input events only write down their time. The one timer of the session deferred when somebody could be idle ([`Syncline::next_idle`]),
//! and nobody deferred where nobody wants to know. An inhibitor counts while its surface is seen. It turns no display off itself:
//! that is [`crate::session::cards::power`].

use fence::Ns;
use protocols::idle_notify::{IdleNotifyHandler, IdleNotifyState};
use smithay::{
    reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface},
    wayland::{compositor::with_states, idle_inhibit::IdleInhibitHandler},
};

use crate::{output::state::OffReason, session::Syncline, surface::SurfaceState};

impl Syncline {
    /// The user is here: an input event, the VT is back, a display was plugged in. What sleeps because he was not wakes.
    ///
    /// `wakes` is false for the release of a key or button: it ends something that he has done before, and must not turn on
    /// again what that has turned off.
    pub fn note_activity(&mut self, wakes: bool) {
        let now = self.now;
        self.idle.since = now;
        self.idle.notify.notify_activity(now);
        if wakes {
            self.idle.off = false;
            if self.outputs.any_off() {
                self.wake_for_user();
            }
        }
    }

    /// Somebody has asked for a display: it is on for its time, whether the user is here or not.
    pub fn restart_idle_time(&mut self) {
        (self.idle.since, self.idle.off) = (self.now, false);
    }

    /// When somebody could be idle; `None` while nobody wants to know, or an inhibitor forbids it.
    pub fn next_idle(&self) -> Option<Ns> {
        let idle = &self.idle;
        let off = self.config.idle.off_after.filter(|_| self.outputs.active && !idle.off && !idle.inhibited);
        let off = off.map(|after| idle.since.saturating_add(after.0));
        off.into_iter().chain(idle.notify.next_deadline(idle.inhibited)).min()
    }

    /// The timer fired: tells who is idle, and turns the displays off if it is time.
    pub fn idle_timer(&mut self) {
        if self.next_idle().is_none_or(|due| self.now < due) {
            return;
        }
        self.idle.notify.tick(self.now, self.idle.inhibited);
        let Some(after) = self.config.idle.off_after else { return };
        let over = self.idle.since.saturating_add(after.0) <= self.now;
        if over && self.outputs.active && !self.idle.off && !self.idle.inhibited {
            tracing::debug!("nobody is here: displays go off");
            self.idle.off = true;
            for id in self.outputs.list.ids() {
                self.turn_off(id, OffReason::Idle);
            }
        }
    }

    /// Surfaces come, go and are covered: deferred whether an inhibitor is seen. At the end of every wake-up; free without any.
    pub fn update_inhibition(&mut self) {
        if self.idle.inhibitors.is_empty() && !self.idle.inhibited {
            return;
        }
        self.idle.inhibitors.retain(Weak::is_alive);
        let inhibitors = self.idle.inhibitors.iter().filter_map(|surface| surface.upgrade().ok());
        let seen = |surface: &WlSurface| {
            with_states(surface, |states| SurfaceState::of(states).current.is_some()) && self.is_seen(surface)
        };
        let inhibited = inhibitors.into_iter().any(|surface| seen(&surface));
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
        // A surface may have several; a dead one counts no more anyway.
        let inhibitors = &mut self.idle.inhibitors;
        if let Some(at) = inhibitors.iter().position(|inhibitor| *inhibitor == surface) {
            inhibitors.swap_remove(at);
        }
    }
}
