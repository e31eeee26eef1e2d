//! What is kept per client.
//!
//! The state is created when the client connects, and lives as long as the connection. It closes no
//! connection; the Wayland library does that.

use slab::Slab;
use smithay::{
    reexports::wayland_server::{
        Resource,
        backend::{ClientData, ClientId, DisconnectReason},
        protocol::wl_surface::WlSurface,
    },
    wayland::compositor::CompositorClientState,
};

use crate::system::id::Slot;

/// What is kept per client.
#[derive(Debug, Default)]
pub struct ClientState {
    pub compositor: CompositorClientState,
    /// The process id, for reports; `None` if the kernel did not report it.
    pub pid: Option<i32>,
    /// The client connected from a sandbox (security-context): globals that concern the whole
    /// session are hidden from it.
    pub sandboxed: bool,
}

impl ClientData for ClientState {
    fn initialized(&self, _: ClientId) {}

    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        match reason {
            DisconnectReason::ConnectionClosed => {
                tracing::debug!("client {client:?} (pid {:?}) disconnected", self.pid)
            }
            DisconnectReason::ProtocolError(error) => tracing::info!(
                "client pid {} disconnected after a protocol error: {} error {}: {}",
                self.pid.unwrap_or(0),
                error.object_interface,
                error.code,
                error.message
            ),
        }
    }
}

/// The clients by slot, which the reactor reports.
///
/// A slot is reused once its client is gone. An event of the old one then only makes the new one's
/// socket be read in vain.
#[derive(Debug, Default)]
pub struct Clients(Slab<ClientId>);

impl Clients {
    /// The slot of the next client that is inserted.
    pub fn next_slot(&self) -> Slot {
        Slot(self.0.vacant_key() as u32)
    }

    /// Inserts a client into [`Clients::next_slot`].
    pub fn insert(&mut self, client: ClientId) {
        self.0.insert(client);
    }

    /// The client in a slot; `None` if the slot is empty.
    pub fn get(&self, slot: Slot) -> Option<ClientId> {
        self.0.get(slot.0 as usize).cloned()
    }

    /// Frees the slots of clients that are not `connected`.
    pub fn retain(&mut self, connected: impl Fn(&ClientId) -> bool) {
        self.0.retain(|_, client| connected(client));
    }
}

/// The process id of a surface's client; `None` if the client is gone or the kernel did not report
/// it.
pub fn client_pid(surface: &WlSurface) -> Option<i32> {
    surface.client()?.get_data::<ClientState>()?.pid
}
