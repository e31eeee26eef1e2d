//! Which pending commits a latch takes: the newest one of each surface whose fence has signalled,
//! or whose fence is handed over to the hardware because it should signal before the vblank.

use std::sync::Arc;

use fence::{Acquire, AcquireState, Ns, implicit::Access};
use smallvec::SmallVec;
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
    /// Whether the latch may hand a pending commit's fence over to the hardware.
    pub fn may_hand_over(&self, surface: &WlSurface, commit: &PendingCommit) -> bool {
        if self.is_held(surface) {
            return false;
        }
        let mut shown = 0;
        let allowed = commit.content.with_acquire(|acquire| {
            // Every card that shows the surface would wait for the fence.
            self.every_output(surface, |output| {
                shown += u32::from(!output.is_inactive());
                let card = self.outputs.cards.of(&output.kms);
                // Another display that is to lay out its planes would wait for the fence as well.
                let due = card.known.tests_stall(self.now) && self.outputs.is_quiet_awaited(card.serial());
                !due && self.card_may_wait(output, acquire)
            })
        });
        // On several outputs the surface may be composited on one of them, and the CPU cannot wait.
        let by_cpu = matches!(&commit.content.source, PixelSource::Dmabuf(imported) if imported.read_path() == Some(ReadPath::Cpu));
        let gpu = self.outputs.renderer.waits_on_gpu() && !by_cpu;
        // No fence may keep a display from being locked.
        allowed
            && !self.is_locked()
            && (gpu || shown <= 1)
            && with_states(surface, |states| {
                let state = SurfaceState::of(states);
                // No latch considers a hidden surface.
                !state.hidden
                    && (state.on_plane || gpu)
                    && state.predictor.as_ref().is_some_and(|history| history.predict(commit.committed).is_some())
            })
    }

    /// Whether the card of `output` may wait for a pending fence, according to the policy and to
    /// what is known of its driver.
    fn card_may_wait(&self, output: &Output, acquire: &Acquire) -> bool {
        let card = self.outputs.cards.of(&output.kms);
        let own = [card.driver(), self.outputs.renderer.gpu().map_or("", |(_, driver)| driver)];
        let allows = |fence: &str| {
            let producer = self.outputs.producers.driver_of(fence);
            self.outputs.policy.allows(producer, &own) && card.known.may_hand_over(producer)
        };
        acquire.may_hand_off(allows).unwrap_or(false)
    }

    /// Whether output `id` may show a content. It may not if the fence was handed over to another
    /// card, is pending, and this card may not wait for it: the surface may have moved to this
    /// output since.
    pub fn may_show(&self, id: OutputId, content: &Content) -> bool {
        let output = &self.outputs.list[id];
        let waits = matches!(content.acquire_state(), AcquireState::Pending)
            && !content.with_acquire(|acquire| self.card_may_wait(output, acquire));
        // The stored state may be old.
        !(waits && matches!(content.advance(), Ok(AcquireState::Pending)))
    }

    /// Whether the kernel itself sets the deadline of a fence that is handed to the surface's
    /// plane.
    ///
    /// `drm_atomic_helper_wait_for_fences` sets the deadline of each plane's fence to the vblank
    /// (Linux 6.4, the first version with deadlines), where there are vblanks
    /// (`drm_crtc_next_vblank_start`). Every driver calls it, through `drm_atomic_helper_commit`
    /// or, like nouveau, directly. The exception is Intel, whose `intel_atomic_commit` has its own
    /// wait.
    pub fn kernel_sets_deadline(&self, surface: &WlSurface) -> bool {
        let waits_itself = |output: &Output| matches!(output.kms.device().driver(), "i915" | "xe");
        let sets_deadline = |output: &Output| !output.clock.is_own() && !waits_itself(output);
        self.every_output(surface, sets_deadline) && with_states(surface, |s| SurfaceState::of(s).on_plane)
    }

    /// Calls `visit` with the newest pending commit of each surface that output `id` shows.
    pub fn pending_on(&mut self, id: OutputId, mut visit: impl FnMut(&WlSurface, &Arc<PendingCommit>)) {
        let cursor = self.cursor_on(id);
        let scene = &self.outputs.list[id].scene;
        self.pace.pending.retain(|surface| {
            let Ok(surface) = surface.upgrade() else { return false };
            with_states(&surface, |states| {
                let mut state = SurfaceState::of(states);
                if state.next_pending().is_none() {
                    state.listed.pending = false;
                }
                let Some(next) = state.next_pending() else { return false };
                if scene.shows(state.id) || cursor.as_ref() == Some(&surface) {
                    visit(&surface, next);
                }
                true
            })
        });
    }

    /// Opens the gates of pending commits of the output's surfaces: those whose fence has
    /// signalled, and those whose fence the hardware may wait for and which, judging by the
    /// surface's history, will signal before the vblank.
    pub fn open_eligible_gates(&mut self, id: OutputId, vblank: Ns) {
        // A scene that was dropped shows nothing, and none of its surfaces would be considered.
        let plane = self.cursor_plane(id);
        self.build_scene(id, plane.is_some());
        let mut due = std::mem::take(&mut self.outputs.due);
        self.pending_on(id, |surface, commit| due.push((surface.clone(), commit.clone())));
        let by = self.outputs.list[id].hand_over.deadline(vblank);
        // Commits of groups whose fences may be handed over, if all of their group's may.
        let mut together: Vec<(WlSurface, Arc<PendingCommit>)> = Vec::new();
        for (surface, commit) in due.drain(..) {
            let waited_for = commit.slot();
            if let Some(slot) = waited_for {
                commit.content.with_acquire(|acquire| acquire.set_deadline(vblank));
                // The reactor waits for the fence. Check it here only if nothing will wake the
                // loop.
                if commit.content.with_acquire(|a| a.is_stalled()) {
                    self.acquire_event(slot);
                }
                continue;
            }
            let state = self.advance(&commit.content, commit.group().is_some());
            let make = matches!(state, Ok(AcquireState::Pending)) && self.will_make(&surface, &commit, by);
            if !(make && self.kernel_sets_deadline(&surface)) {
                commit.content.with_acquire(|acquire| acquire.set_deadline(vblank));
            }
            match state {
                Ok(AcquireState::Signalled { .. } | AcquireState::Failed(_)) => {
                    self.open_gate(&surface, &commit, "waited");
                }
                Ok(AcquireState::Pending) if make && commit.group().is_some() && self.may_gpu_read(id, &commit) => {
                    together.push((surface, commit))
                }
                Ok(AcquireState::Pending) if make && self.may_gpu_read(id, &commit) => {
                    self.hand_over(id, &surface, &commit)
                }
                // Too late for this vblank: the surface keeps its last content, and other surfaces
                // do not wait.
                Ok(_) => self.wait_for(&surface, commit),
                Err(error) => {
                    tracing::debug!("surface {}: acquire: {error}", commit.content.surface);
                    self.wait_for(&surface, commit);
                }
            }
        }
        self.outputs.due = due;
        let may_go = |commit: &PendingCommit| {
            let goes = |of: &Arc<PendingCommit>| together.iter().any(|(_, commit)| Arc::ptr_eq(of, commit));
            commit.group().is_none_or(|group| group.pending.iter().all(|of| !of.is_closed() || goes(of)))
        };
        let (go, wait): (Vec<_>, Vec<_>) = together.iter().cloned().partition(|(_, commit)| may_go(commit));
        go.into_iter().for_each(|(surface, commit)| self.hand_over(id, &surface, &commit));
        wait.into_iter().for_each(|(surface, commit)| self.wait_for(&surface, commit));
    }

    /// Whether a GPU may wait for what is in the memory of the commit's buffer, which a driver with
    /// implicit synchronisation does beside the commit's own fence. A plane does not.
    fn may_gpu_read(&self, id: OutputId, commit: &PendingCommit) -> bool {
        let Some(memory) = commit.content.client_memory() else { return true };
        let surface = commit.content.surface;
        let mut showing = self.outputs.list.iter().filter(|output| output.scene.shows(surface)).peekable();
        let only_planes = showing.peek().is_some() && showing.all(|output| output.has_on_plane(surface));
        if only_planes || memory.is_readable() {
            return true;
        }
        let exported = memory.export_sync_file(Access::Read).map(|file| Acquire::from_sync_file(file, self.now));
        exported.is_ok_and(|mut fences| match fences.advance() {
            Ok(AcquireState::Pending) => self.card_may_wait(&self.outputs.list[id], &fences),
            state => state.is_ok(),
        })
    }

    /// Lets the display or the GPU of output `id` wait for a commit's fence.
    fn hand_over(&mut self, id: OutputId, surface: &WlSurface, commit: &Arc<PendingCommit>) {
        let mode = if self.outputs.renderer.waits_on_gpu() { "gpu" } else { "kms" };
        let mode = if with_states(surface, |s| SurfaceState::of(s).on_plane) { "kms" } else { mode };
        commit.content.set_handed_over();
        self.outputs.list[id].handed.push((surface.downgrade(), commit.clone()));
        self.open_gate(surface, commit, mode);
    }

    /// A frame is with the kernel: takes fences back that were handed over for it and did not go along,
    /// because the kernel refused their buffers and the CPU cannot wait. The event loop waits for them.
    pub fn take_back(&mut self, id: OutputId) {
        if self.outputs.renderer.waits_on_gpu() {
            return;
        }
        let output = &mut self.outputs.list[id];
        let mut handed = std::mem::take(&mut output.handed);
        let stays = |commit: &PendingCommit| commit.content.is_ready() || output.shows_on_plane(&commit.content);
        let refused: SmallVec<[_; 2]> = handed.extract_if(.., |(_, commit)| !stays(commit)).collect();
        output.handed = handed;
        for (surface, commit) in refused {
            let Ok(surface) = surface.upgrade() else { continue };
            self.wait(&surface, commit, true);
        }
    }

    /// A frame with fences that were handed over has flipped: records when they signalled in the
    /// history of their surfaces. Returns the surfaces whose fence failed; the display showed what
    /// was in their buffers.
    pub fn record_handed_over(&mut self, id: OutputId) -> Vec<SurfaceId> {
        let mut failed = Vec::new();
        for (surface, commit) in self.outputs.list[id].handed.drain(..) {
            match commit.content.advance() {
                Ok(AcquireState::Signalled { at }) => {
                    if let Ok(surface) = surface.upgrade() {
                        with_states(&surface, |states| {
                            SurfaceState::of(states).predictor.get_or_insert_default().record(commit.committed, at)
                        });
                    }
                }
                Ok(AcquireState::Failed(error)) => {
                    let content = &commit.content;
                    tracing::info!(
                        "surface {} commit {}: its fence failed while its buffer was on the display: {error}",
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
            && with_states(surface, |states| {
                SurfaceState::of(states)
                    .predictor
                    .as_ref()
                    .is_some_and(|history| history.will_make(commit.committed, vblank))
            })
    }
}
