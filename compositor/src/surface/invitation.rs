//! How long a client takes from its invitation to draw (a frame callback) to its commit.

use fence::Ns;
use smithay::wayland::compositor::SurfaceData;

use crate::surface::SurfaceState;

/// A surface commits: how long after its invitation?
pub fn answered(states: &SurfaceData, now: Ns) {
    let mut state = SurfaceState::of(states);
    if let Some(invited) = state.invited.take() {
        state.response.record(invited, now);
    }
}
