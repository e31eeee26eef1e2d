//! From `wl_surface.commit` to the surface's current content.
//!
//! [`pre_commit`] runs while the commit is still pending: it takes the explicit points, builds the [`Content`] and, if
//! the buffer may not be read yet, closes a [`Gate`] in front of the whole commit. [`apply`] runs when Smithay applies
//! the commit's state, which is at once without a gate. Neither waits for anything.

use std::sync::Arc;

use fence::{Acquire, AcquireState, Ns, Release};
use protocols::syncobj::{self, Attached};
use smithay::{
    backend::{allocator::Buffer as _, renderer::buffer_dimensions},
    reexports::wayland_server::{
        DisplayHandle, Resource,
        protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
    },
    utils::Rectangle,
    wayland::{
        compositor::{
            self, BufferAssignment, Cacheable, Damage, SurfaceAttributes, SurfaceData, add_blocker, with_states,
        },
        dmabuf::get_dmabuf,
        presentation::PresentationFeedbackCachedState,
        viewporter::{ViewportCachedState, ensure_viewport_valid},
    },
};

use super::{
    Content, PendingCommit, SurfaceState, View,
    acquires::Waiting,
    buffer::Source,
    content::Parts,
    gate::Gate,
};
use crate::{reactor, state::Syncline, trace};

/// The part of a commit that is ours, double-buffered by Smithay with all the rest.
#[derive(Debug, Default)]
struct Update {
    attach: Option<Attach>,
}

#[derive(Debug)]
enum Attach {
    Removed,
    Buffer(Arc<Content>),
}

impl Cacheable for Update {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        Self { attach: self.attach.take() }
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        let Some(attach) = self.attach else { return };
        // Merged before it was applied: never shown. Smithay sends that buffer's release itself, if it is another one.
        if let Some(Attach::Buffer(old)) = into.attach.replace(attach) {
            old.forget_buffer();
        }
    }
}

/// Runs before every commit of every surface.
pub fn pre_commit(state: &mut Syncline, _: &DisplayHandle, surface: &WlSurface) {
    let now = state.now;
    let mut superseded = Vec::new();
    let pending = with_states(surface, |states| {
        let attached = match &states.cached_state.get::<SurfaceAttributes>().pending().buffer {
            None => None,
            Some(BufferAssignment::Removed) => Some(None),
            Some(BufferAssignment::NewBuffer(buffer)) => Some(Some(buffer.clone())),
        };
        let kind = match &attached {
            Some(Some(buffer)) => Attached::Buffer { explicit_sync: get_dmabuf(buffer).is_ok() },
            _ => Attached::Nothing,
        };
        // On a violation the client has got its protocol error; nothing of this commit will be applied.
        let Ok(points) = syncobj::take_points(states, kind) else { return None };
        let serial = {
            let mut surface = SurfaceState::of(states);
            surface.serial += 1;
            surface.serial
        };
        let buffer = match attached {
            None => return None,
            Some(None) => {
                states.cached_state.get::<Update>().pending().attach = Some(Attach::Removed);
                superseded = SurfaceState::of(states).pending.drain(..).collect();
                return None;
            }
            Some(Some(buffer)) => buffer,
        };
        let content = Arc::new(state.content(states, serial, buffer, points)?);
        trace_commit(surface, &content, now);
        states.cached_state.get::<Update>().pending().attach = Some(Attach::Buffer(content.clone()));
        // An error here (out of descriptors, say) leaves the acquire pending; the latch looks again.
        let resolved = content.advance().unwrap_or_else(|error| {
            tracing::debug!("surface {} commit {serial}: acquire: {error}", content.surface);
            content.acquire_state()
        });
        match resolved {
            AcquireState::Signalled { .. } | AcquireState::Failed(_) => {
                if content.explicit {
                    trace_acquire(&content, now, "ready", now);
                }
                if !matches!(resolved, AcquireState::Failed(_)) {
                    superseded = SurfaceState::of(states).pending.drain(..).collect();
                }
                None
            }
            AcquireState::Unmaterialised | AcquireState::Pending => {
                let pending = Arc::new(PendingCommit::new(content, now));
                SurfaceState::of(states).pending.push_back(pending.clone());
                Some(pending)
            }
        }
    });
    // This commit can be shown at once: older ones that still wait for their fences never will be.
    state.supersede(&superseded);
    if let Some(pending) = pending {
        add_blocker(surface, Gate(pending.clone()));
        state.wait_or_defer(surface, pending);
    }
}

impl Syncline {
    /// Builds the content of a commit; `None` if the buffer is of a kind that we do not know.
    fn content(
        &mut self,
        states: &SurfaceData,
        serial: u64,
        buffer: WlBuffer,
        points: Option<syncobj::Points>,
    ) -> Option<Content> {
        let id = SurfaceState::of(states).id;
        let size = buffer_dimensions(&buffer)?;
        if let Ok(wl) = get_dmabuf(&buffer) {
            let imported = self.imports.get(wl)?;
            let opaque = !dmabuf_import::formats::has_alpha(wl.format().code);
            let (acquire, release, buffer) = match points {
                Some(points) => {
                    // A fence that fails has to be able to tell the client so through the release point.
                    let acquire = Acquire::from_point(points.acquire, self.now).carrying_errors();
                    (acquire, Release::point(points.release), None)
                }
                None => {
                    let acquire = match Acquire::implicit(imported.dmabuf.fd(), self.now) {
                        Ok(acquire) => acquire,
                        Err(error) if error.is_transient() => {
                            // No descriptor for the fence: showing the buffer unfenced would show half a picture.
                            tracing::warn!("surface {id} commit {serial} is not shown: implicit fence: {error}");
                            return None;
                        }
                        Err(error) => {
                            tracing::debug!("surface {id} commit {serial}: implicit fence: {error}");
                            Acquire::ready()
                        }
                    };
                    (acquire, Release::dmabuf(&imported.fds()), Some(buffer))
                }
            };
            let source = Source::Dmabuf(imported);
            return Some(Content::new(Parts { surface: id, serial, source, size, opaque, acquire, release, buffer }));
        }
        let opaque = smithay::wayland::shm::with_buffer_contents(&buffer, |_, _, data| {
            smithay::backend::allocator::format::has_alpha(
                smithay::wayland::shm::shm_format_to_fourcc(data.format).unwrap_or(drm_fourcc::DrmFourcc::Argb8888),
            )
        });
        let opaque = !opaque.ok()?;
        let (source, acquire, release) = (Source::Shm(buffer.clone()), Acquire::ready(), Release::none());
        Some(Content::new(Parts { surface: id, serial, source, size, opaque, acquire, release, buffer: Some(buffer) }))
    }

    /// Waits for a pending acquire with the reactor, unless the latch may hand the fence to the display.
    fn wait_or_defer(&mut self, surface: &WlSurface, commit: Arc<PendingCommit>) {
        // Whoever makes the fence hears when it is wanted: at the next vblank that it can still make.
        if let Some(vblank) = self.outputs.next_vblank(self.now) {
            commit.content.with_acquire(|acquire| acquire.set_deadline(vblank));
        }
        if self.may_hand_over(surface, &commit) {
            self.redraw_surface(surface);
            return;
        }
        self.wait_for(surface, commit);
    }

    /// Has the reactor wake us when the acquire moves on.
    pub fn wait_for(&mut self, surface: &WlSurface, commit: Arc<PendingCommit>) {
        let waiting = Waiting { commit: commit.clone(), surface: surface.downgrade(), reported: false };
        let slot = self.acquires.insert(waiting);
        self.watch_acquire(slot, &commit);
    }

    fn watch_acquire(&mut self, slot: u32, commit: &PendingCommit) {
        let watched = commit.content.with_acquire(|acquire| match acquire.wait_fd() {
            Some(fd) => self.reactor.add(fd, reactor::Source::Acquire(slot)),
            None => Ok(()),
        });
        if let Err(error) = watched {
            // Out of descriptors or memory: the watchdog looks at it again, nobody else is held up.
            tracing::warn!("cannot wait for the acquire fence of surface {}: {error}", commit.content.surface);
        }
    }

    /// An acquire's descriptor is readable: moves it on, and lets the commit through if that resolves it.
    pub fn acquire_event(&mut self, slot: u32) {
        let Some(waiting) = self.acquires.get(slot) else { return };
        let commit = waiting.commit.clone();
        commit.content.with_acquire(|acquire| acquire.wait_fd().map(|fd| self.reactor.remove(fd).ok()));
        let before = commit.content.acquire_state();
        let after = commit.content.advance().unwrap_or_else(|error| {
            tracing::warn!("surface {}: acquire: {error}", commit.content.surface);
            before
        });
        if matches!(after, AcquireState::Signalled { .. } | AcquireState::Failed(_)) {
            let Some(waiting) = self.acquires.remove(slot) else { return };
            if let Ok(surface) = waiting.surface.upgrade() {
                self.let_through(&surface, &commit, "waited");
            }
            return;
        }
        // Materialised, not yet signalled: perhaps the latch may take it now.
        let surface = self.acquires.get(slot).and_then(|w| w.surface.upgrade().ok());
        if let Some(surface) = surface.filter(|surface| self.may_hand_over(surface, &commit)) {
            self.acquires.remove(slot);
            self.redraw_surface(&surface);
            return;
        }
        self.watch_acquire(slot, &commit);
    }

    /// Opens the gate of a commit, supersedes the surface's older ones, and applies what is free to go.
    pub fn let_through(&mut self, surface: &WlSurface, commit: &Arc<PendingCommit>, mode: &'static str) {
        let older = with_states(surface, |states| {
            let mut surface = SurfaceState::of(states);
            if let AcquireState::Signalled { at } = commit.content.acquire_state() {
                surface.predictor.record(commit.committed, at);
            }
            let until = surface.pending.iter().position(|p| Arc::ptr_eq(p, commit)).map_or(0, |i| i + 1);
            let mut opened: Vec<_> = surface.pending.drain(..until).collect();
            opened.pop();
            opened
        });
        self.supersede(&older);
        trace_acquire(&commit.content, commit.committed, mode, self.now);
        match mode {
            "waited" => self.counters.acquires_waited += 1,
            _ => self.counters.acquires_handed_over += 1,
        }
        commit.open();
        if let Some(client) = surface.client() {
            let display = self.display.clone();
            self.client_state(&client).compositor.blocker_cleared(self, &display);
        }
    }

    /// Gives up commits that a newer one has overtaken.
    fn supersede(&mut self, older: &[Arc<PendingCommit>]) {
        if older.is_empty() {
            return;
        }
        for slot in self.acquires.matching(|w| older.iter().any(|old| Arc::ptr_eq(old, &w.commit))) {
            self.stop_waiting(slot);
        }
        for old in older {
            old.supersede();
            trace_acquire(&old.content, old.committed, "waited", self.now);
        }
    }

    /// Forgets a slot and its wake-up.
    pub fn stop_waiting(&mut self, slot: u32) {
        let Some(waiting) = self.acquires.remove(slot) else { return };
        waiting.commit.content.with_acquire(|acquire| acquire.wait_fd().map(|fd| self.reactor.remove(fd).ok()));
    }
}

/// Installs what a commit brought; called by Smithay's commit handler when its state has been applied.
///
/// Returns whether the surface's picture changed.
pub fn apply(surface: &WlSurface) -> bool {
    with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let attributes = attributes.current();
        // The buffer is ours to release; Smithay must not see it again.
        attributes.buffer.take();
        attributes.buffer_delta.take();
        let damage = std::mem::take(&mut attributes.damage);
        let attach = states.cached_state.get::<Update>().current().attach.take();
        let mut surface = SurfaceState::of(states);
        let mut changed = !damage.is_empty();
        match attach {
            None => {}
            Some(Attach::Removed) => {
                surface.current = None;
                surface.damage.reset();
                changed = true;
            }
            Some(Attach::Buffer(content)) => {
                let failed = matches!(content.acquire_state(), AcquireState::Failed(_));
                if failed || content.is_superseded() {
                    // The last good frame stays; dropping the content releases the buffer, with its error if it has one.
                    let mut feedback = states.cached_state.get::<PresentationFeedbackCachedState>();
                    feedback.current().callbacks.drain(..).for_each(|callback| callback.discarded());
                    if failed {
                        tracing::info!("surface {} commit {}: acquire fence failed", surface.id, content.serial);
                    }
                    return false;
                }
                if surface.current.as_ref().is_some_and(|old| old.size != content.size) {
                    surface.damage.reset();
                }
                surface.current = Some(content);
                changed = true;
            }
        }
        let Some(size) = surface.current.as_ref().map(|content| content.size) else {
            surface.view = View::default();
            return changed;
        };
        let viewport = *states.cached_state.get::<ViewportCachedState>().current();
        let logical = size.to_logical(attributes.buffer_scale.max(1), attributes.buffer_transform.into());
        let view = View::new(size, attributes, &viewport);
        if !ensure_viewport_valid(states, logical) {
            return changed;
        }
        if view != surface.view {
            surface.view = view;
            surface.damage.reset();
            changed = true;
        }
        let all = Rectangle::from_size(size);
        let transform = view.transform;
        surface.damage.add(damage.into_iter().filter_map(|damage| {
            let rect = match damage {
                Damage::Buffer(rect) => rect,
                Damage::Surface(rect) => surface_to_buffer(rect, &view, attributes.buffer_scale.max(1), transform),
            };
            rect.intersection(all)
        }));
        changed
    })
}

/// Surface damage in buffer pixels, rounded outwards.
fn surface_to_buffer(
    rect: Rectangle<i32, smithay::utils::Logical>,
    view: &View,
    scale: i32,
    transform: smithay::utils::Transform,
) -> Rectangle<i32, smithay::utils::Buffer> {
    // Damage may be given as "everything" with huge numbers: clip before multiplying.
    let rect = rect.intersection(Rectangle::from_size(view.size)).unwrap_or_default();
    let unscaled = transform.transform_size(view.src.size);
    let fx = unscaled.w / f64::from(view.size.w.max(1)) / f64::from(scale);
    let fy = unscaled.h / f64::from(view.size.h.max(1)) / f64::from(scale);
    let local = Rectangle::new(
        (f64::from(rect.loc.x) * fx, f64::from(rect.loc.y) * fy).into(),
        (f64::from(rect.size.w) * fx, f64::from(rect.size.h) * fy).into(),
    );
    let area = (unscaled.w / f64::from(scale), unscaled.h / f64::from(scale)).into();
    let mut rect: Rectangle<f64, smithay::utils::Buffer> =
        Rectangle::<f64, smithay::utils::Logical>::to_buffer(local, f64::from(scale), transform, &area);
    rect.loc += view.src.loc;
    rect.to_i32_up()
}

fn trace_commit(surface: &WlSurface, content: &Content, now: Ns) {
    if !trace::enabled() {
        return;
    }
    let buffer = match &content.source {
        Source::Dmabuf(imported) => imported.id,
        Source::Shm(buffer) => u64::from(buffer.id().protocol_id()),
    };
    let point = content.with_acquire(|acquire| acquire.point().map(|p| p.value()));
    let acquire = match (&content.source, content.explicit) {
        (_, true) => "point",
        (Source::Dmabuf(_), false) => "implicit",
        _ => "none",
    };
    trace::commit(now, surface, content.surface, content.serial, buffer, acquire, point);
}

fn trace_acquire(content: &Content, committed: Ns, mode: &'static str, now: Ns) {
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

/// The surface is gone: drops what its commits brought and nobody will apply.
pub fn forget(surface: &WlSurface) {
    with_states(surface, |states| {
        let mut update = states.cached_state.get::<Update>();
        update.pending().attach = None;
        update.current().attach = None;
    });
}

/// Registers [`pre_commit`] on a new surface.
pub fn watch(surface: &WlSurface) {
    compositor::add_pre_commit_hook::<Syncline, _>(surface, pre_commit);
}
