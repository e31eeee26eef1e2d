//! What is kept per client.
//!
//! It is made when the client connects and lives as long as its connection.

use smithay::{
    reexports::wayland_server::{
        Resource,
        backend::{ClientData, ClientId, DisconnectReason},
        protocol::wl_surface::WlSurface,
    },
    wayland::compositor::CompositorClientState,
};

/// What is kept per client.
#[derive(Debug, Default)]
pub struct ClientState {
    pub compositor: CompositorClientState,
    /// For reports; `None` if the kernel did not say.
    pub pid: Option<i32>,
    /// It came through a sandbox: globals that concern the whole session are not shown to it.
    pub sandboxed: bool,
}

impl ClientData for ClientState {
    fn initialized(&self, _: ClientId) {}

    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        match reason {
            DisconnectReason::ConnectionClosed => tracing::debug!("client {client:?} (pid {:?}) is gone", self.pid),
            DisconnectReason::ProtocolError(error) => tracing::info!(
                "client pid {} broke the protocol: {} error {}: {}",
                self.pid.unwrap_or(0),
                error.object_interface,
                error.code,
                error.message
            ),
        }
    }
}

/// The process of a surface's client; `None` if the client is gone or the kernel did not say.
pub fn client_pid(surface: &WlSurface) -> Option<i32> {
    surface.client()?.get_data::<ClientState>()?.pid
}
