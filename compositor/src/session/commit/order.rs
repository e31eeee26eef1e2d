//! Takes the fifo and commit-timing constraints of a commit that is being made.
//!
//! What they are is in [`crate::surface::order`]; [`crate::session::frame::held`] releases the
//! commits.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    wayland::compositor::{add_blocker, is_sync_subsurface, with_states},
};

use crate::{session::Syncline, surface::SurfaceState};

impl Syncline {
    /// Takes the constraints of the commit that is being made. Returns whether the commit is held.
    pub fn take_order(&mut self, surface: &WlSurface) -> bool {
        let synchronised = is_sync_subsurface(surface);
        let now = self.now;
        let (wait, timed, set) = with_states(surface, |states| {
            let fifo = protocols::fifo::take(states);
            let time = protocols::commit_timing::take(states);
            if synchronised || (!fifo.set && !fifo.wait && time.is_none()) {
                return (None, None, false);
            }
            let mut state = SurfaceState::of(states);
            // The commit waits for the existing barrier; its own barrier is set after that.
            let wait = if fifo.wait { state.order.wait() } else { None };
            let timed = time.filter(|at| *at > now).map(|at| state.order.wait_until(at));
            let barrier = fifo.set.then(|| state.order.set());
            if wait.is_some() || timed.is_some() {
                // Earlier commits must be shown before it.
                state.pending.iter().for_each(|pending| pending.keep_order());
            }
            drop(state);
            let set = barrier.is_some();
            barrier.inspect(|barrier| crate::surface::apply::set_barrier(states, barrier.clone()));
            (wait, timed, set)
        });
        let held = wait.is_some() || timed.is_some();
        if held || set {
            self.pace.watch(surface);
        }
        wait.into_iter().chain(timed).for_each(|barrier| add_blocker(surface, barrier));
        held
    }
}
