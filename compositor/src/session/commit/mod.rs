//! The steps of every `wl_surface.commit` before its state is applied.
//!
//! ```text
//!  prepare_commit ─→ the client's points or fences, the Content, the protocols' errors   (here)
//!  cache   ─→ a synchronised sub-surface: until its parent commits                 (submit)
//!  submit  ─→ a gate, if a buffer may not be read yet; then it is Smithay's        (submit)
//! ```
//!
//! What happens when Smithay applies the commit is in [`crate::surface::apply`]. Nothing here waits.

mod mem2mem;
mod order;
pub mod submit;
pub mod wait;

use std::sync::Arc;

use fence::{Acquire, Ns, Release, implicit::Access};
use protocols::{
    color_representation::{self, AttachedPixels},
    explicit_sync,
    surface_release::{self, ReleaseCallbacks},
    syncobj::{self, Attached},
};
use smithay::{
    reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
    wayland::{
        compositor::{BufferAssignment, SurfaceAttributes, SurfaceData, with_states},
        shell::xdg::{XDG_TOPLEVEL_ROLE, XdgToplevelSurfaceData},
    },
};

use crate::{
    session::{Syncline, commit::order::Barriers},
    surface::{
        SurfaceState,
        apply::{Attach, CommitUpdate},
        buffer::{Imported, Imports, PixelSource},
        client::client_pid,
        content::{Content, ContentParts, SyncMethod},
        double_buffered::double_buffered,
        feedback::Feedback,
        shm::Shm,
        solid::Solid,
    },
    system::{id::SurfaceId, trace},
};

/// What a client has brought with a buffer. Explicit synchronisation is never of both kinds, since a
/// surface has an object of only one of the protocols.
struct Brought {
    points: Option<syncobj::Points>,
    fences: Option<explicit_sync::Fences>,
    callbacks: Option<ReleaseCallbacks>,
}

impl Syncline {
    /// The first step of every `wl_surface.commit`, at the commit itself: makes the content, and
    /// raises the errors of the protocols. Returns what holds the commit besides fences.
    fn prepare_commit(&mut self, surface: &WlSurface, synchronised: bool) -> Barriers {
        let now = self.now;
        let barriers = self.take_order(surface, synchronised);
        let text_cursor = self.globals.text_inputs.take_cursor(surface);
        with_states(surface, |states| {
            if let Some(serial) = newly_acked(states) {
                states.cached_state.get::<CommitUpdate>().pending().rare.get_or_insert_default().acked = Some(serial);
            }
            if text_cursor.is_some() {
                let mut update = states.cached_state.get::<CommitUpdate>();
                update.pending().rare.get_or_insert_default().text_cursor = text_cursor;
            }
            let attached = match &states.cached_state.get::<SurfaceAttributes>().pending().buffer {
                None => None,
                Some(BufferAssignment::Removed) => Some(None),
                Some(BufferAssignment::NewBuffer(buffer)) => Some(Some(buffer.clone())),
            };
            let pixels = {
                let mut surface = SurfaceState::of(states);
                if let Some(attached) = &attached {
                    surface.pixels = attached_pixels(attached.as_ref());
                }
                surface.pixels
            };
            if !color_representation::verify(states, pixels) {
                return;
            }
            let kind = match &attached {
                Some(Some(buffer)) => Attached::Buffer { explicit_sync: Imports::of(buffer).is_some() },
                _ => Attached::Nothing,
            };
            // On a violation the client gets its protocol error, and nothing of this commit is
            // applied.
            let has_buffer = kind != Attached::Nothing;
            let Ok(callbacks) = surface_release::take(surface, states, has_buffer) else { return };
            let Ok(points) = syncobj::take_points(states, kind) else { return };
            let Ok(fences) = explicit_sync::take_fences(states, kind) else { return };
            crate::surface::callback_response::note_response(states, now);
            Feedback::take(states);
            // From here on the content releases the buffer; Smithay must not know it.
            states.cached_state.get::<SurfaceAttributes>().pending().buffer = None;
            let serial = {
                let mut surface = SurfaceState::of(states);
                surface.serial += 1;
                surface.serial
            };
            let attach = match attached {
                None => return,
                Some(None) => Attach::Removed,
                Some(Some(buffer)) => {
                    let Some(content) = self.content(states, serial, buffer, Brought { points, fences, callbacks })
                    else {
                        if let Some(mut feedback) = double_buffered::<Feedback>(states) {
                            feedback.pending().discard_commit();
                        }
                        return;
                    };
                    let content = Arc::new(content);
                    self.live.insert(&content);
                    SurfaceState::of(states).rate.commit(now);
                    trace_commit(surface, &content, now);
                    Attach::Buffer(content)
                }
            };
            states.cached_state.get::<CommitUpdate>().pending().attach = Some(attach);
        });
        barriers
    }
}

/// The configure that the client of a window has acknowledged last, if it was after the commit before.
fn newly_acked(states: &SurfaceData) -> Option<u32> {
    if states.role != Some(XDG_TOPLEVEL_ROLE) {
        return None;
    }
    let serial = states.data_map.get::<XdgToplevelSurfaceData>()?.lock().ok()?.configure_serial.map(u32::from)?;
    let mut state = SurfaceState::of(states);
    let before = state.placed.get_or_insert_default().acked.replace(serial);
    (before != Some(serial)).then_some(serial)
}

/// What the pixels of an attached buffer are; `None`: the null buffer.
fn attached_pixels(attached: Option<&WlBuffer>) -> AttachedPixels {
    let Some(buffer) = attached else { return AttachedPixels::Removed };
    let format = Imports::of(buffer).and_then(|imported| dmabuf_import::formats::info(imported.dmabuf.format()));
    match format {
        Some(info) if info.yuv => AttachedPixels::Yuv { is_420: info.hsub == 2 && info.vsub == 2 },
        _ => AttachedPixels::Rgb,
    }
}

impl Syncline {
    /// Builds the content of a commit. Returns `None` if the buffer cannot be shown; its release is
    /// completed then.
    fn content(&mut self, states: &SurfaceData, serial: u64, buffer: WlBuffer, brought: Brought) -> Option<Content> {
        let id = SurfaceState::of(states).id;
        let by_points = brought.points.is_some();
        let (fence, message) = brought.fences.map_or((None, None), |fences| (fences.acquire, fences.release));
        let message = message.map(|message| (self.globals.explicit_sync.release(message), SyncMethod::Fence));
        let (acquire, release) = match brought.points {
            // The release point must be able to carry the error of a failed fence to the client.
            Some(points) => (
                Some((Acquire::from_point(points.acquire, self.now).carrying_errors(), SyncMethod::Point)),
                Some((Release::point(points.release), SyncMethod::Point)),
            ),
            None => (fence.map(|fence| (Acquire::from_sync_file(fence, self.now), SyncMethod::Fence)), message),
        };
        let seen = self.pixels_of(states, &buffer);
        let acquire = match (acquire, &seen) {
            (_, None) => None,
            (Some(acquire), _) => Some(acquire),
            (None, Some((PixelSource::Dmabuf(imported), ..))) if imported.shm => {
                Some((Acquire::ready(), SyncMethod::Buffer))
            }
            (None, Some((PixelSource::Dmabuf(imported), ..))) => Some(self.implicit(imported, id, serial)),
            (None, Some((PixelSource::Shm(_) | PixelSource::Solid(_), ..))) => {
                Some((Acquire::ready(), SyncMethod::Buffer))
            }
        };
        let (Some((source, opaque)), Some((acquire, acquire_by))) = (seen, acquire) else {
            if !by_points {
                buffer.release();
            }
            if let Some(Err(error)) = release.map(|(release, _)| release.complete()) {
                tracing::debug!("surface {id} commit {serial}: cannot release a buffer that is not shown: {error}");
            }
            return None;
        };
        // Timeline points replace `wl_buffer.release`. A release fence comes in addition to it.
        let owed = acquire_by != SyncMethod::Point;
        let solid = matches!(source, PixelSource::Solid(_));
        let copied =
            (solid || matches!(source, PixelSource::Shm(_))) && acquire_by == SyncMethod::Buffer && release.is_none();
        let (release, release_by) = match (release, &source) {
            (Some((release, by)), _) => (Some(release), by),
            (None, PixelSource::Dmabuf(imported)) if !imported.shm => {
                (Some(Release::dmabuf(imported.fds())), SyncMethod::Implicit)
            }
            (None, _) => ((!copied).then(Release::none), SyncMethod::Buffer),
        };
        let buffer = owed.then_some(buffer);
        let surface = id;
        let parts = ContentParts {
            surface,
            serial,
            committed_at: self.now,
            source,
            opaque,
            converted: false,
            ends: release.map(|release| (acquire, release)),
            acquire_by,
            release_by,
            buffer,
            callbacks: brought.callbacks,
        };
        let content = Content::new(self.through_converter(states, parts));
        if solid {
            // Its colour is known: nobody reads the buffer.
            content.copied();
        }
        Some(content)
    }

    /// The pixels of a buffer, and whether all of them are opaque; `None` if the buffer
    /// is of an unknown kind or gone.
    fn pixels_of(&mut self, states: &SurfaceData, buffer: &WlBuffer) -> Option<(PixelSource, bool)> {
        if let Some(imported) = Imports::of(buffer) {
            return Some((PixelSource::Dmabuf(imported.clone()), !imported.dmabuf.format_info().has_alpha));
        }
        if let Some(solid) = protocols::single_pixel_buffer::import_of::<Arc<Solid>>(buffer) {
            return Some((PixelSource::Solid(solid.clone()), solid.is_opaque()));
        }
        let shm: &Arc<Shm> = protocols::shm::import_of(buffer)?;
        let opaque = !smithay::backend::allocator::format::has_alpha(shm.picture.format);
        let source =
            self.import_in_place(states, shm).map_or_else(|| PixelSource::Shm(shm.clone()), PixelSource::Dmabuf);
        Some((source, opaque))
    }

    /// The dma-buf of a buffer of shared memory, if it may be read in place.
    fn import_in_place(&mut self, states: &SurfaceData, shm: &Arc<Shm>) -> Option<Arc<Imported>> {
        let (held, again) = (shm.is_held(), shm.note_use());
        if !SurfaceState::of(states).shm.commit(shm.id, held) || !again {
            return None;
        }
        let renderer = &mut self.outputs.renderer;
        let known = shm.imported().is_some();
        let imported = shm.in_place(self.udmabuf.as_ref()?, |imported| renderer.check_in_place(imported))?;
        if !known {
            self.imports.insert(imported);
        }
        // The client's writes are in the CPU's caches; a display that does not snoop them must find
        // the data in memory.
        if let Err(error) = imported.dmabuf.flush() {
            tracing::debug!("shm buffer {}: flushing caches: {error}", shm.id);
        }
        Some(imported.clone())
    }

    /// The fences in the dma-bufs of a client without explicit synchronisation.
    fn implicit(&self, imported: &Arc<Imported>, id: SurfaceId, serial: u64) -> (Acquire, SyncMethod) {
        let exported = imported.dmabuf.export_sync_file(Access::Read);
        let acquire = match exported.map(|file| Acquire::from_sync_file(file, self.now)) {
            Ok(acquire) => acquire,
            Err(error) if error.is_transient() => {
                // There is no descriptor for the fence. The buffer shown without it could be half
                // rendered, so the commit waits until there is one.
                tracing::debug!("surface {id} commit {serial}: implicit fence: {error}");
                let imported = imported.clone();
                Acquire::owed(move || imported.dmabuf.export_sync_file(Access::Read), self.now)
            }
            Err(error) => {
                tracing::debug!("surface {id} commit {serial}: implicit fence: {error}");
                Acquire::ready()
            }
        };
        (acquire, SyncMethod::Implicit)
    }
}

fn trace_commit(surface: &WlSurface, content: &Content, now: Ns) {
    if !trace::enabled() {
        return;
    }
    let buffer = content.source.id();
    let point = content.with_acquire(|acquire| acquire.point().map(|p| p.value()));
    let ends = (content.acquire_by.acquire_name(), content.release_by.name());
    trace::commit(now, client_pid(surface), content.surface, content.serial, buffer, ends, point);
}
