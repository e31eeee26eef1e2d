//! Clients take turns: a turn is some hundred requests at most, see [`crate::surface::turn`].
//!
//! ```text
//!  the socket is ready ─→ turn ─┬─ empty: until it is ready again
//!                               └─ more ─→ waits; events of cards, timers and others ─→ turn
//! ```
//!
//! A client that never pauses is ended. So is one that takes descriptors while they are few: requests
//! may come with more of them than they need, and the Wayland library keeps those until the client is
//! gone.

use protocols::RequestObserver;
use smithay::reexports::wayland_server::{Client, backend::ClientId};

use crate::{
    session::{Syncline, state::WaylandDisplay, windows::popups::post_error_on},
    surface::{
        client::ClientState,
        turn::{End, MOST},
    },
    system::id::Slot,
};

/// By how much a client may raise the number of open descriptors while they are few.
const MOST_DESCRIPTORS: i64 = 1024;

impl RequestObserver for Syncline {
    fn note_request(&mut self, client: &Client) {
        let now = || self.clock.now();
        self.client_state(client).connection.count(now);
    }

    fn note_view(client: &Client) {
        if let Some(state) = client.get_data::<ClientState>() {
            // Without a time, only the number counts.
            state.connection.count(|| 0);
        }
    }
}

impl Syncline {
    /// Handles requests of the client in `slot`, as many as it has a right to now.
    pub fn client_turn(&mut self, display: &mut WaylandDisplay, slot: Slot) {
        self.clients.waiting.retain(|waiting| *waiting != slot);
        let Some(id) = self.clients.get(slot).map(|client| client.id.clone()) else { return };
        let connections = self.display.backend_handle();
        let Ok(data) = connections.get_client_data(id.clone()) else { return };
        let Ok(state) = data.downcast_arc::<ClientState>() else { return };
        let open = self.descriptors.open_while_few();
        state.connection.begin();
        // An error is the client's: it is gone, or nothing complete has arrived.
        let handled = display.backend().dispatch_single_client(self, id.clone()).unwrap_or(0);
        let end = self.turns.end();
        let taken = open.and_then(|before| Some(self.descriptors.open_while_few()? - before)).unwrap_or(0);
        if self.descriptors.after(handled, end == End::More) {
            tracing::warn!("file descriptors become few");
            self.clients.iter_mut().for_each(|client| client.descriptors = 0);
        }
        let Some(client) = self.clients.get(slot) else { return };
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
        } else if end == End::More {
            self.clients.more.push(slot);
        }
    }

    /// A batch of events begins.
    pub fn begin_batch(&mut self) {
        self.clients.waiting.append(&mut self.clients.more);
    }

    /// Gives each client that had more requests than its last turn allowed another turn, unless it
    /// has had one in this batch.
    pub fn more_turns(&mut self, display: &mut WaylandDisplay) {
        while let Some(slot) = self.clients.waiting.pop() {
            self.client_turn(display, slot);
        }
    }

    /// Has the library close the connections of clients that have been ended outside their turns.
    pub fn bury(&mut self, display: &mut WaylandDisplay) {
        while let Some(id) = self.clients.ended.take() {
            display.backend().dispatch_single_client(self, id).ok();
        }
    }

    /// Ends a client that exceeds a limit, with `wl_display.no_memory`. The log says why.
    pub fn end_client(&self, id: &ClientId, why: &str) {
        const NO_MEMORY: u32 = 2;
        post_error_on(&self.display, id.clone(), "wl_display", NO_MEMORY, why.to_owned());
    }
}
