//! What is kept per client.
//!
//! The state is created when the client connects, and lives as long as the connection.

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

/// The process id of a surface's client; `None` if the client is gone or the kernel did not report
/// it.
pub fn client_pid(surface: &WlSurface) -> Option<i32> {
    surface.client()?.get_data::<ClientState>()?.pid
}
