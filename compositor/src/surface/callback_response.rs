//! Measures how long a client takes from a frame callback to its next commit.
//!
//! It sends no callback.

use fence::Ns;
use smithay::wayland::compositor::SurfaceData;

use crate::surface::SurfaceState;

/// A surface commits: records the time since its frame callback was sent, if one was.
pub fn note_response(states: &SurfaceData, now: Ns) {
    let mut state = SurfaceState::of(states);
    if let Some(sent) = state.callback_at.take() {
        state.response.get_or_insert_default().record(sent, now);
    }
}
