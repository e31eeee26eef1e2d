//! Deferred acquires: pending commits that the next latch of their output checks, before the event
//! loop watches their fences.
//!
//! Most fences signal before the latch that their frame is meant for. One check then resolves them,
//! and nothing needs to be added to the event loop and removed again. A fence that is still pending
//! at the check is watched from then on, so an idle desktop does not wake up for it. A latch that
//! was planned for a check alone, and finds nothing, makes no commit.

use std::sync::Arc;

use fence::Ns;
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::{
    output::{deferred::DeferredAcquire, phase::LatchReason, state::Output},
    session::Syncline,
    surface::{SurfaceState, gate::PendingCommit},
    system::id::OutputId,
};

impl Syncline {
    /// Lets the next latch check a pending commit. Returns false if there will be no latch because
    /// the surface is not visible.
    pub fn defer_to_latch(&mut self, surface: &WlSurface, commit: &Arc<PendingCommit>) -> bool {
        let Some(id) = self.home(surface) else { return false };
        let output = &mut self.outputs.list[id];
        output.check_pending = true;
        let look = DeferredAcquire { output: output.id, surface: surface.downgrade(), commit: commit.clone() };
        self.outputs.deferred.push(look);
        true
    }

    /// Output `id` has made its check: the event loop watches the commits that still wait for
    /// fences.
    pub fn end_deferred(&mut self, id: OutputId) {
        let output = &mut self.outputs.list[id];
        output.check_pending = false;
        let id = output.id;
        self.watch_deferred(|look| look.output == id);
    }

    /// Watches the commits whose output will not latch, because it is gone or the session has lost
    /// its VT.
    pub fn watch_orphaned(&mut self) {
        if self.outputs.deferred.is_empty() {
            return;
        }
        let looking = |output: &Output| (output.check_pending && !output.is_inactive()).then_some(output.id);
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
            if waits && look.commit.slot().is_none() {
                self.wait_for(&surface, look.commit);
            }
        }
        // Keeps the capacity of the list; nothing above adds to it.
        self.outputs.deferred = deferred;
    }

    /// For a latch that was planned to check pending commits: makes the check. Returns whether
    /// there is nothing to latch.
    pub fn has_nothing_to_latch(&mut self, id: OutputId, vblank: Ns) -> bool {
        let output = &self.outputs.list[id];
        let changed = output.machine.latch().is_some_and(|latch| latch.why == LatchReason::Changed);
        if !changed || output.dirty || !output.check_pending {
            return false;
        }
        self.open_eligible_gates(id, vblank);
        self.end_deferred(id);
        let output = &mut self.outputs.list[id];
        if output.dirty {
            return false;
        }
        output.machine.rest();
        true
    }
}
