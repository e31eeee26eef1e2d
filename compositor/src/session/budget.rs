//! Counts what clients create and destroy. Over half of a limit a client is slowed, over the limit it
//! is ended.
//!
//! The limits are in [`crate::config::limits`], the numbers in [`crate::surface::budget`]. Nothing
//! here looks at what an object is for.

use std::sync::Arc;

use protocols::{DescriptorObserver, ObjectObserver};
use smithay::reexports::wayland_server::{
    Client,
    backend::{ClientId, ObjectId, protocol::Interface},
};

use crate::{
    config::limits::Kind,
    session::Syncline,
    surface::{
        budget::{Exceeded, Taken},
        client::ClientState,
    },
};

/// As so many requests counts one with which a client takes of what it has much of: its turn ends
/// sooner.
const SLOW: usize = 32;

/// Ids of objects that the session has created begin here.
const FROM_SESSION: u32 = 0xff00_0000;

/// The first global that the library is asked for: it is looked at once for each registry, and once
/// for each time it is bound.
const FIRST: &str = "wl_compositor";

impl ObjectObserver for Syncline {
    fn note_creation(&mut self, client: &Client, interface: &'static Interface, opcode: u16) {
        let request = interface.requests.get(usize::from(opcode));
        if let Some(created) = request.and_then(|request| request.child_interface) {
            self.restrain(client, self.client_state(client).budget.object_created(created.name));
        }
    }

    fn note_bind(&mut self, client: &Client, interface: &'static Interface) {
        let budget = &self.client_state(client).budget;
        if interface.name == FIRST {
            budget.give(Kind::Registries, 1);
        }
        self.restrain(client, budget.object_created(interface.name));
    }

    fn note_destroyed(&mut self, client: &ClientId, object: &ObjectId) {
        // The others are the session's own, which were not counted.
        if object.protocol_id() < FROM_SESSION
            && let Some(state) = self.connected(client)
        {
            state.budget.object_destroyed(object.interface().name);
        }
    }

    fn note_registry(client: &Client, interface: &'static Interface) {
        if interface.name == FIRST
            && let Some(state) = client.get_data::<ClientState>()
            && state.budget.take(Kind::Registries, 1).is_err()
        {
            // The library must not be asked anything now.
            state.ended.exceeding(client.id());
        }
    }
}

impl DescriptorObserver for Syncline {
    fn note_descriptors(&mut self, client: &Client, number: u32) {
        self.restrain(client, self.client_state(client).budget.take(Kind::Descriptors, number));
    }

    fn note_closed(&mut self, client: &ClientId, number: u32) {
        self.give_back(client, Kind::Descriptors, number);
    }
}

impl Syncline {
    /// What is kept of a client; `None`: it is gone.
    pub fn connected(&self, client: &ClientId) -> Option<Arc<ClientState>> {
        self.display.backend_handle().get_client_data(client.clone()).ok()?.downcast_arc().ok()
    }

    /// A client does not use so many any more.
    pub fn give_back(&self, client: &ClientId, kind: Kind, number: u32) {
        if let Some(state) = self.connected(client) {
            state.budget.give(kind, number);
        }
    }

    /// Slows a client that has much of what it takes, and ends one that has more than it may.
    pub fn restrain(&self, client: &Client, taken: Result<Taken, Exceeded>) {
        match taken {
            Ok(Taken::Little) => {}
            Ok(Taken::Much) => self.turns.count(SLOW - 1),
            Err(exceeded) => self.end_client(&client.id(), &exceeded.to_string()),
        }
    }

    /// Ends the clients that have exceeded a limit while they could not be ended.
    pub fn end_exceeding(&self) {
        while let Some(client) = self.clients.ended.take_exceeding() {
            let exceeded = self.connected(&client).and_then(|state| state.budget.exceeded());
            if let Some(exceeded) = exceeded {
                self.end_client(&client, &exceeded.to_string());
            }
        }
    }
}
