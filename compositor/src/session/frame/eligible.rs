//! Which pending commits a latch takes: the newest one of each surface that has signalled, or whose fence the hardware
//! may wait for and will not wait for beyond the vblank.

use std::sync::Arc;

use fence::{Acquire, AcquireState, Ns};
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::{
    output::state::Output,
    session::{Syncline, commit::wait::trace_acquire},
    surface::{
        SurfaceState,
        buffer::{PixelSource, ReadPath},
        content::Content,
        gate::PendingCommit,
    },
    system::id::{OutputId, SurfaceId},
};

impl Syncline {
    /// Whether the latch may let the hardware wait for a pending commit's fence.
    pub fn may_hand_over(&self, surface: &WlSurface, commit: &PendingCommit) -> bool {
        let mut shown = 0;
        let allowed = commit.content.with_acquire(|acquire| {
            // Every card that shows the surface would wait.
            self.every_output(surface, |output| {
                shown += 1;
                self.card_may_wait(output, acquire)
            })
        });
        // On several outputs it may be drawn on one of them, and the CPU cannot wait.
        let by_cpu = matches!(&commit.content.source, PixelSource::Dmabuf(imported) if imported.read_path() == Some(ReadPath::Cpu));
        let gpu = self.outputs.renderer.waits_on_gpu() && !by_cpu;
        allowed
            && (gpu || shown == 1)
            && with_states(surface, |states| {
                let state = SurfaceState::of(states);
                // Nobody latches for a hidden surface.
                !state.hidden && (state.on_plane || gpu) && state.predictor.predict(commit.committed).is_some()
            })
    }

    /// Whether the card of `output` may wait for a pending fence, by the policy and by what is known of its driver.
    fn card_may_wait(&self, output: &Output, acquire: &Acquire) -> bool {
        let card = self.outputs.cards.of(&output.kms);
        let own = [card.driver(), self.outputs.renderer.gpu().map_or("", |(_, driver)| driver)];
        acquire.may_hand_off(&self.outputs.policy, &own).unwrap_or(false)
            && card.known.may_hand_over(acquire.driver().unwrap_or(""))
    }

    /// Whether output `id` may show a content: not if its fence was handed to another card and is pending, and this card may not wait
    /// for it. It may have been moved here since.
    pub fn may_show(&self, id: OutputId, content: &Content) -> bool {
        let output = &self.outputs.list[id];
        let waits = matches!(content.acquire_state(), AcquireState::Pending)
            && !content.with_acquire(|acquire| self.card_may_wait(output, acquire));
        // What is known may be old.
        !(waits && matches!(content.advance(), Ok(AcquireState::Pending)))
    }

    /// Whether the kernel tells the maker of a fence by when it is wanted, if the fence is handed to the surface's plane.
    ///
    /// `drm_atomic_helper_wait_for_fences` sets the deadline of each plane's fence to the vblank (Linux 6.4, the first with
    /// deadlines). Every driver gets there through `drm_atomic_helper_commit`, or calls it itself as nouveau does, but
    /// Intel's, whose `intel_atomic_commit` waits in its own way.
    pub fn kernel_tells_deadline(&self, surface: &WlSurface) -> bool {
        let tells = |output: &Output| !matches!(output.kms.device().driver(), "i915" | "xe");
        self.every_output(surface, tells) && with_states(surface, |s| SurfaceState::of(s).on_plane)
    }

    /// Lets pending commits of the output's surfaces through: those that have signalled, and those whose fence the
    /// hardware may wait for and will, by the surface's own history, not wait for beyond the vblank.
    pub fn take_eligible(&mut self, id: OutputId, vblank: Ns) {
        let mut due = std::mem::take(&mut self.outputs.due);
        self.desktop.visible_surfaces(self.outputs.list[id].rect(), |surface, states| {
            let state = SurfaceState::of(states);
            if let Some(next) = state.next_pending() {
                due.push((surface.clone(), next.clone()));
            }
        });
        let by = self.outputs.list[id].hand_over.deadline(vblank);
        for (surface, commit) in due.drain(..) {
            let waited_for = self.acquires.matching(|w| Arc::ptr_eq(&w.commit, &commit)).first().copied();
            if let Some(slot) = waited_for {
                commit.content.with_acquire(|acquire| acquire.set_deadline(vblank));
                // The reactor has it; look again only if nothing will wake us.
                if commit.content.with_acquire(|a| a.is_stalled()) {
                    self.acquire_event(slot);
                }
                continue;
            }
            let state = commit.content.advance();
            let make = matches!(state, Ok(AcquireState::Pending)) && self.will_make(&surface, &commit, by);
            if !(make && self.kernel_tells_deadline(&surface)) {
                commit.content.with_acquire(|acquire| acquire.set_deadline(vblank));
            }
            match state {
                Ok(AcquireState::Signalled { .. } | AcquireState::Failed(_)) => {
                    self.open_gate(&surface, &commit, "waited");
                }
                Ok(AcquireState::Pending) if make => {
                    let mode = if self.outputs.renderer.waits_on_gpu() { "gpu" } else { "kms" };
                    let mode = if with_states(&surface, |s| SurfaceState::of(s).on_plane) { "kms" } else { mode };
                    self.outputs.list[id].handed.push((surface.downgrade(), commit.clone()));
                    self.open_gate(&surface, &commit, mode);
                }
                // Too late for this vblank: the surface keeps its picture, nobody else is held up.
                Ok(_) => self.wait_for(&surface, commit),
                Err(error) => {
                    tracing::debug!("surface {}: acquire: {error}", commit.content.surface);
                    self.wait_for(&surface, commit);
                }
            }
        }
        self.outputs.due = due;
    }

    /// The frame with the fences that were handed over has flipped: when did they signal, and did they? A surface's past
    /// learns from it. Ids of the surfaces whose fence failed: the display went on with what was in their buffers.
    pub fn learn_handed(&mut self, id: OutputId) -> Vec<SurfaceId> {
        let mut failed = Vec::new();
        for (surface, commit) in self.outputs.list[id].handed.drain(..) {
            match commit.content.advance() {
                Ok(AcquireState::Signalled { at }) => {
                    if let Ok(surface) = surface.upgrade() {
                        with_states(&surface, |states| SurfaceState::of(states).predictor.record(commit.committed, at));
                    }
                }
                Ok(AcquireState::Failed(error)) => {
                    let content = &commit.content;
                    tracing::info!(
                        "surface {} commit {}: on the display, and {error}",
                        content.surface,
                        content.serial
                    );
                    trace_acquire(content, commit.committed, "kms", self.now);
                    failed.push(content.surface);
                }
                _ => {}
            }
        }
        failed
    }

    fn will_make(&self, surface: &WlSurface, commit: &PendingCommit, vblank: Ns) -> bool {
        self.may_hand_over(surface, commit)
            && with_states(surface, |states| SurfaceState::of(states).predictor.will_make(commit.committed, vblank))
    }
}
