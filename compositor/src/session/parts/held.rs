//! The surfaces that wait for a latch, for a time, or for a delayed frame callback.

use fence::Ns;
use smithay::reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface};

/// The surfaces that wait for something.
#[derive(Debug, Default)]
pub struct HeldSurfaces {
    /// Surfaces with a barrier or a time.
    pub held: Vec<Weak<WlSurface>>,
    /// Surfaces that are not visible and have a frame callback, with the time at which it is sent.
    pub hidden: Vec<(Ns, Weak<WlSurface>)>,
}

impl HeldSurfaces {
    /// Adds a surface that has a barrier or a time.
    pub fn watch(&mut self, surface: &WlSurface) {
        if !self.held.iter().any(|held| held == surface) {
            self.held.push(surface.downgrade());
        }
    }
}
