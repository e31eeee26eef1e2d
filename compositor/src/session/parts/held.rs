//! The surfaces that wait for a latch, for a time, or to be invited to draw.

use fence::Ns;
use smithay::reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface};

/// The surfaces that wait for something.
#[derive(Debug, Default)]
pub struct HeldSurfaces {
    /// With a barrier or a time.
    pub held: Vec<Weak<WlSurface>>,
    /// Unseen, with a frame callback: and when that is sent.
    pub unseen: Vec<(Ns, Weak<WlSurface>)>,
}

impl HeldSurfaces {
    /// The surface has a barrier or a time.
    pub fn watch(&mut self, surface: &WlSurface) {
        if !self.held.iter().any(|held| held == surface) {
            self.held.push(surface.downgrade());
        }
    }
}
