//! Smithay's state of `wl_compositor`, whose list of surfaces is kept short.
//!
//! Smithay 0.7 searches that list for each surface that is destroyed, and uses it for nothing else:
//! the surfaces of a client that goes would take a time that grows with their square. There is no
//! door to the list, so the state is replaced by a new one now and then. It has nothing else in it
//! that is needed.

use smithay::{reexports::wayland_server::DisplayHandle, wayland::compositor::CompositorState};

/// With so many surfaces in its list the state is replaced.
pub const LISTED: usize = 64;

/// Smithay's state.
pub struct SurfaceList {
    state: CompositorState,
    /// A display that has no clients. A state cannot be made without globals: they are announced here,
    /// to nobody.
    nowhere: DisplayHandle,
    /// How many surfaces have been created since the state was made.
    listed: usize,
}

impl SurfaceList {
    /// Begins with this state.
    pub fn new(state: CompositorState, nowhere: DisplayHandle) -> Self {
        Self { state, nowhere, listed: 0 }
    }

    /// What Smithay asks for.
    pub fn state(&mut self) -> &mut CompositorState {
        &mut self.state
    }

    /// Smithay has added a surface to its list. `new` makes a state whose globals are announced to
    /// nobody.
    pub fn added(&mut self, new: impl FnOnce(&DisplayHandle) -> CompositorState) {
        self.listed += 1;
        if self.listed == LISTED {
            (self.state, self.listed) = (new(&self.nowhere), 0);
        }
    }
}
