//! Locking the session: from a client's request on, no client's picture is shown and no client hears of
//! the user, but for the surfaces of the lock.
//!
//! ```text
//!  lock ─→ hide: scenes, drags, menus, the pointer's image ─→ latch ─→ flip on every lit output ─→ locked
//!            └ a frame in flight waits for a client's fence: after a second that client is ended
//!  unlock_and_destroy ─→ windows are shown again        the client dies ─→ still locked, another may take over
//! ```
//!
//! An output that is off, and any output while another session has the VT, shows nothing of clients:
//! what lights it again is made from then on. No pending fence of a client is handed over to a display
//! meanwhile ([`crate::session::frame::eligible`]), so that nothing more can come in between.
//!
//! What is on the desktop is decided in [`crate::desktop::stack`], who has the keyboard in
//! [`crate::session::windows`]. Nothing here waits.

use std::sync::Arc;

use fence::Ns;
use protocols::{
    reexports::session_lock::surface::ExtSessionLockSurfaceV1,
    session_lock::{LockSurface, SessionLock, SessionLockHandler},
};
use smithay::{
    input::pointer::CursorImageStatus,
    reexports::wayland_server::{
        Client, Resource,
        protocol::{wl_output::WlOutput, wl_surface::WlSurface},
    },
    utils::{Logical, Point, SERIAL_COUNTER},
};

use crate::{
    desktop::{
        lock::{Lock, PATIENCE},
        windows,
    },
    output::state::Output,
    session::{Syncline, checks, windows::popups::implementation_limit},
    surface::content::Content,
    system::id::OutputId,
};

impl SessionLockHandler for Syncline {
    fn has_buffer(&self, surface: &WlSurface) -> bool {
        checks::first_buffer::has_buffer(surface)
    }

    fn lock(&mut self, lock: SessionLock) {
        match &mut self.desktop.lock {
            Some(Lock { holder: Some(_), .. }) => lock.finished(),
            Some(abandoned) => {
                tracing::info!("another client takes over the lock of the session");
                abandoned.holder = Some(lock);
            }
            None => self.begin_lock(Some(lock)),
        }
    }

    fn has_lock_surface(&self, lock: &SessionLock, output: &WlOutput) -> bool {
        let Some(output) = self.output_of(output) else { return false };
        self.desktop.lock.as_ref().is_some_and(|held| held.holder.as_ref() == Some(lock) && held.has_surface_on(output))
    }

    fn new_lock_surface(&mut self, lock: &SessionLock, surface: LockSurface, output: &WlOutput) {
        let Some(output) = self.output_of(output) else { return };
        // That of a display that mirrors another one is never shown: the other one's is.
        let (at, size) = (place_of(&self.outputs.list[output]), self.outputs.list[output].size);
        self.tell_scale_of(surface.surface(), output);
        surface.configure(size);
        if let Some(held) = self.desktop.lock.as_mut().filter(|held| held.holder.as_ref() == Some(lock)) {
            held.push(surface, Some(output), at);
        }
    }

    fn unlock(&mut self, lock: &SessionLock) {
        if self.desktop.lock.as_ref().is_some_and(|held| held.holder.as_ref() == Some(lock)) {
            tracing::info!("the session is unlocked");
            self.end_lock();
        }
    }

    fn lock_gone(&mut self, lock: &SessionLock, given_up: bool) {
        let Some(held) = self.desktop.lock.as_mut().filter(|held| held.holder.as_ref() == Some(lock)) else { return };
        if given_up {
            return self.end_lock();
        }
        tracing::warn!("the client that has locked the session is gone; the session stays locked");
        held.abandon();
        self.focus_stale = true;
        self.pointer_stale = true;
        self.redraw_all();
    }

    fn lock_surface_destroyed(&mut self, object: &ExtSessionLockSurfaceV1) {
        if self.desktop.lock.as_mut().is_some_and(|held| held.remove(object)) {
            self.focus_stale = true;
            self.pointer_stale = true;
            self.redraw_all();
        }
    }
}

impl Syncline {
    /// Whether only the surfaces of a lock are shown.
    pub fn is_locked(&self) -> bool {
        self.desktop.lock.is_some()
    }

    /// Without a client, the session was locked before this process began.
    pub(super) fn begin_lock(&mut self, lock: Option<SessionLock>) {
        tracing::info!("the session is being locked");
        self.leave_all_input();
        self.panels_locked();
        self.comparison_ended("the session is being locked");
        let frames = self.outputs.list.iter().map(|output| (output.id, output.frame));
        self.desktop.lock = Some(Lock::new(lock, self.now, frames));
        for id in self.outputs.list.ids() {
            self.hide_all(id);
        }
        // Nobody is left that may have it.
        self.focus(None);
        if let Some(pointer) = self.seat.get_pointer() {
            self.clear_pointer_focus(&pointer);
        }
        self.desktop.cursor.set_image(CursorImageStatus::default_named());
        (self.pointer_stale, self.displays_stale) = (true, true);
        self.redraw_all();
        self.keep();
    }

    /// Ends what clients have begun with the keyboard, the pointer and fingers.
    fn leave_all_input(&mut self) {
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.millis());
        self.tell_held_motion();
        self.bars.press = None;
        self.desktop.layout.end_grab();
        self.arrange_windows();
        self.close_menus();
        self.touch_cancel();
        if let Some(pointer) = self.seat.get_pointer() {
            pointer.unset_grab(self, serial, time);
        }
        if let Some(touch) = self.seat.get_touch() {
            touch.unset_grab(self);
        }
        if let Some(keyboard) = self.seat.get_keyboard() {
            keyboard.unset_grab(self);
        }
    }

    /// The session is not locked any more.
    pub(super) fn end_lock(&mut self) {
        self.desktop.lock = None;
        self.listeners_stale = true;
        self.desktop.cursor.set_image(CursorImageStatus::default_named());
        (self.pointer_stale, self.displays_stale) = (true, true);
        self.focus_top();
        self.redraw_all();
        self.keep();
    }

    /// A commit of a surface was applied. Returns false if it is no surface of the lock.
    pub fn lock_commit(&mut self, surface: &WlSurface, has_buffer: bool) -> bool {
        let Some(window) = self.desktop.lock.as_mut().and_then(|lock| lock.find(surface)) else { return false };
        if std::mem::replace(&mut window.mapped, has_buffer) != has_buffer {
            let at = window.at;
            self.focus(None);
            if let Some(at) = at {
                self.note_place(surface, (at, windows::geometry(surface)));
            }
        }
        true
    }

    /// An output has shown a frame.
    pub fn lock_flipped(&mut self, id: OutputId, frame: u64) {
        if let Some(lock) = &mut self.desktop.lock {
            lock.has_flipped(id, frame);
        }
    }

    /// The outputs have changed.
    pub fn place_lock_surfaces(&mut self) {
        let outputs = &self.outputs.list;
        if let Some(lock) = &mut self.desktop.lock {
            lock.place(|id| outputs.get(id).map(place_of));
            // The surface that had the keyboard may be nowhere now.
            self.focus_stale = true;
        }
    }

    /// Tells the client that the session is locked, once no display shows anything of other clients.
    /// Called after each batch of events.
    pub fn lock_progress(&mut self) {
        let Some(lock) = &mut self.desktop.lock else { return };
        if !lock.complete {
            let outputs = &self.outputs;
            let is_off = |output: &Output| output.machine.is_dark() && !output.machine.is_in_flight();
            let blank = |output: &Output| is_off(output) || lock.is_blank(output.id);
            if outputs.active && !outputs.list.iter().all(blank) {
                return;
            }
            lock.complete = true;
            self.listeners_stale = true;
            tracing::info!("the session is locked");
        }
        if let Some(holder) = &lock.holder {
            holder.locked();
        }
    }

    /// When to look for clients that keep displays from being locked.
    pub fn next_lock(&self) -> Option<Ns> {
        let lock = self.desktop.lock.as_ref().filter(|lock| !lock.complete && self.outputs.active)?;
        Some(lock.looked + PATIENCE)
    }

    /// The timer fired: ends the clients whose fences keep displays from being locked. Their frames were
    /// with the kernel before the lock was asked for, and there is no other way to get them back.
    pub fn lock_timer(&mut self) {
        if self.next_lock().is_none_or(|due| self.now < due) {
            return;
        }
        if let Some(lock) = &mut self.desktop.lock {
            (lock.looked, lock.looks) = (self.now, lock.looks.saturating_add(1));
        }
        let Some(lock) = &self.desktop.lock else { return };
        let lit = self.outputs.list.iter().filter(|output| !lock.is_blank(output.id) && output.is_stalled());
        for output in lit {
            let Some(content) = output.waits_for() else { continue };
            let name = output.wl.name();
            let Some(client) = self.owner_of(output, content) else {
                // With decreasing frequency: it may be for ever.
                if lock.looks.is_power_of_two() {
                    tracing::warn!("{name} cannot be locked yet: its frame waits for a fence of a client that is gone");
                }
                continue;
            };
            let why = format!("wl_surface.commit: its fence keeps {name} from being locked");
            tracing::warn!("a client is ended: {why}");
            implementation_limit(&self.display, &client, why);
        }
    }

    /// The client whose content a plane of an output shows, also if its surface is gone.
    fn owner_of(&self, output: &Output, content: &Arc<Content>) -> Option<Client> {
        let surface = self.desktop.trees.handle(content.surface).and_then(|surface| surface.client());
        let handed = || {
            let (surface, _) = output.handed.iter().find(|(_, commit)| Arc::ptr_eq(&commit.content, content))?;
            self.display.get_client(surface.id()).ok()
        };
        surface.or_else(handed)
    }
}

/// Where the lock's surface of an output is on the desktop; `None`: nowhere, because the output mirrors another one.
fn place_of(output: &Output) -> Option<Point<i32, Logical>> {
    output.mirror.is_none().then(|| output.rect().loc)
}
