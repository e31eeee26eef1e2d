//! Clients take turns: a turn is some hundred requests at most, see [`crate::surface::turn`].
//!
//! ```text
//!  the socket is ready ─→ turn ─┬─ empty: until it is ready again
//!                               └─ more ─→ waits; events of cards, timers and others ─→ turn
//!
//!  a turn: receive ─→ whole requests, 14 at most ─→ the library ─→ the next ones … ─→ receive …
//!                      └─ one that may lack a string ─→ its object is looked up ─→ the library, or the end
//! ```
//!
//! The socket is received from until less comes than there is room for (and no descriptors, at which
//! the kernel stops): then it was all, and what comes later makes it ready again. The library is given
//! nothing that it would wait for more of, so that its own buffer is empty between two requests.
//!
//! A client that never pauses is ended. So is one that takes descriptors while they are few: requests
//! may come with more of them than they need, and the Wayland library keeps those until the client is
//! gone.

use std::{io::ErrorKind, os::fd::RawFd};

use smithay::reexports::wayland_server::backend::ClientId;

use crate::{
    session::{Syncline, state::WaylandDisplay, windows::popups::post_error_on},
    surface::turn::{
        End, MOST, MOST_AHEAD, Used,
        bound::Bound,
        messages::{self, Head, Next},
    },
    system::{
        id::Slot,
        recvmsg::{Inbox, Received},
    },
};

/// By how much a client may raise the number of open descriptors while they are few.
const MOST_DESCRIPTORS: i64 = 1024;

/// An error of wl_display.
const INVALID_METHOD: u32 = 1;

/// A client at its turn.
struct Reader<'a> {
    id: ClientId,
    /// Open as long as the library knows the client.
    fd: RawFd,
    inbox: Box<Inbox>,
    bound: &'a mut Bound,
}

impl Syncline {
    /// Handles requests of the client in `slot`, as many as it has a right to now.
    pub fn client_turn(&mut self, display: &mut WaylandDisplay, slot: Slot) {
        self.clients.waiting.retain(|waiting| *waiting != slot);
        let Some(client) = self.clients.get(slot) else { return };
        if let Some(objects) = client.leaving.take() {
            return self.leaving_turn(display, slot, objects);
        }
        let (id, fd, kept) = (client.id.clone(), client.fd, client.inbox.take());
        let mut bound = std::mem::take(&mut client.bound);
        if self.display.backend_handle().get_client_data(id.clone()).is_err() {
            return;
        }
        let inbox = kept.unwrap_or_else(|| self.turns.inbox());
        let open = self.descriptors.open_while_few();
        let (inbox, handled, end) =
            self.read_and_handle(display, Reader { id: id.clone(), fd, inbox, bound: &mut bound });
        let kept = self.turns.put_back(inbox);
        let taken = open.and_then(|before| Some(self.descriptors.open_while_few()? - before)).unwrap_or(0);
        if self.descriptors.after(handled, end == End::More) {
            tracing::warn!("file descriptors become few");
            self.clients.iter_mut().for_each(|client| client.descriptors = 0);
        }
        let Some(client) = self.clients.get(slot) else { return };
        client.bound = bound;
        client.inbox = kept.filter(|_| !matches!(end, End::Gone | End::Leaves));
        client.descriptors += taken;
        client.without_pause = if end == End::More { client.without_pause + handled } else { 0 };
        let (sent, taken) = (client.without_pause, client.descriptors);
        if sent > MOST {
            self.end_client(&id, &format!("{sent} requests without a pause; the limit is {MOST}"));
        } else if taken > MOST_DESCRIPTORS {
            self.end_client(
                &id,
                &format!("{taken} file descriptors while they are few; the limit is {MOST_DESCRIPTORS}"),
            );
        } else if end == End::Leaves {
            self.begin_leaving(slot);
        } else if end == End::More {
            self.clients.more.push(slot);
        }
    }

    /// Reads a client's socket and has the library handle what comes, until there is no more or the
    /// turn is over. Returns also the number of requests that were handled.
    fn read_and_handle(&mut self, display: &mut WaylandDisplay, reader: Reader<'_>) -> (Box<Inbox>, usize, End) {
        let Reader { id, fd, mut inbox, bound } = reader;
        let (mut used, mut handled) = (Used::before(self.next_latch), 0);
        let (mut trusted, mut received) = (false, Received::More);
        let end = loop {
            let left = used.left(|| self.clock.now());
            if left == 0 {
                break End::More;
            }
            let (count, length) = match messages::next(inbox.waiting(), left, trusted, &self.turns.strings, bound) {
                Next::Requests { count, bytes } => (count, bytes),
                Next::Doubtful(head) => match self.wrong_argument(&id, head, inbox.waiting()) {
                    Some(why) => break self.end_for_request(&id, why),
                    None => {
                        trusted = true;
                        continue;
                    }
                },
                Next::Misshapen(head) => break self.end_for_request(&id, head.misshapen()),
                Next::Nothing if received == Received::More => {
                    received = inbox.receive(fd);
                    if inbox.files() > MOST_AHEAD {
                        let why = format!("more than {MOST_AHEAD} file descriptors before the request that takes them");
                        self.end_client(&id, &why);
                        break End::Gone;
                    }
                    continue;
                }
                Next::Nothing if received == Received::End && self.has_many_objects(&id) => break End::Leaves,
                Next::Nothing if received == Received::End => (0, 0),
                Next::Nothing => break End::Empty,
            };
            trusted = false;
            let read = || display.backend().dispatch_single_client(self, id.clone());
            let (rest, dispatched) = inbox.offer(fd, length, read);
            inbox = rest;
            let dispatched = match dispatched {
                Ok(dispatched) => dispatched,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                // The client is gone, or has been ended.
                Err(_) => break End::Gone,
            };
            if self.clients.ended.leaves(&id) {
                break End::Leaves;
            }
            used.requests += count + self.turns.surcharge();
            handled += dispatched;
            if let Some(head) = messages::nth(inbox.taken(length), dispatched) {
                let name = self.name_of(&id, head);
                let why = format!("{name}: an argument is longer than the request, or a file descriptor is missing");
                break self.end_for_request(&id, why);
            }
        };
        (inbox, handled, end)
    }

    /// What is wrong with the first request that waits, which may lack a string; `None`: nothing.
    fn wrong_argument(&self, id: &ClientId, head: Head, waiting: &[u8]) -> Option<String> {
        let objects = self.display.backend_handle();
        let mut wrong = self.turns.strings.wrong_for(head.opcode, head.arguments(waiting));
        let is = |interface| objects.object_for_protocol_id(id.clone(), interface, head.object).is_ok();
        let (_, argument) = wrong.find(|(interface, _)| is(interface))?;
        let name = self.name_of(id, head);
        Some(format!("{name}: argument {argument} is null, or longer than the request"))
    }

    /// For an error: `xdg_toplevel#7.set_title`.
    fn name_of(&self, id: &ClientId, head: Head) -> String {
        let Head { object, opcode, .. } = head;
        let mut name = None;
        let listed = self.display.backend_handle().with_all_objects_for(id.clone(), |known| {
            if known.protocol_id() == object {
                let request = known.interface().requests.get(usize::from(opcode));
                name = request.map(|request| format!("{}#{object}.{}", known.interface().name, request.name));
            }
        });
        listed.ok().and(name).unwrap_or_else(|| format!("request {opcode} of object {object}"))
    }

    /// A batch of events begins.
    pub fn begin_batch(&mut self) {
        self.clients.waiting.append(&mut self.clients.more);
    }

    /// Gives each client that had more requests than its last turn allowed another turn, unless it
    /// has had one in this batch.
    pub fn more_turns(&mut self, display: &mut WaylandDisplay) {
        self.let_leave();
        while let Some(slot) = self.clients.waiting.pop() {
            self.client_turn(display, slot);
        }
    }

    /// Has the library close the connections of clients that have been ended outside their turns.
    pub fn bury(&mut self, display: &mut WaylandDisplay) {
        while let Some(id) = self.clients.ended.take() {
            self.note_gone();
            display.backend().dispatch_single_client(self, id).ok();
        }
    }

    /// Ends a client for a request that cannot be handled, with the error that libwayland has for it.
    fn end_for_request(&self, id: &ClientId, why: String) -> End {
        post_error_on(&self.display, id.clone(), "wl_display", INVALID_METHOD, why);
        End::Gone
    }
}
