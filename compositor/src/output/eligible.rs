//! Which pending commits a latch takes: the newest one of each surface that has signalled, or whose fence the hardware
//! may wait for and will not wait for beyond the vblank.

use std::sync::Arc;

use fence::{AcquireState, Ns};
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::{
    state::Syncline,
    surface::{PendingCommit, SurfaceState},
};

impl Syncline {
    /// Whether the latch may let the hardware wait for a pending commit's fence.
    pub fn may_hand_over(&self, surface: &WlSurface, commit: &PendingCommit) -> bool {
        let allowed = commit.content.with_acquire(|acquire| {
            let own = [self.outputs.driver.as_str()];
            acquire.may_hand_off(&self.outputs.policy, &own).unwrap_or(false)
                && self.outputs.known.may_hand_over(acquire.driver().unwrap_or(""))
        });
        allowed
            && with_states(surface, |states| {
                let state = SurfaceState::of(states);
                // Nobody latches for a hidden surface.
                !state.hidden
                    && (state.on_plane || self.outputs.renderer.waits_on_gpu())
                    && state.predictor.predict(commit.committed).is_some()
            })
    }

    /// Lets pending commits of the output's surfaces through: those that have signalled, and those whose fence the
    /// hardware may wait for and will, by the surface's own history, not wait for beyond the vblank.
    pub(super) fn take_eligible(&mut self, index: usize, vblank: Ns) {
        let mut due: Vec<(WlSurface, Arc<PendingCommit>)> = Vec::new();
        self.visible_surfaces(index, |surface, states| {
            let state = SurfaceState::of(states);
            if let Some(next) = state.next_pending() {
                due.push((surface.clone(), next.clone()));
            }
        });
        let by = self.outputs.list[index].hand_over.deadline(vblank);
        for (surface, commit) in due {
            commit.content.with_acquire(|acquire| acquire.set_deadline(vblank));
            let waited_for = self.acquires.matching(|w| Arc::ptr_eq(&w.commit, &commit)).first().copied();
            if let Some(slot) = waited_for {
                // The reactor has it; look again only if nothing will wake us.
                if commit.content.with_acquire(|a| a.is_stalled()) {
                    self.acquire_event(slot);
                }
                continue;
            }
            match commit.content.advance() {
                Ok(AcquireState::Signalled { .. } | AcquireState::Failed(_)) => {
                    self.let_through(&surface, &commit, "waited");
                }
                Ok(AcquireState::Pending) if self.will_make(&surface, &commit, by) => {
                    let mode = if self.outputs.renderer.waits_on_gpu() { "gpu" } else { "kms" };
                    let mode = if with_states(&surface, |s| SurfaceState::of(s).on_plane) { "kms" } else { mode };
                    self.outputs.list[index].handed.push((surface.downgrade(), commit.clone()));
                    self.let_through(&surface, &commit, mode);
                }
                // Too late for this vblank: the surface keeps its picture, nobody else is held up.
                Ok(_) => self.wait_for(&surface, commit),
                Err(error) => {
                    tracing::debug!("surface {}: acquire: {error}", commit.content.surface);
                    self.wait_for(&surface, commit);
                }
            }
        }
    }

    /// The frame with the fences that were handed over has flipped: when did they signal? Looked up for one frame in
    /// sixteen and for those that missed, since each costs a system call; enough to keep a past that is not waited for.
    pub(super) fn learn_handed(&mut self, index: usize, missed: bool) {
        let output = &mut self.outputs.list[index];
        if output.handed.is_empty() {
            return;
        }
        output.handed_frames += 1;
        let look = missed || output.handed_frames.is_multiple_of(16);
        for (surface, commit) in output.handed.drain(..).filter(|_| look) {
            if let (Ok(surface), Ok(AcquireState::Signalled { at })) = (surface.upgrade(), commit.content.advance()) {
                with_states(&surface, |states| SurfaceState::of(states).predictor.record(commit.committed, at));
            }
        }
    }

    fn will_make(&self, surface: &WlSurface, commit: &PendingCommit, vblank: Ns) -> bool {
        self.may_hand_over(surface, commit)
            && with_states(surface, |states| SurfaceState::of(states).predictor.will_make(commit.committed, vblank))
    }
}
