//! One committed buffer and its fences, shared by all who still read it.
//!
//! Dropping the last `Arc<Content>` completes the release. Holders are: the surface (until a newer
//! commit replaces the content), each output plane (until the commit that replaces the content has
//! been made), the CRC predictor (while it reads the pixels) and the gate of a pending commit.
//! Asynchronous readers are not holders but *users with a fence*: the GPU pass that samples the
//! buffer, and the display until the flip of the replacing commit. Nothing here waits for a fence.

use std::{
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use dmabuf_import::Dmabuf;
use fence::implicit::Access;
use fence::{Acquire, AcquireReport, AcquireState, CallError, Ns, Point, Predictor, Release, Status, SyncFile};
use protocols::surface_release::ReleaseCallbacks;
use smithay::reexports::wayland_server::protocol::wl_buffer::WlBuffer;

use crate::{
    surface::{buffer::PixelSource, shm::Shm},
    system::{id::SurfaceId, trace},
};

/// How the acquire or the release of a commit is synchronised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMethod {
    /// Nothing but `wl_buffer.release`.
    Buffer,
    /// The fences on the dma-buf.
    Implicit,
    /// A fence in a message (`zwp_linux_explicit_synchronization_v1`).
    Fence,
    /// A timeline point (`linux-drm-syncobj-v1`).
    Point,
}

impl SyncMethod {
    /// Whether the client supplies the fence or timeline point itself.
    pub fn is_explicit(self) -> bool {
        matches!(self, SyncMethod::Fence | SyncMethod::Point)
    }

    /// The name in the trace and in reports.
    pub fn name(self) -> &'static str {
        match self {
            SyncMethod::Buffer => "wl_buffer",
            SyncMethod::Implicit => "implicit",
            SyncMethod::Fence => "fence",
            SyncMethod::Point => "point",
        }
    }

    /// The name of an acquire in the trace.
    pub fn acquire_name(self) -> &'static str {
        if self == SyncMethod::Buffer { "none" } else { self.name() }
    }
}

/// One commit of a buffer; the same `wl_buffer` committed again makes another content.
#[derive(Debug)]
pub struct Content {
    /// The surface's id, see [`crate::surface::SurfaceState::id`].
    pub surface: SurfaceId,
    /// The surface's commit number.
    pub serial: u64,
    /// When it was committed, in milliseconds; what there is of that in so many bits, 49 days.
    committed_ms: u32,
    /// Where the pixels are.
    pub source: PixelSource,
    /// The format has no alpha.
    pub opaque: bool,
    /// The buffer is the compositor's own: a converter wrote it from the client's buffer.
    pub converted: bool,
    /// How the acquire is synchronised.
    pub acquire_by: SyncMethod,
    /// How the release is synchronised.
    pub release_by: SyncMethod,
    superseded: AtomicBool,
    handed_over: AtomicBool,
    late: AtomicBool,
    awaited: AtomicBool,
    ends: Mutex<Ends>,
}

/// What is left to be done for the client of a content.
#[derive(Debug)]
struct Ends {
    /// `None`: there is nothing but `wl_buffer.release`, as with most shared memory that is copied. In a
    /// box, since most contents of a desktop that stands still are such copies.
    fences: Option<Box<ContentFences>>,
    /// The buffer to send `wl_buffer.release` to; `None` with a release point, which replaces the
    /// event.
    buffer: Option<WlBuffer>,
}

#[derive(Debug)]
struct ContentFences {
    acquire: Acquire,
    /// `None` once the release is completed.
    release: Option<Release>,
    /// The fence of the last GPU pass that samples the buffer. All passes use one queue, so it
    /// implies the earlier ones.
    pass: Option<SyncFile>,
    /// That pass captures the buffer for a client.
    captured: bool,
    /// The frame whose commit took the buffer off the screen.
    replaced_by: Option<u64>,
    /// Who is told when no reader is left.
    callbacks: Option<ReleaseCallbacks>,
}

impl Ends {
    /// The acquire; `None`: it is [`Acquire::ready`].
    fn acquire(&mut self) -> Option<&mut Acquire> {
        self.fences.as_mut().map(|fences| &mut fences.acquire)
    }

    /// The fences, unless the release is completed.
    fn unreleased(&mut self) -> Option<&mut ContentFences> {
        self.fences.as_deref_mut().filter(|fences| fences.release.is_some())
    }

    /// Whether the client waits for an event that carries no fence.
    fn owes_event(&self) -> bool {
        self.buffer.is_some() || self.has_callbacks()
    }

    fn has_callbacks(&self) -> bool {
        self.fences.as_ref().is_some_and(|fences| fences.callbacks.is_some())
    }

    fn is_completed(&self) -> bool {
        self.fences.as_ref().is_none_or(|fences| fences.release.is_none())
    }
}

/// See [`Content::lock_acquire`].
#[derive(Debug)]
pub struct AcquireLock<'a>(MutexGuard<'a, Ends>);

impl AcquireLock<'_> {
    /// The fence's descriptor, which stays the content's; `None` once it has signalled.
    pub fn fence(&self) -> Option<BorrowedFd<'_>> {
        self.0.fences.as_ref()?.acquire.fence().map(AsFd::as_fd)
    }
}

/// The fields of a new [`Content`].
#[derive(Debug)]
pub struct ContentParts {
    pub surface: SurfaceId,
    pub serial: u64,
    /// When it is committed; 0 for what is not a client's.
    pub committed_at: Ns,
    pub source: PixelSource,
    pub opaque: bool,
    pub converted: bool,
    /// `None`: the buffer may be read at once, is copied, and is released with nothing but the
    /// event.
    pub ends: Option<(Acquire, Release)>,
    pub acquire_by: SyncMethod,
    pub release_by: SyncMethod,
    /// The buffer to send `wl_buffer.release` to, if the client waits for that event.
    pub buffer: Option<WlBuffer>,
    /// Of `wl_surface.get_release`.
    pub callbacks: Option<ReleaseCallbacks>,
}

fn milliseconds(time: Ns) -> u32 {
    (time / 1_000_000) as u32
}

impl Content {
    /// Takes ownership of the fences. From here on the release is completed in every case.
    pub fn new(parts: ContentParts) -> Self {
        let callbacks = parts.callbacks;
        let ends = parts.ends.or_else(|| callbacks.is_some().then(|| (Acquire::ready(), Release::none())));
        let ends = ends.map(|(acquire, release)| {
            let (release, pass, captured, replaced_by) = (Some(release), None, false, None);
            Box::new(ContentFences { acquire, release, pass, captured, replaced_by, callbacks })
        });
        Self {
            surface: parts.surface,
            serial: parts.serial,
            committed_ms: milliseconds(parts.committed_at),
            source: parts.source,
            opaque: parts.opaque,
            converted: parts.converted,
            acquire_by: parts.acquire_by,
            release_by: parts.release_by,
            superseded: AtomicBool::new(false),
            handed_over: AtomicBool::new(false),
            late: AtomicBool::new(false),
            awaited: AtomicBool::new(false),
            ends: Mutex::new(Ends { fences: ends, buffer: parts.buffer }),
        }
    }

    /// The same commit with a copy of its pixels that is the session's own: it owes its client nothing.
    pub fn with_copy(&self, copy: Arc<Shm>) -> Self {
        Self::new(ContentParts {
            surface: self.surface,
            serial: self.serial,
            committed_at: 0,
            source: PixelSource::Shm(copy),
            opaque: self.opaque,
            converted: false,
            ends: None,
            acquire_by: SyncMethod::Buffer,
            release_by: SyncMethod::Buffer,
            buffer: None,
            callbacks: None,
        })
    }

    /// Whether clients can put fences into the memory.
    fn has_client_fences(&self) -> bool {
        !self.converted && self.surface != SurfaceId::POINTER
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().expect("no panic while locked")
    }

    /// The buffer's framebuffer on a card, created at the first call; `None`: the buffer is not a
    /// dma-buf, or the card refused it.
    pub fn framebuffer(&self, device: &kms::Device) -> Option<kms::Framebuffer> {
        match &self.source {
            PixelSource::Dmabuf(imported) => imported.framebuffer(device),
            PixelSource::Shm(_) | PixelSource::Solid(_) => None,
        }
    }

    /// Updates the state of the acquire without waiting; see [`Acquire::advance`].
    pub fn advance(&self) -> Result<AcquireState, CallError> {
        self.ends().acquire().map_or(Ok(AcquireState::Signalled { at: 0 }), Acquire::advance)
    }

    /// The last known state of the acquire; makes no system call.
    pub fn acquire_state(&self) -> AcquireState {
        self.ends().acquire().map_or(AcquireState::Signalled { at: 0 }, |acquire| acquire.state())
    }

    /// Calls `f` with the acquire.
    pub fn with_acquire<T>(&self, f: impl FnOnce(&mut Acquire) -> T) -> T {
        f(self.ends().acquire().unwrap_or(&mut Acquire::ready()))
    }

    /// Lends the acquire's fence: its state and its descriptor stay as they are meanwhile. Other
    /// calls about the fences wait, so it is for one system call; never lock a content twice.
    pub fn lock_acquire(&self) -> AcquireLock<'_> {
        AcquireLock(self.ends())
    }

    /// Marks the content as never to be shown, because a newer commit of the surface replaces it.
    pub fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
    }

    /// The acquire point for which the kernel keeps an eventfd until it comes; `None`: there is none.
    pub fn watched_point(&self) -> Option<Point> {
        self.ends().acquire()?.watched_point().cloned()
    }

    /// Supersedes the content and releases its buffer now, even if the content is still held; its
    /// acquire fence is no longer waited for. Only for contents that nothing has read.
    pub fn give_up(&self) {
        self.supersede();
        let mut ends = self.ends();
        self.finish(&mut ends);
        ends.acquire().into_iter().for_each(|acquire| *acquire = Acquire::ready());
    }

    /// See [`Content::supersede`].
    pub fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Acquire)
    }

    /// Whether the CPU may read the buffer: the acquire is known to have signalled. A fence that was
    /// handed over may also have failed, because then the display shows what is in the buffer, and
    /// nobody writes it any more.
    pub fn is_ready(&self) -> bool {
        match self.acquire_state() {
            AcquireState::Signalled { .. } => true,
            AcquireState::Failed(_) => self.handed_over.load(Ordering::Acquire) && !self.is_late(),
            AcquireState::Unmaterialised | AcquireState::Pending => false,
        }
    }

    /// Marks the content as one that hardware waits for: it is shown even if its fence fails.
    pub fn set_handed_over(&self) {
        self.handed_over.store(true, Ordering::Release);
    }

    /// Whether the acquire is known to be pending.
    pub fn is_pending(&self) -> bool {
        matches!(self.acquire_state(), AcquireState::Pending)
    }

    /// A descriptor of the acquire's fence, for a reader that waits for it; `None`: there is nothing
    /// to wait for. Error: no descriptor is left, and the content must not be read.
    pub fn pending_fence(&self) -> Result<Option<SyncFile>, CallError> {
        match self.is_ready() {
            true => Ok(None),
            false => self.with_acquire(|acquire| acquire.fence().map(SyncFile::try_clone).transpose()),
        }
    }

    /// The client's dma-buf that is read, whose fences its readers wait for; `None`: there is none.
    pub fn client_memory(&self) -> Option<&Dmabuf> {
        match &self.source {
            PixelSource::Dmabuf(imported) if self.has_client_fences() && !imported.shm => Some(&imported.dmabuf),
            _ => None,
        }
    }

    /// [`Content::advance`] before the buffer is read: after the acquire the fences in the memory
    /// of the buffer count, too, which others wait for when they read it. If one of them is
    /// pending, it is the content's acquire from now on. One system call more than `advance`, and
    /// only at the end. Error: as [`Content::advance`]; nothing has changed then.
    pub fn advance_to_read(&self, now: Ns) -> Result<AcquireState, CallError> {
        let state = self.advance()?;
        match (state, self.client_memory()) {
            (AcquireState::Signalled { .. }, Some(memory)) if !memory.is_readable() => self.await_memory(now),
            _ => Ok(state),
        }
    }

    /// Makes the fences that writers have put into the memory the content's acquire. Error: they
    /// cannot be taken out; nothing has changed then.
    pub fn await_memory(&self, now: Ns) -> Result<AcquireState, CallError> {
        let Some(memory) = self.client_memory() else { return Ok(self.acquire_state()) };
        let mut acquire = Acquire::from_sync_file(memory.export_sync_file(Access::Read)?, now);
        let state = acquire.advance()?;
        if let Some(old) = self.ends().acquire() {
            *old = acquire;
        }
        Ok(state)
    }

    /// Marks the content as one whose fence came when it was a surface's content already.
    pub fn set_late(&self) {
        self.late.store(true, Ordering::Release);
    }

    /// See [`Content::set_late`].
    pub fn is_late(&self) -> bool {
        self.late.load(Ordering::Acquire)
    }

    /// Whether the content is a surface's content, and may not be read: a fence has come late, and
    /// is pending or has failed.
    pub fn is_held_back(&self) -> bool {
        self.is_late() && !self.is_ready()
    }

    /// The event loop waits for the acquire, or does so no more.
    pub fn set_awaited(&self, awaited: bool) {
        self.awaited.store(awaited, Ordering::Release);
    }

    /// Whether the event loop waits for the acquire.
    pub fn is_awaited(&self) -> bool {
        self.awaited.load(Ordering::Acquire)
    }

    /// Whether the content is a surface's content, and a frame has done without it: it is held back,
    /// or a fence that was handed over was pending where nothing could wait for it.
    pub fn is_left_out(&self) -> bool {
        (self.is_late() || self.is_awaited()) && !self.is_ready()
    }

    /// Whether the content is stalled: its acquire fence was committed as an in-fence and is still
    /// pending long after the vblank. Such a content would hold up every other frame that shows it,
    /// so it is left out of them. A commit whose fence the event loop waits for is not in a scene
    /// yet.
    pub fn is_stalled(&self, now: fence::Ns) -> bool {
        const LONG: fence::Ns = 100_000_000;
        let mut ends = self.ends();
        let Some(acquire) = ends.acquire() else { return false };
        // The state may be out of date since the hand-over: this check costs one system call.
        matches!(acquire.state(), AcquireState::Pending)
            && acquire.age(now) > LONG
            && matches!(acquire.advance(), Ok(AcquireState::Pending))
    }

    /// Notes that a GPU pass, or the copy that a pass waits for, reads the buffer until `fence`
    /// signals. Replaces the fence of an earlier one. Does nothing if the buffer is copied by the CPU:
    /// the pass samples the copy.
    pub fn used_by_pass(&self, fence: SyncFile) {
        if let Some(fences) = self.ends().unreleased() {
            (fences.pass, fences.captured) = (Some(fence), false);
        }
    }

    /// The same for a pass that captures the buffer for a client.
    pub fn used_by_capture(&self, fence: SyncFile) {
        if let Some(fences) = self.ends().unreleased() {
            (fences.pass, fences.captured) = (Some(fence), true);
        }
    }

    /// Whether the content must be held until every reader is done: its client waits for an event,
    /// which carries no fence, and there is none in the memory either. So it is with shared memory that
    /// is read in place, and with `wl_surface.get_release`.
    pub fn is_held_by_readers(&self) -> bool {
        matches!(&self.source, PixelSource::Dmabuf(imported) if imported.shm) || self.ends().has_callbacks()
    }

    /// The pixels were copied and the buffer is no longer needed: releases it to the client now.
    pub fn copied(&self) {
        self.finish(&mut self.ends());
    }
}

/// The fences of a content, for reports.
#[derive(Debug)]
pub struct FenceSnapshot {
    /// The time since the commit, in whole milliseconds.
    pub age_ns: Ns,
    pub acquire: AcquireReport,
    /// The timeline value of the release point.
    pub release_point: Option<u64>,
    /// A render pass that samples the buffer is pending.
    pub rendering: bool,
    /// That pass captures it for a client.
    pub captured: bool,
}

impl Content {
    /// The current state of the fences, with one system call for each that may be pending; `None`
    /// once the content is released. Changes no state, so the event loop still sees the acquire as
    /// it was.
    pub fn snapshot(&self, now: Ns, predictor: Option<&Predictor>) -> Option<FenceSnapshot> {
        let age_ns = Ns::from(milliseconds(now).wrapping_sub(self.committed_ms)) * 1_000_000;
        let mut ends = self.ends();
        let Ends { fences, buffer } = &mut *ends;
        let Some(fences) = fences else {
            let acquire = AcquireReport::new(&Acquire::ready(), now, predictor);
            return buffer.is_some().then_some(FenceSnapshot {
                age_ns,
                acquire,
                release_point: None,
                rendering: false,
                captured: false,
            });
        };
        let release = fences.release.as_ref()?;
        let mut acquire = AcquireReport::new(&fences.acquire, now, predictor);
        let pending =
            |fence: &SyncFile| fence.driver_and_status().is_ok_and(|summary| summary.status == Status::Active);
        if acquire.state == "pending" && !fences.acquire.fence().is_some_and(pending) {
            // The state was not updated yet: the event is still queued, or the hardware waited for
            // the fence.
            acquire.state = "signalled";
        }
        let release_point = release.target_point().map(|point| point.value());
        let (rendering, captured) = (fences.pass.as_ref().is_some_and(pending), fences.captured);
        Some(FenceSnapshot { age_ns, acquire, release_point, rendering, captured })
    }

    /// The release point; `None` if there is none or the content is released.
    pub fn release_point(&self) -> Option<fence::Point> {
        self.ends().fences.as_ref()?.release.as_ref()?.target_point().cloned()
    }

    /// Whether the release was completed: the client has the buffer back, or will have it when the
    /// fences signal.
    pub fn is_released(&self) -> bool {
        let ends = self.ends();
        ends.is_completed() && !ends.owes_event()
    }

    /// The frame whose commit took the content off a plane, if it is still held elsewhere.
    pub fn replaced_by(&self) -> Option<u64> {
        self.ends().fences.as_ref()?.replaced_by
    }
}

/// The commit of `frame` took the content off a plane: the display reads it until `out_fence`
/// signals.
///
/// If this is the last holder, the release completes now: the release point gets its fence (or the
/// message is sent) at the commit, not at the flip, and the fence need not be duplicated.
///
/// Returns the content if it must be held until the flip: `wl_buffer.release` carries no fence, so
/// it is sent after the flip.
#[must_use = "a returned content must be held until the flip"]
pub fn replaced_on_screen(content: Arc<Content>, out_fence: &SyncFile, frame: u64) -> Option<Arc<Content>> {
    let mut ends = content.ends();
    // A buffer that is copied is on no plane.
    let Some(fences) = &mut ends.fences else {
        drop(ends);
        return Some(content);
    };
    fences.replaced_by = Some(frame);
    // The kernel drops the error of a failed fence if it is merged with a pending one: the client
    // gets the error after the flip.
    if matches!(fences.acquire.state(), AcquireState::Failed(_)) {
        drop(ends);
        return Some(content);
    }
    // If this is the last holder, no other can appear.
    let mut held = if Arc::strong_count(&content) == 1 {
        content.complete(fences, Some(out_fence));
        fences.release.is_some()
    } else {
        match (out_fence.try_clone(), &mut fences.release) {
            (Ok(fence), Some(release)) => {
                release.add_fence(fence);
                false
            }
            (Ok(_), None) => false,
            // Without a descriptor for the fence, the buffer is held until the fence has signalled.
            (Err(error), _) => {
                tracing::warn!(
                    "surface {}: duplicating the out-fence: {error}; the buffer is held until the flip",
                    content.surface
                );
                true
            }
        }
    };
    held |= ends.owes_event();
    drop(ends);
    held.then_some(content)
}

impl Content {
    /// Completes the release, once; `last` is the fence of the last user, if it has one.
    fn complete(&self, fences: &mut ContentFences, last: Option<&SyncFile>) {
        let Some(mut release) = fences.release.take() else { return };
        // The client gets its own failed fence back, which carries the error.
        if let Some((fence, error)) = fences.acquire.take_failed() {
            release.fail(error, Some(fence));
        }
        if let Some(pass) = fences.pass.take() {
            release.add_fence(pass);
        }
        let done = match last {
            Some(fence) => {
                let done = release.complete_with(fence);
                if !release.is_finished() {
                    // The fence could not be kept: the release is completed again when it has
                    // signalled.
                    tracing::warn!(
                        "surface {} commit {}: the release is delayed until the flip: {done:?}",
                        self.surface,
                        self.serial
                    );
                    fences.release = Some(release);
                    return;
                }
                done
            }
            None => release.complete(),
        };
        match done {
            Ok(done) => {
                let when = if last.is_some() { "commit" } else { "drop" };
                self.trace_release(when, fences.replaced_by, done.fences, done.error.map(|e| e.to_string()));
            }
            Err(error) => {
                tracing::error!("surface {} commit {}: completing the release: {error}", self.surface, self.serial)
            }
        }
    }

    fn trace_release(&self, when: &'static str, frame: Option<u64>, users: usize, error: Option<String>) {
        let (surface, commit, kind) = (self.surface, self.serial, self.release_by.name());
        trace::release(trace::Release { surface, commit, kind, when, frame, users, error });
    }

    /// Releases the buffer: only users with a fence still read it.
    fn finish(&self, ends: &mut Ends) {
        let buffer = ends.buffer.take();
        match &mut ends.fences {
            Some(fences) => self.complete(fences, None),
            None if buffer.is_some() => self.trace_release("drop", None, 0, None),
            None => {}
        }
        if let Some(buffer) = buffer {
            buffer.release();
        }
        drop(ends.fences.as_mut().and_then(|fences| fences.callbacks.take()));
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.finish(&mut self.ends());
    }
}
