//! Takes the fifo and commit-timing constraints of a commit that is being made.
//!
//! What they are is in [`crate::surface::order`]; [`crate::session::frame::held`] releases the
//! commits.

use smallvec::SmallVec;
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    wayland::compositor::{Barrier, with_states},
};

use crate::{
    session::Syncline,
    surface::{SurfaceState, apply::CommitUpdate},
};

/// What holds a commit besides fences.
pub type Barriers = SmallVec<[Barrier; 2]>;

impl Syncline {
    /// Takes the constraints of the commit that is being made. Returns what holds it. Those of a
    /// synchronised sub-surface become a part of its state, for the group that takes it.
    pub fn take_order(&mut self, surface: &WlSurface, synchronised: bool) -> Barriers {
        let now = self.now;
        let (barriers, set) = with_states(surface, |states| {
            let fifo = protocols::fifo::take(states);
            let time = protocols::commit_timing::take(states);
            if !fifo.set && !fifo.wait && time.is_none() {
                return (Barriers::new(), false);
            }
            let mut state = SurfaceState::of(states);
            let SurfaceState { order, pending, .. } = &mut *state;
            let order = order.get_or_insert_default();
            let mut barriers = Barriers::new();
            if !synchronised {
                // The commit waits for the existing barrier; its own barrier is set after that.
                barriers.extend(if fifo.wait { order.wait() } else { None });
                barriers.extend(time.filter(|at| *at > now).map(|at| order.wait_until(at)));
            }
            if !barriers.is_empty() {
                // Earlier commits must be shown before it.
                pending.iter().for_each(|pending| pending.keep_order());
            }
            let barrier = fifo.set.then(|| order.set());
            drop(state);
            let set = barrier.is_some();
            let mut update = states.cached_state.get::<CommitUpdate>();
            if set {
                update.pending().barrier = barrier;
            }
            if synchronised {
                update.pending().not_before = time.unwrap_or_default();
            }
            (barriers, set)
        });
        if !barriers.is_empty() || set {
            self.pace.watch(surface);
        }
        barriers
    }
}
