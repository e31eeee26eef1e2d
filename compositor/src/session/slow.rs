//! Clients that do not read what they are told.
//!
//! ```text
//!  event ─→ the library's buffer ─ flush ─→ socket ─┬─ room: it may be read
//!                                                   └─ full: the rest waits for room
//! ```
//!
//! While a client's socket is full, motion for it is held: of the pointer's, of each finger's and of
//! each tool's only the newest is sent, when there is room again or before anything else that happens on the
//! seat. So a client that does not read for a while hears everything else in order, and each of it
//! at its place.
//!
//! Nothing here ends a client. One that does not read at all is closed by the library, see
//! [`crate::surface::client::UNREAD`].

use std::{io::ErrorKind, sync::atomic::Ordering};

use smithay::{
    input::pointer::{ClickGrab, MotionEvent, PointerHandle},
    reexports::wayland_server::{Resource, backend::Handle, protocol::wl_surface::WlSurface},
    utils::{Logical, Point, SERIAL_COUNTER},
};

use crate::{
    session::{Syncline, parts::motion::HeldMotion},
    surface::client::{Client, ClientState},
    system::{
        id::Slot,
        reactor::{EventSource, Reactor},
    },
};

impl Syncline {
    /// Sends clients what they have been told since the last time, as far as their sockets have
    /// room.
    pub fn flush_clients(&mut self) {
        while self.flush_once() {
            self.tell_held_motion();
            if self.has_taskbars() {
                // What they had no room for.
                self.tell_taskbars();
            }
            protocols::selection::tell_late(self);
        }
    }

    /// Whether there is room again for a client that had none.
    fn flush_once(&mut self) -> bool {
        let Self { clients, reactor, display, .. } = self;
        let mut backend = display.backend_handle();
        let mut room_again = false;
        for (slot, client) in clients.slots_mut() {
            room_again |= flush(&mut backend, reactor, slot, client);
        }
        room_again
    }

    /// Whether the client of a surface has no room for events.
    pub fn is_slow(&self, surface: &WlSurface) -> bool {
        surface.client().is_some_and(|client| self.client_state(&client).slow.load(Ordering::Relaxed))
    }

    /// Holds a motion of the pointer if nothing else comes of it than an event for a client that
    /// has no room. Returns whether it does.
    pub fn hold_motion(
        &mut self,
        pointer: &PointerHandle<Self>,
        focus: Option<&(WlSurface, Point<f64, Logical>)>,
        time: u32,
    ) -> bool {
        let Some(current) = pointer.current_focus().filter(|surface| self.is_slow(surface)) else { return false };
        let stays = focus.is_some_and(|(surface, _)| *surface == current);
        // A button that is held keeps the pointer on its surface.
        let clicks = || pointer.with_grab(|_, grab| grab.is::<ClickGrab<Self>>()).unwrap_or(false);
        if !stays && !clicks() {
            return false;
        }
        self.held_motion = Some(HeldMotion { focus: focus.cloned(), location: self.pointer_location(), time });
        true
    }

    /// Tells clients of the motion that is held for them.
    pub fn tell_held_motion(&mut self) {
        if self.held_moved.is_some()
            && let Some(pointer) = self.seat.get_pointer()
        {
            self.tell_held_moved(&pointer);
            if self.held_motion.is_none() {
                pointer.frame(self);
            }
        }
        let is_there = |held: &HeldMotion| held.focus.as_ref().is_none_or(|(surface, _)| surface.is_alive());
        if let (Some(held), Some(pointer)) = (self.held_motion.take().filter(is_there), self.seat.get_pointer()) {
            let (HeldMotion { focus, location, time }, serial) = (held, SERIAL_COUNTER.next_serial());
            pointer.motion(self, focus, &MotionEvent { location, serial, time });
            pointer.frame(self);
        }
        self.tell_held_fingers();
        self.tell_held_pens();
    }
}

/// Sends a client what its socket has room for, and notes whether that was all. Returns whether there is
/// room again where there was none.
pub fn flush(backend: &mut Handle, reactor: &Reactor, slot: Slot, client: &mut Client) -> bool {
    let flushed = backend.flush(Some(client.id.clone()));
    let slow = flushed.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    if slow == client.slow {
        return false;
    }
    client.slow = slow;
    // The descriptor of a client that is gone may be another's.
    let Ok(state) = backend.get_client_data(client.id.clone()) else { return false };
    if let Ok(state) = state.downcast_arc::<ClientState>() {
        state.slow.store(slow, Ordering::Relaxed);
    }
    if let Err(error) = reactor.watch_room(client.fd, EventSource::Client(slot), slow) {
        tracing::warn!("a client that does not read is not watched: {error}");
    }
    !slow
}
