//! The surfaces that wait for a latch, for a time, for a fence, or for a frame callback.

use fence::Ns;
use smithay::{
    reexports::wayland_server::{Resource, Weak, backend::ClientId, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::{
    surface::{SurfaceState, gate::Member, state::Listed},
    system::id::SurfaceId,
};

/// Updates of a client that are looked at again when one of its gates opens; of more, the oldest just
/// wait their turn.
const BEHIND: usize = 16;

/// A ready update that replaces only a part of what is pending before it, so that it waits its turn,
/// unless the rest of that is resolved first.
#[derive(Debug)]
pub struct Behind {
    pub client: ClientId,
    pub members: Vec<Member>,
}

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
    /// Ready updates that wait behind pending ones.
    pub behind: Vec<Behind>,
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

    /// Adds a ready update of a client that waits behind pending ones.
    pub fn wait_behind(&mut self, client: ClientId, newer: &[Member]) {
        let surfaces = |members: &[Member]| members.iter().map(|member| member.surface).collect::<Vec<SurfaceId>>();
        let own = surfaces(newer);
        // A newer one replaces at least as much.
        self.behind.retain(|other| other.client != client || surfaces(&other.members) != own);
        let of_client = || self.behind.iter().filter(|other| other.client == client);
        if of_client().count() >= BEHIND
            && let Some(oldest) = self.behind.iter().position(|other| other.client == client)
        {
            self.behind.remove(oldest);
        }
        self.behind.push(Behind { client, members: newer.iter().map(Member::without_content).collect() });
    }

    /// Adds a surface with a pending commit.
    pub fn await_fence(&mut self, surface: &WlSurface) {
        let listed = |state: &mut Listed| std::mem::replace(&mut state.pending, true);
        if !with_states(surface, |states| listed(&mut SurfaceState::of(states).listed)) {
            self.pending.push(surface.downgrade());
        }
    }
}
