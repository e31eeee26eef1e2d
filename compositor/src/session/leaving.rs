//! Clients that go: where one has many objects, they are destroyed in turns, like requests.
//!
//! The Wayland library destroys all objects of a client in one go when its connection has ended. So
//! the session does not let it hear of that before the client has next to nothing any more:
//!
//! ```text
//!  the stream has ended, or a limit is exceeded ─┬─ few objects ──────────────→ the library
//!                                                └─ many ─→ turn ─→ turn ─→ … ─→ the library
//! ```
//!
//! A client that exceeds a limit is told at once, and nothing that it sends is handled any more. A
//! protocol error ends a client within the library, which leaves no choice.

use std::ffi::CString;

use smallvec::smallvec;
use smithay::reexports::wayland_server::backend::{
    ClientId, ObjectId,
    protocol::{Argument, Message},
};

use crate::{
    config::limits::Kind,
    session::{Syncline, state::WaylandDisplay, windows::popups::post_error_on},
    surface::{
        client::UNREAD,
        turn::{SHARE, Used},
    },
    system::id::Slot,
};

/// A client with more objects or descriptors than this leaves in turns.
const MANY: u32 = SHARE as u32;

/// `wl_display` itself.
const DISPLAY: u32 = 1;

/// The size of wl_display.delete_id.
const DELETED: usize = 12;

// The event of wl_display, and an error in it.
const ERROR: u16 = 0;
const NO_MEMORY: u32 = 2;

impl Syncline {
    /// Whether a client has so many objects, or descriptors with them, that they are to be destroyed in
    /// turns.
    pub fn has_many_objects(&self, client: &ClientId) -> bool {
        let many = |kind| self.connected(client).is_some_and(|state| state.budget.used(kind) > MANY);
        many(Kind::Objects) || many(Kind::Descriptors)
    }

    /// Ends a client that exceeds a limit, with `wl_display.no_memory`. The log says why.
    pub fn end_client(&self, id: &ClientId, why: &str) {
        if self.clients.ended.leaves(id) {
            return;
        }
        if self.has_many_objects(id) && self.tell_error(id, why).is_some() {
            tracing::info!("client pid {} exceeds a limit: {why}", self.pid_of(id));
            return self.clients.ended.leave(id.clone());
        }
        post_error_on(&self.display, id.clone(), "wl_display", NO_MEMORY, why.to_owned());
    }

    /// Sends a client the error that ends it, and does not end it. `None`: it is gone already.
    fn tell_error(&self, id: &ClientId, why: &str) -> Option<()> {
        let mut backend = self.display.backend_handle();
        let mut display = None;
        let first = |object: ObjectId| {
            if object.protocol_id() == DISPLAY {
                display = Some(object);
            }
        };
        backend.with_all_objects_for(id.clone(), first).ok()?;
        let (display, why) = (display?, CString::new(why).ok()?);
        let args = smallvec![
            Argument::Object(display.clone()),
            Argument::Uint(NO_MEMORY),
            Argument::Str(Some(Box::new(why))),
        ];
        backend.send_event(Message { sender_id: display, opcode: ERROR, args }).ok()?;
        // Where the client does not read, it hears nothing.
        backend.flush(Some(id.clone())).ok();
        Some(())
    }

    fn pid_of(&self, id: &ClientId) -> i32 {
        self.connected(id).and_then(|state| state.pid).unwrap_or(0)
    }

    /// From now on the turns of this client are those in which its objects are destroyed.
    pub fn begin_leaving(&mut self, slot: Slot) {
        let backend = self.display.backend_handle();
        let Some(client) = self.clients.get(slot).filter(|client| client.leaving.is_none()) else { return };
        let mut objects = Vec::new();
        let destroyed = |object: ObjectId| {
            if object.protocol_id() != DISPLAY {
                objects.push(object);
            }
        };
        // The highest are destroyed first: those that were made of others are so before them.
        if backend.with_all_objects_for(client.id.clone(), destroyed).is_ok() {
            // The library tells the client of each of them, and would close it before its time if
            // that were more than it keeps.
            backend.set_client_max_buffer_size(client.id.clone(), UNREAD + objects.len() * DELETED);
            (client.inbox, client.leaving) = (None, Some(objects));
            self.clients.more.push(slot);
        }
    }

    /// The clients that were told that they have exceeded a limit begin to leave, unless they do so
    /// already.
    pub fn let_leave(&mut self) {
        while let Some(id) = self.clients.ended.take_leaving() {
            if let Some(slot) = self.clients.slot_of(&id) {
                self.begin_leaving(slot);
            }
        }
    }

    /// Destroys some of the `objects` of the client in `slot`; the library has the rest, if few are
    /// left.
    pub fn leaving_turn(&mut self, display: &mut WaylandDisplay, slot: Slot, mut objects: Vec<ObjectId>) {
        let Some(client) = self.clients.get(slot) else { return };
        let (id, fd) = (client.id.clone(), client.fd);
        let backend = self.display.backend_handle();
        let mut used = Used::before(self.next_latch);
        loop {
            let share = used.left(|| self.clock.now());
            if share == 0 {
                break;
            }
            let next = objects.len().saturating_sub(share);
            used.requests += objects.len() - next;
            // Some are gone with others.
            for object in objects.drain(next..).rev() {
                backend.destroy_object::<Self>(&object).ok();
            }
            let inbox = self.turns.inbox();
            let destroy = || display.backend().dispatch_single_client(self, id.clone());
            let inbox = match objects.is_empty() {
                true => inbox.offer(fd, 0, destroy).0,
                false => inbox.withhold(fd, destroy).0,
            };
            self.turns.put_back(inbox);
            if objects.is_empty() {
                return;
            }
        }
        if let Some(client) = self.clients.get(slot) {
            client.leaving = Some(objects);
            self.clients.more.push(slot);
        }
    }
}
