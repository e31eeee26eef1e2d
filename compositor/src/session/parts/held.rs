//! The surfaces that wait for a latch, for a time, for a fence, or for a frame callback.

use fence::Ns;
use smithay::{
    reexports::wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::surface::{SurfaceState, state::Listed};

/// The surfaces that wait for something.
#[derive(Debug, Default)]
pub struct HeldSurfaces {
    /// Surfaces with a barrier or a time.
    pub held: Vec<Weak<WlSurface>>,
    /// Surfaces that are not visible and have a frame callback, with the time at which it is sent.
    pub hidden: Vec<(Ns, Weak<WlSurface>)>,
    /// Surfaces with frame callbacks or presentation feedback for the next frame that shows them.
    /// One that is not shown is dropped, and added again when it is.
    pub awaits_frame: Vec<Weak<WlSurface>>,
    /// Surfaces with pending commits: the next latch of their output checks them.
    pub pending: Vec<Weak<WlSurface>>,
}

impl HeldSurfaces {
    /// Adds a surface that has a barrier or a time.
    pub fn watch(&mut self, surface: &WlSurface) {
        if !self.held.iter().any(|held| held == surface) {
            self.held.push(surface.downgrade());
        }
    }

    /// Adds a surface with frame callbacks or presentation feedback.
    pub fn await_frame(&mut self, surface: &WlSurface) {
        let listed = |state: &mut Listed| std::mem::replace(&mut state.awaits_frame, true);
        if !with_states(surface, |states| listed(&mut SurfaceState::of(states).listed)) {
            self.awaits_frame.push(surface.downgrade());
        }
    }

    /// Adds a surface with a pending commit.
    pub fn await_fence(&mut self, surface: &WlSurface) {
        let listed = |state: &mut Listed| std::mem::replace(&mut state.pending, true);
        if !with_states(surface, |states| listed(&mut SurfaceState::of(states).listed)) {
            self.pending.push(surface.downgrade());
        }
    }
}
