//! Contents that a frame has left out, because a fence is pending: a *late* one, which a client has
//! put into the memory of a buffer that its surface shows already, or one that was handed over to
//! hardware, where this frame has nothing that could wait for it.
//!
//! A frame finds that when it is about to composite the buffer. The surface keeps its last picture,
//! its client gets no feedback for the commit, and the event loop waits for the fence as for that of
//! a pending commit; so does the watchdog. When it signals, the displays that show the surface make
//! another frame. Nothing here waits.

use std::sync::Arc;

use fence::AcquireState;
use smallvec::SmallVec;
use smithay::{reexports::wayland_server::protocol::wl_surface::WlSurface, wayland::compositor::with_states};

use crate::{
    session::{Syncline, commit::wait::trace_acquire},
    surface::{
        SurfaceState, content::Content, double_buffered::double_buffered, feedback::Feedback, gate::PendingCommit,
    },
    system::id::{OutputId, SurfaceId},
};

impl Syncline {
    /// Whether a renderer is likely to read the surface's contents: the last frame showed it on no
    /// plane of its own.
    pub fn is_read(&self, surface: SurfaceId) -> bool {
        let on_plane = |surface: &WlSurface| with_states(surface, |states| SurfaceState::of(states).on_plane);
        self.desktop.trees.handle(surface).is_none_or(|surface| !on_plane(surface))
    }

    /// Output `id` has made a frame without `contents`, and without those that its pass could not
    /// read: waits for their fences. The next frame looks again at those for which that is not
    /// possible.
    pub fn await_left_out(&mut self, id: OutputId, contents: SmallVec<[Arc<Content>; 2]>) {
        let late = std::mem::take(&mut self.outputs.list[id].late);
        let unreadable = late.into_iter().chain(self.desktop.cursor.take_unready()).chain(contents);
        let again = unreadable.fold(false, |again, content| self.hold_back(&content) | again);
        self.outputs.list[id].dirty |= again;
    }

    /// A frame has left out a content: waits for the fence that was handed over, or has come since
    /// its commit. Returns whether the next frame must look again, because nothing is waited for.
    fn hold_back(&mut self, content: &Arc<Content>) -> bool {
        let Some(surface) = self.desktop.trees.handle(content.surface).cloned() else { return false };
        // Its fence is waited for, or has failed.
        if content.is_held_back() || content.is_awaited() {
            return false;
        }
        // Its own fence comes first: what is in the memory counts when it is about to be read.
        let state = match content.is_pending() {
            true => Ok(AcquireState::Pending),
            false => content.await_memory(self.now).inspect(|_| content.set_late()),
        };
        match state {
            Ok(state) => {
                self.outputs.list.iter_mut().for_each(|output| output.scene.hold_back(content));
                let commit = Arc::new(PendingCommit::new(content.clone(), self.now, None));
                match state.is_final() {
                    true => self.late_content_resolved(&surface, &commit),
                    false => self.wait(&surface, commit, true),
                }
                state.is_final()
            }
            // Without a descriptor, or before Linux 6.0: the next frame looks again.
            Err(error) => {
                tracing::debug!("surface {}: a late fence: {error}", content.surface);
                true
            }
        }
    }

    /// The fence of a content that was left out has signalled or failed.
    pub fn late_content_resolved(&mut self, surface: &WlSurface, commit: &PendingCommit) {
        let content = &commit.content;
        // That of a frame in flight is traced with its flip.
        let goes_along = |(_, handed): &(_, Arc<PendingCommit>)| Arc::ptr_eq(&handed.content, content);
        if content.is_late() || !self.outputs.list.iter().any(|output| output.handed.iter().any(goes_along)) {
            trace_acquire(content, commit.committed, "waited", self.now);
        }
        // A fence that was handed over and fails changes nothing: the display shows the buffer.
        if matches!(content.acquire_state(), AcquireState::Failed(_)) && !content.is_ready() {
            tracing::info!(
                "surface {} commit {}: a fence in its buffer failed; the surface keeps its last picture",
                content.surface,
                content.serial
            );
            with_states(surface, |states| {
                if let Some(mut feedback) = double_buffered::<Feedback>(states) {
                    feedback.current().discard_shown();
                }
            });
        }
        for id in self.outputs.list.ids() {
            let is_cursor = self.cursor_on(id).as_ref() == Some(surface);
            let output = &mut self.outputs.list[id];
            output.dirty |= is_cursor || output.scene.shows(content.surface);
        }
    }

    /// A commit of the surface was applied, or the surface is destroyed: late fences of contents that
    /// it has no more are not waited for.
    pub fn forget_late(&mut self, surface: &WlSurface) {
        let of_surface = self.acquires.late(|waiting| waiting.surface == *surface);
        if of_surface.is_empty() {
            return;
        }
        let current = with_states(surface, |states| SurfaceState::of(states).current.clone());
        let is_current = |content: &Arc<Content>| current.as_ref().is_some_and(|current| Arc::ptr_eq(current, content));
        for slot in of_surface {
            if self.acquires.get(slot).is_none_or(|waiting| is_current(&waiting.commit.content)) {
                continue;
            }
            self.stop_waiting(slot);
        }
    }
}
