//! From `wl_surface.commit` to the surface's current content.
//!
//! [`pre_commit`] runs while the commit is still pending: it takes the explicit points, builds the [`Content`] and, if
//! the buffer may not be read yet, closes a [`Gate`] in front of the whole commit. [`apply`] runs when Smithay applies
//! the commit's state, which is at once without a gate. Neither waits for anything.

use std::sync::Arc;

use dmabuf_import::{Dmabuf, colour::Representation};
use fence::{Acquire, AcquireState, Ns, Release};
use protocols::{
    color_representation::{self, AttachedPixels},
    explicit_sync,
    syncobj::{self, Attached},
};
use smithay::{
    reexports::wayland_server::{
        DisplayHandle,
        protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
    },
    utils::{Buffer, Rectangle, Size},
    wayland::{
        compositor::{
            self, Barrier, BufferAssignment, Cacheable, Damage, SurfaceAttributes, SurfaceData, add_blocker,
            with_states,
        },
        presentation::PresentationFeedbackCachedState,
        viewporter::{ViewportCachedState, ensure_viewport_valid},
    },
};

use super::{
    Content, PendingCommit, SurfaceState, View,
    buffer::{Imported, Imports, Source},
    content::{By, Parts},
    gate::Gate,
    shm::Shm,
    wait,
};
use crate::{state::Syncline, trace};

/// A client that commits on and on behind fences that never come gets its oldest buffers back unseen.
const MOST_PENDING: usize = 64;

/// The part of a commit that is ours, double-buffered by Smithay with all the rest.
#[derive(Debug, Default)]
struct Update {
    attach: Option<Attach>,
    /// The fifo barrier that the commit sets.
    barrier: Option<Barrier>,
}

/// What the client's explicit synchronisation brought with a commit; never both, since a surface has one object for it.
struct Brought {
    points: Option<syncobj::Points>,
    fences: Option<explicit_sync::Fences>,
}

#[derive(Debug)]
enum Attach {
    Removed,
    Buffer(Arc<Content>),
}

impl Cacheable for Update {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        Self { attach: self.attach.take(), barrier: self.barrier.take() }
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        if let Some(barrier) = self.barrier
            && let Some(old) = into.barrier.replace(barrier)
        {
            old.signal();
        }
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
    let ordered = state.take_turn(surface);
    let mut superseded = Vec::new();
    let pending = with_states(surface, |states| {
        let attached = match &states.cached_state.get::<SurfaceAttributes>().pending().buffer {
            None => None,
            Some(BufferAssignment::Removed) => Some(None),
            Some(BufferAssignment::NewBuffer(buffer)) => Some(Some(buffer.clone())),
        };
        if !color_representation::verify(states, contents(&attached)) {
            return None;
        }
        let kind = match &attached {
            Some(Some(buffer)) => Attached::Buffer { explicit_sync: Imports::of(buffer).is_some() },
            _ => Attached::Nothing,
        };
        // On a violation the client has got its protocol error; nothing of this commit will be applied.
        let Ok(points) = syncobj::take_points(states, kind) else { return None };
        let Ok(fences) = explicit_sync::take_fences(states, kind) else { return None };
        crate::output::tell::answered(states, now);
        let serial = {
            let mut surface = SurfaceState::of(states);
            surface.serial += 1;
            surface.serial
        };
        let buffer = match attached {
            None => return None,
            Some(None) => {
                states.cached_state.get::<Update>().pending().attach = Some(Attach::Removed);
                superseded = SurfaceState::of(states).overtake(usize::MAX);
                return None;
            }
            Some(Some(buffer)) => buffer,
        };
        let content = Arc::new(state.content(states, serial, buffer, Brought { points, fences })?);
        state.live.insert(&content, surface);
        SurfaceState::of(states).pace.commit(now);
        trace_commit(surface, &content, now);
        states.cached_state.get::<Update>().pending().attach = Some(Attach::Buffer(content.clone()));
        // An error here (out of descriptors, say) leaves the acquire pending; the latch looks again.
        let resolved = content.advance().unwrap_or_else(|error| {
            tracing::debug!("surface {} commit {serial}: acquire: {error}", content.surface);
            content.acquire_state()
        });
        match resolved {
            AcquireState::Signalled { .. } | AcquireState::Failed(_) => {
                if content.acquire_by.is_explicit() {
                    wait::trace_acquire(&content, now, "ready", now);
                }
                if !matches!(resolved, AcquireState::Failed(_)) {
                    superseded = SurfaceState::of(states).overtake(usize::MAX);
                }
                None
            }
            AcquireState::Unmaterialised | AcquireState::Pending => {
                let pending = Arc::new(PendingCommit::new(content, now));
                if ordered {
                    pending.keep_turn();
                }
                let mut surface = SurfaceState::of(states);
                if surface.pending.len() >= MOST_PENDING {
                    superseded.extend(surface.pending.pop_front());
                }
                surface.pending.push_back(pending.clone());
                Some(pending)
            }
        }
    });
    // Older ones that still wait for their fences and never will be shown: this one can be, or there are too many.
    state.supersede(&superseded);
    if let Some(pending) = pending {
        add_blocker(surface, Gate(pending.clone()));
        state.wait_or_defer(surface, pending);
    }
}

/// What an attached buffer's pixels are.
fn contents(attached: &Option<Option<WlBuffer>>) -> AttachedPixels {
    let Some(attached) = attached else { return AttachedPixels::Unchanged };
    let Some(buffer) = attached else { return AttachedPixels::Removed };
    let format = Imports::of(buffer).and_then(|imported| dmabuf_import::formats::info(imported.dmabuf.format()));
    match format {
        Some(info) if info.yuv => AttachedPixels::Yuv { is_420: info.hsub == 2 && info.vsub == 2 },
        _ => AttachedPixels::Rgb,
    }
}

impl Syncline {
    /// Builds the content of a commit; `None` if the buffer cannot be shown, and then what the commit brought is answered.
    fn content(&mut self, states: &SurfaceData, serial: u64, buffer: WlBuffer, brought: Brought) -> Option<Content> {
        let id = SurfaceState::of(states).id;
        let (fence, message) = brought.fences.map_or((None, None), |fences| (fences.acquire, fences.release));
        let message = message.map(|message| (self.globals.explicit_sync.release(message), By::Fence));
        let (acquire, release) = match brought.points {
            // A fence that fails has to be able to tell the client so through the release point.
            Some(points) => (
                Some((Acquire::from_point(points.acquire, self.now).carrying_errors(), By::Point)),
                Some((Release::point(points.release), By::Point)),
            ),
            None => (fence.map(|fence| (Acquire::from_sync_file(fence, self.now), By::Fence)), message),
        };
        let seen = self.look_at(states, &buffer);
        let acquire = match (acquire, &seen) {
            (_, None) => None,
            (Some(acquire), _) => Some(acquire),
            (None, Some((Source::Dmabuf(imported), ..))) if imported.shm => Some((Acquire::ready(), By::Buffer)),
            (None, Some((Source::Dmabuf(imported), ..))) => self.implicit(&imported.dmabuf, id, serial),
            (None, Some((Source::Shm(_), ..))) => Some((Acquire::ready(), By::Buffer)),
        };
        let (Some((source, size, opaque)), Some((acquire, acquire_by))) = (seen, acquire) else {
            if let Some(Err(error)) = release.map(|(release, _)| release.complete()) {
                tracing::debug!("surface {id} commit {serial}: giving back what is not shown: {error}");
            }
            return None;
        };
        // Points say it all; a fence's release is beside `wl_buffer.release`, which still goes out.
        let owed = acquire_by != By::Point;
        let (release, release_by) = release.unwrap_or_else(|| match &source {
            Source::Dmabuf(imported) if imported.shm => (Release::none(), By::Buffer),
            Source::Dmabuf(imported) => (Release::dmabuf(&imported.fds()), By::Implicit),
            Source::Shm(_) => (Release::none(), By::Buffer),
        });
        let buffer = owed.then_some(buffer);
        let surface = id;
        let parts = Parts {
            surface,
            serial,
            source,
            size,
            opaque,
            converted: false,
            acquire,
            acquire_by,
            release,
            release_by,
            buffer,
        };
        Some(Content::new(self.through_converter(states, parts)))
    }

    /// What a buffer is made of, its size, and whether every pixel of it is opaque; `None` if it is of a kind that we do not
    /// know, or gone.
    fn look_at(&mut self, states: &SurfaceData, buffer: &WlBuffer) -> Option<(Source, Size<i32, Buffer>, bool)> {
        if let Some(imported) = Imports::of(buffer) {
            let dmabuf = &imported.dmabuf;
            let size = (dmabuf.width() as i32, dmabuf.height() as i32).into();
            return Some((Source::Dmabuf(imported.clone()), size, !dmabuf.format_info().has_alpha));
        }
        let shm: &Arc<Shm> = protocols::shm::import_of(buffer)?;
        let picture = &shm.picture;
        let size = (picture.width as i32, picture.height as i32).into();
        let opaque = !smithay::backend::allocator::format::has_alpha(picture.format);
        let source = self.in_place(states, shm).map_or_else(|| Source::Shm(shm.clone()), Source::Dmabuf);
        Some((source, size, opaque))
    }

    /// The dma-buf of a buffer of shared memory, if it may be read where it is.
    fn in_place(&mut self, states: &SurfaceData, shm: &Arc<Shm>) -> Option<Arc<Imported>> {
        let (held, again) = (shm.is_held(), shm.use_again());
        if !SurfaceState::of(states).shm.commit(shm.id, held) || !again {
            return None;
        }
        let renderer = &mut self.outputs.renderer;
        let known = shm.imported().is_some();
        let imported = shm.in_place(self.udmabuf.as_ref()?, |imported| renderer.check_in_place(imported))?;
        if !known {
            self.imports.insert(imported);
        }
        // What the client has drawn is in the CPU's caches: displays that do not look there have to find it in memory.
        if let Err(error) = imported.dmabuf.flush() {
            tracing::debug!("shm buffer {}: flushing caches: {error}", shm.id);
        }
        Some(imported.clone())
    }

    /// The fences that a client without explicit synchronisation has left in its buffer.
    fn implicit(&self, dmabuf: &Dmabuf, id: u32, serial: u64) -> Option<(Acquire, By)> {
        match Acquire::implicit(dmabuf.fd(), self.now) {
            Ok(acquire) => Some((acquire, By::Implicit)),
            Err(error) if error.is_transient() => {
                // No descriptor for the fence: showing the buffer unfenced would show half a picture.
                tracing::warn!("surface {id} commit {serial} is not shown: implicit fence: {error}");
                None
            }
            Err(error) => {
                tracing::debug!("surface {id} commit {serial}: implicit fence: {error}");
                Some((Acquire::ready(), By::Implicit))
            }
        }
    }
}

/// Installs what a commit brought; called by Smithay's commit handler when its state has been applied. Whether
/// the surface has another size now.
pub fn apply(surface: &WlSurface, now: Ns) -> bool {
    with_states(surface, |states| {
        if let Some(barrier) = states.cached_state.get::<Update>().current().barrier.take() {
            SurfaceState::of(states).turns.applied(barrier, now);
        }
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let attributes = attributes.current();
        // The buffer is ours to release; Smithay must not see it again.
        attributes.buffer.take();
        attributes.buffer_delta.take();
        let damage = std::mem::take(&mut attributes.damage);
        let attach = states.cached_state.get::<Update>().current().attach.take();
        let mut surface = SurfaceState::of(states);
        match attach {
            None => {}
            Some(Attach::Removed) => {
                surface.current = None;
                surface.damage.reset();
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
            }
        }
        let shown = surface.current.as_ref().map(|content| (content.size, content.source.y_invert()));
        let Some((size, y_invert)) = shown else {
            return std::mem::take(&mut surface.view).size != View::default().size;
        };
        let viewport = *states.cached_state.get::<ViewportCachedState>().current();
        let logical = size.to_logical(attributes.buffer_scale.max(1), attributes.buffer_transform.into());
        let mut view = View::new(size, y_invert, attributes, &viewport);
        if surface.current.as_ref().is_some_and(|content| content.source.is_yuv()) {
            let height = size.h.unsigned_abs();
            view.colour = color_representation::current(states).or(Some(Representation::default_for(height)));
        }
        if !ensure_viewport_valid(states, logical) {
            return false;
        }
        let resized = view.size != surface.view.size;
        if view != surface.view {
            surface.view = view;
            surface.damage.reset();
        }
        let all = Rectangle::from_size(size);
        let transform = view.transform;
        if surface.current.as_ref().is_some_and(|content| content.converted) {
            // The client counts in pixels of another size.
            surface.damage.add([all]);
        }
        surface.damage.add(damage.into_iter().filter_map(|damage| {
            let rect = match damage {
                // Told in lines from the top of the picture.
                Damage::Buffer(mut rect) if y_invert => {
                    rect.loc.y = size.h.saturating_sub(rect.loc.y).saturating_sub(rect.size.h);
                    rect
                }
                Damage::Buffer(rect) => rect,
                Damage::Surface(rect) => surface_to_buffer(rect, &view, attributes.buffer_scale.max(1), transform),
            };
            rect.intersection(all)
        }));
        resized
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
    let buffer = content.source.id();
    let point = content.with_acquire(|acquire| acquire.point().map(|p| p.value()));
    let ends = (content.acquire_by.acquire_name(), content.release_by.name());
    trace::commit(now, surface, content.surface, content.serial, buffer, ends, point);
}

/// The surface is gone: drops what its commits brought and nobody will apply.
pub fn forget(surface: &WlSurface) {
    with_states(surface, |states| {
        let mut update = states.cached_state.get::<Update>();
        update.pending().attach = None;
        update.current().attach = None;
        SurfaceState::of(states).turns.forget();
    });
}

/// Puts the barrier that the commit being made sets where [`apply`] will find it.
pub(super) fn set_barrier(states: &SurfaceData, barrier: Barrier) {
    states.cached_state.get::<Update>().pending().barrier = Some(barrier);
}

/// Registers [`pre_commit`] on a new surface.
pub fn watch(surface: &WlSurface) {
    compositor::add_pre_commit_hook::<Syncline, _>(surface, pre_commit);
}
