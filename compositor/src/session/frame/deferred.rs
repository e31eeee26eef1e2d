//! Pending commits that are looked at when their output would latch next, before anybody watches their fences.
//!
//! Most fences signal before the latch that their frame is meant for: one look then says what became of them, and nothing need be
//! added to the event loop and taken out again. A fence that the look finds pending is watched from there on, so an idle
//! desktop does not wake up for it. A latch that was planned for a look alone, and finds nothing, makes no commit.

use std::sync::Arc;

use fence::Ns;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::{
    output::{
        deferred::DeferredAcquire,
        state::{LatchReason, Output, Phase},
    },
    session::Syncline,
    surface::{SurfaceState, gate::PendingCommit},
    system::id::OutputId,
};

impl Syncline {
    /// Has the next latch look at a pending commit. False if none will: nobody sees the surface.
    pub fn defer_to_latch(&mut self, surface: &WlSurface, commit: &Arc<PendingCommit>) -> bool {
        let Some(id) = self.home(surface) else { return false };
        let output = &mut self.outputs.list[id];
        output.check_pending = true;
        let look = DeferredAcquire { output: output.id, surface: surface.downgrade(), commit: commit.clone() };
        self.outputs.deferred.push(look);
        true
    }

    /// Output `id` has looked: what still waits for its fence is watched.
    pub fn end_deferred(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        output.check_pending = false;
        let id = output.id;
        self.watch_deferred(|look| look.output == id);
    }

    /// Watches those whose output will not latch: it is gone, or the session has lost its VT.
    pub fn watch_orphaned(&mut self) {
        if self.outputs.deferred.is_empty() {
            return;
        }
        let looking = |output: &Output| output.check_pending.then_some(output.id);
        let ids: Vec<OutputId> = match self.outputs.active {
            true => self.outputs.list.iter().filter_map(looking).collect(),
            false => Vec::new(),
        };
        self.watch_deferred(|look| !ids.contains(&look.output));
    }

    fn watch_deferred(&mut self, which: impl Fn(&DeferredAcquire) -> bool) {
        if self.outputs.deferred.is_empty() {
            return;
        }
        let mut deferred = std::mem::take(&mut self.outputs.deferred);
        for look in deferred.extract_if(.., |look| which(look)) {
            let Ok(surface) = look.surface.upgrade() else { continue };
            let waits = surface.is_alive()
                && with_states(&surface, |states| {
                    SurfaceState::of(states).pending.iter().any(|pending| Arc::ptr_eq(pending, &look.commit))
                });
            if waits && !self.acquires.waits_for(&look.commit.content) {
                self.wait_for(&surface, look.commit);
            }
        }
        // Its capacity stays; nothing above adds to the list.
        self.outputs.deferred = deferred;
    }

    /// A latch that was planned to look at pending commits: deferred, and says whether there is nothing to latch for.
    pub fn has_nothing_to_latch(&mut self, id: OutputId, vblank: Ns) -> bool {
        let output = &self.outputs.list[id];
        let changed = matches!(output.phase, Phase::Scheduled { why: LatchReason::Changed, .. });
        if !changed || output.dirty || !output.check_pending {
            return false;
        }
        self.take_eligible(id, vblank);
        self.end_deferred(id);
        let output = &mut self.outputs.list[id];
        if output.dirty {
            return false;
        }
        output.phase = Phase::Idle;
        true
    }
}
