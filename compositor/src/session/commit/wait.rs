//! Waiting for acquire fences: with the reactor, or not at all where the hardware may wait.
//!
//! ```text
//!  pending commit ─→ the next latch checks ─┬─ signalled, or the display may wait for it ─→ this gate opens,
//!         │ no fence, no latch to come      └─ else ─→ reactor ─→ acquire_event ─┘       older ones are superseded
//!         └──────────────────────────────────────────────┘
//! ```
//!
//! Nothing here blocks, and no surface waits for another surface's fence, unless they are in one
//! group.

use std::{io, os::fd::AsFd, sync::Arc};

use fence::{AcquireReport, AcquireState, CallError, Ns};
use smithay::{
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::compositor::with_states,
};

use crate::{
    session::Syncline,
    surface::{
        SurfaceState,
        acquires::WaitingAcquire,
        content::Content,
        gate::{Group, Member, PendingCommit},
    },
    system::{id::Slot, reactor, trace},
};

/// After this time an acquire is looked at again for which there was no descriptor or memory.
const RETRY: Ns = 100_000_000;

impl Syncline {
    /// Leaves a pending acquire to the next latch, which checks it once and may hand its fence over
    /// to the display. If there is no fence yet, or no latch to come, the reactor waits for it.
    pub fn wait_or_defer(&mut self, surface: &WlSurface, commit: Arc<PendingCommit>) {
        trace_pending(&commit.content, self.now);
        // Sets the deadline of the fence to the next vblank that the frame can still make. The
        // kernel does that itself for fences that are handed over to the display.
        if !(self.may_hand_over(surface, &commit) && self.kernel_sets_deadline(surface))
            && let Some(vblank) = self.outputs.next_vblank(self.now)
        {
            commit.content.with_acquire(|acquire| acquire.set_deadline(vblank));
        }
        let pending = commit.content.acquire_state() == AcquireState::Pending;
        if !(pending && self.defer_to_latch(surface, &commit)) {
            self.wait_for(surface, commit);
        }
    }

    /// Lets the reactor wake the loop when the state of the acquire changes.
    pub fn wait_for(&mut self, surface: &WlSurface, commit: Arc<PendingCommit>) {
        self.wait(surface, commit, false);
    }

    /// [`Syncline::wait_for`]; `late`: the commit is applied already, and its fence is pending.
    pub fn wait(&mut self, surface: &WlSurface, commit: Arc<PendingCommit>, late: bool) {
        let surface = surface.downgrade();
        let slot = self.acquires.insert(WaitingAcquire::new(commit.clone(), surface, late));
        self.watch_acquire(slot, &commit);
    }

    fn watch_acquire(&mut self, slot: Slot, commit: &PendingCommit) {
        let source = reactor::EventSource::Acquire(slot);
        let watched = match self.acquires.get(slot).is_some_and(|waiting| waiting.late) {
            true => self.watch_late(slot, &commit.content, source),
            false => commit.content.with_acquire(|acquire| match acquire.wait_fd() {
                Some(fd) => self.reactor.add(fd, source),
                // There was no descriptor or memory for one: `advance` has said so.
                None => Err(io::ErrorKind::OutOfMemory.into()),
            }),
        };
        let watched = match watched {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            watched => watched,
        };
        let retry_at = watched.is_err().then(|| self.now + RETRY);
        self.acquires.retry(slot, retry_at);
        if let Err(error) = watched {
            // Other surfaces are not affected.
            tracing::debug!("cannot wait for the acquire fence of surface {}: {error}", commit.content.surface);
        }
    }

    fn watch_late(&mut self, slot: Slot, content: &Content, source: reactor::EventSource) -> io::Result<()> {
        let fence = content.pending_fence().map_err(|error| error.errno)?.ok_or(io::ErrorKind::NotFound)?;
        self.reactor.add(fence.as_fd(), source)?;
        self.acquires.replace_fence(slot, Some(fence));
        Ok(())
    }

    fn unwatch_late(&mut self, slot: Slot) {
        if let Some(fence) = self.acquires.replace_fence(slot, None) {
            self.reactor.remove(fence.as_fd()).ok();
        }
    }

    /// The timer fired: looks again at the acquires that nothing wakes the loop for.
    pub fn retry_acquires(&mut self) {
        for slot in self.acquires.to_retry(self.now) {
            self.acquire_event(slot);
        }
    }

    /// Updates the state of the acquire of a commit that is not applied yet. In a group the fences in
    /// the memory of the buffer count, too: once the group is applied, all of it is shown. The
    /// memory of other contents is looked at by whoever reads it, so once.
    pub fn advance(&self, content: &Content, grouped: bool) -> Result<AcquireState, CallError> {
        match grouped && self.is_read(content.surface) {
            true => content.advance_to_read(self.now),
            false => content.advance(),
        }
    }

    /// The descriptor of an acquire is readable: updates its state, and opens the gate if it is
    /// resolved.
    pub fn acquire_event(&mut self, slot: Slot) {
        let Some(waiting) = self.acquires.get(slot) else { return };
        let commit = waiting.commit.clone();
        // The descriptor for a timeline point is the compositor's own: closing it removes it from
        // the epoll set. A client's fence stays open, so it is removed here.
        let shared = commit.content.with_acquire(|acquire| acquire.point().is_none());
        if waiting.late {
            self.unwatch_late(slot);
        } else if shared {
            commit.content.with_acquire(|acquire| acquire.wait_fd().map(|fd| self.reactor.remove(fd).ok()));
        }
        let before = commit.content.acquire_state();
        let after = self.advance(&commit.content, commit.group().is_some()).unwrap_or_else(|error| {
            tracing::warn!("surface {}: acquire: {error}", commit.content.surface);
            before
        });
        if matches!(after, AcquireState::Signalled { .. } | AcquireState::Failed(_)) {
            // A failed fence is kept for the release, and stays readable.
            commit.content.with_acquire(|acquire| acquire.fence().map(|fence| self.reactor.remove(fence).ok()));
            let Some(waiting) = self.acquires.remove(slot) else { return };
            if let Ok(surface) = waiting.surface.upgrade() {
                if waiting.late {
                    return self.late_content_resolved(&surface, &commit);
                }
                self.open_gate(&surface, &commit, "waited");
            }
            return;
        }
        if after != before {
            trace_pending(&commit.content, self.now);
        }
        // The point has materialised but not signalled: the latch may be able to hand its fence
        // over now.
        let surface = self.acquires.get(slot).filter(|w| !w.late).and_then(|w| w.surface.upgrade().ok());
        if let Some(surface) = surface.filter(|surface| self.may_hand_over(surface, &commit))
            && self.defer_to_latch(&surface, &commit)
        {
            // Its fence may have been watched before, and the slot is soon another commit's.
            self.stop_waiting(slot);
            return;
        }
        self.watch_acquire(slot, &commit);
    }

    /// Opens the gate of a commit, supersedes the surface's older ones, and applies what is not
    /// blocked any more.
    pub fn open_gate(&mut self, surface: &WlSurface, commit: &Arc<PendingCommit>, mode: &'static str) {
        let waited = with_states(surface, |states| {
            let mut surface = SurfaceState::of(states);
            if let AcquireState::Signalled { at } = commit.content.acquire_state() {
                surface.predictor.get_or_insert_default().record(commit.committed, at);
            }
            let before = surface.pending.len();
            surface.pending.retain(|p| !Arc::ptr_eq(p, commit));
            surface.pending.len() < before
        });
        let group = commit.group();
        // The others of the group are closed yet: nothing is superseded until the last one opens.
        let last = group.as_ref().is_none_or(|group| {
            group.pending.iter().all(|pending| Arc::ptr_eq(pending, commit) || !pending.is_closed())
        });
        let failed = matches!(commit.content.acquire_state(), AcquireState::Failed(_));
        let older = match (&group, waited && last) {
            (_, false) => Vec::new(),
            // It is not shown: an older one may still be.
            (None, true) if failed => Vec::new(),
            (Some(group), true) => self.overtake_by_group(group),
            (None, true) => {
                let serial = commit.content.serial;
                let content = Some(commit.content.clone());
                let surface = commit.content.surface;
                self.overtake(&[Member { surface, first: serial, end: serial + 1, content, replaces: true }])
            }
        };
        self.supersede(&older);
        trace_acquire(&commit.content, commit.committed, mode, self.now);
        match mode {
            "waited" => self.counters.acquires_waited += 1,
            _ => self.counters.acquires_handed_over += 1,
        }
        commit.open();
        match &group {
            None => self.note_ready(surface, commit.content.serial),
            Some(group) if last => self.note_group_ready(group),
            Some(_) => {}
        }
        if let Some(client) = surface.client() {
            if group.is_some() {
                self.overtake_again(&client);
            }
            self.run_queue(&client);
        }
    }

    /// The commits that a group supersedes whose last gate opens now.
    fn overtake_by_group(&mut self, group: &Group) -> Vec<Arc<PendingCommit>> {
        let failed = |content: &Content| matches!(content.acquire_state(), AcquireState::Failed(_));
        let now = |member: &Member| Member {
            surface: member.surface,
            first: member.first,
            end: member.end,
            content: None,
            replaces: match &member.content {
                Some(content) => !failed(content) && !content.is_superseded(),
                None => member.replaces,
            },
        };
        self.overtake(&group.members.iter().map(now).collect::<Vec<_>>())
    }

    /// Supersedes commits that a newer one has overtaken.
    pub fn supersede(&mut self, older: &[Arc<PendingCommit>]) {
        if older.is_empty() {
            return;
        }
        for slot in older.iter().filter_map(|old| old.slot()) {
            self.stop_waiting(slot);
        }
        for old in older {
            old.supersede();
            trace_acquire(&old.content, old.committed, "waited", self.now);
        }
    }

    /// Stops waiting for the acquire in a slot.
    pub fn stop_waiting(&mut self, slot: Slot) {
        self.unwatch_late(slot);
        let Some(waiting) = self.acquires.remove(slot) else { return };
        waiting.commit.content.with_acquire(|acquire| acquire.wait_fd().map(|fd| self.reactor.remove(fd).ok()));
    }
}

/// Traces the acquire that a commit waits for.
fn trace_pending(content: &Content, now: Ns) {
    if trace::enabled() {
        let report = content.with_acquire(|acquire| AcquireReport::new(acquire, now, None));
        trace::acquire_pending(now, trace::AcquirePending { surface: content.surface, commit: content.serial, report });
    }
}

/// Traces how an acquire has ended, or that it was handed over to the hardware.
pub fn trace_acquire(content: &Content, committed: Ns, mode: &'static str, now: Ns) {
    if !trace::enabled() {
        return;
    }
    let driver = content.with_acquire(|acquire| acquire.driver().map(str::to_owned));
    let (state, signal_ns, error) = match content.acquire_state() {
        _ if content.is_superseded() => ("superseded", None, None),
        AcquireState::Signalled { at } => ("signalled", Some(at), None),
        AcquireState::Failed(error) => ("failed", None, Some(error.to_string())),
        AcquireState::Pending | AcquireState::Unmaterialised => ("pending", None, None),
    };
    let to = signal_ns.unwrap_or(now).max(committed);
    let (surface, commit) = (content.surface, content.serial);
    trace::acquire(trace::AcquireEvent { surface, commit, from: committed, to, state, mode, driver, signal_ns, error });
}
