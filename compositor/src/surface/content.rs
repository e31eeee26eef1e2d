//! One committed buffer and its fences, shared by everybody who still reads it.
//!
//! The last `Arc<Content>` that goes away completes the release. Holders are: the surface (until a newer commit
//! replaces it), each output plane (until the commit that replaces it has been made), the CRC predictor (while it reads
//! the pixels) and the gate of a pending commit. What happens asynchronously is not a holder but a *user with a
//! fence*: the GPU pass that samples the buffer, the display until the flip of the replacing commit.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use fence::{Acquire, AcquireReport, AcquireState, CallError, Ns, Predictor, Release, Status, SyncFile};
use smithay::{
    reexports::wayland_server::protocol::wl_buffer::WlBuffer,
    utils::{Buffer, Size},
};

use super::buffer::Source;
use crate::trace;

/// By what a commit is synchronised, at one of its two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Nothing but `wl_buffer.release`.
    Buffer,
    /// The fences on the dma-buf.
    Implicit,
    /// A fence in a message (`zwp_linux_explicit_synchronization_v1`).
    Fence,
    /// A timeline point (`linux-drm-syncobj-v1`).
    Point,
}

impl By {
    /// The client says itself when, by a fence or point.
    pub fn is_explicit(self) -> bool {
        matches!(self, By::Fence | By::Point)
    }

    /// The name in the trace and in reports.
    pub fn name(self) -> &'static str {
        match self {
            By::Buffer => "wl_buffer",
            By::Implicit => "implicit",
            By::Fence => "fence",
            By::Point => "point",
        }
    }

    /// The trace's name for an acquire.
    pub fn acquire_name(self) -> &'static str {
        if self == By::Buffer { "none" } else { self.name() }
    }
}

/// A buffer as committed once; the same `wl_buffer` committed again makes another.
#[derive(Debug)]
pub struct Content {
    /// The surface's id, see [`super::SurfaceState::id`].
    pub surface: u32,
    /// The surface's commit number.
    pub serial: u64,
    /// Where the pixels are.
    pub source: Source,
    /// Pixels.
    pub size: Size<i32, Buffer>,
    /// The format has no alpha.
    pub opaque: bool,
    /// The buffer is ours, and what a converter made of the client's.
    pub converted: bool,
    /// How the buffer is to be waited for.
    pub acquire_by: By,
    /// How it is given back.
    pub release_by: By,
    superseded: AtomicBool,
    fences: Mutex<Fences>,
}

#[derive(Debug)]
struct Fences {
    acquire: Acquire,
    /// `None` once completed.
    release: Option<Release>,
    /// The last GPU pass that sampled the buffer; one queue, so it implies the earlier ones.
    pass: Option<SyncFile>,
    /// Gets `wl_buffer.release`; `None` with a release point, which takes its place.
    buffer: Option<WlBuffer>,
    /// The frame whose commit took the buffer off the screen.
    replaced_by: Option<u64>,
}

/// What a new content is made of.
#[derive(Debug)]
pub struct Parts {
    pub surface: u32,
    pub serial: u64,
    pub source: Source,
    pub size: Size<i32, Buffer>,
    pub opaque: bool,
    pub converted: bool,
    pub acquire: Acquire,
    pub acquire_by: By,
    pub release: Release,
    pub release_by: By,
    /// For `wl_buffer.release`, if the client waits for that.
    pub buffer: Option<WlBuffer>,
}

impl Content {
    /// Takes ownership of the fences: from here on the release is completed in every case.
    pub fn new(parts: Parts) -> Self {
        Self {
            surface: parts.surface,
            serial: parts.serial,
            source: parts.source,
            size: parts.size,
            opaque: parts.opaque,
            converted: parts.converted,
            acquire_by: parts.acquire_by,
            release_by: parts.release_by,
            superseded: AtomicBool::new(false),
            fences: Mutex::new(Fences {
                acquire: parts.acquire,
                release: Some(parts.release),
                pass: None,
                buffer: parts.buffer,
                replaced_by: None,
            }),
        }
    }

    fn fences(&self) -> std::sync::MutexGuard<'_, Fences> {
        self.fences.lock().expect("no panic while locked")
    }

    /// A card's framebuffer of its buffer, made at the first call; `None`: it is no dma-buf, or the card refused it.
    pub fn framebuffer(&self, device: &kms::Device) -> Option<kms::Framebuffer> {
        match &self.source {
            Source::Dmabuf(imported) => imported.framebuffer(device),
            Source::Shm(_) => None,
        }
    }

    /// Looks at the acquire fence without waiting; see [`Acquire::advance`].
    pub fn advance(&self) -> Result<AcquireState, CallError> {
        self.fences().acquire.advance()
    }

    /// What is known of the acquire fence without asking the kernel.
    pub fn acquire_state(&self) -> AcquireState {
        self.fences().acquire.state()
    }

    /// Calls `f` with the acquire.
    pub fn with_acquire<T>(&self, f: impl FnOnce(&mut Acquire) -> T) -> T {
        f(&mut self.fences().acquire)
    }

    /// Never to be shown: a newer commit of the surface came first.
    pub fn supersede(&self) {
        self.superseded.store(true, Ordering::Release);
    }

    /// It will never be shown: its buffer goes back now, whoever still holds the content, and its fence is not waited
    /// for any more. Only for contents that nobody has read.
    pub fn give_up(&self) {
        self.supersede();
        let mut fences = self.fences();
        self.finish(&mut fences);
        fences.acquire = Acquire::ready();
    }

    /// See [`Content::supersede`].
    pub fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::Acquire)
    }

    /// Whether the CPU may read it now.
    pub fn is_ready(&self) -> bool {
        matches!(self.acquire_state(), AcquireState::Signalled { .. })
    }

    /// Its fence was handed over, for the next vblank, and has not signalled long after that: wherever it goes it holds up what
    /// waits for it, so it goes nowhere else. A commit that is waited for here is no content yet.
    pub fn is_stuck(&self, now: fence::Ns) -> bool {
        const LONG: fence::Ns = 100_000_000;
        let acquire = &mut self.fences().acquire;
        // Nobody has looked since the hand-over: that costs a system call, once.
        matches!(acquire.state(), AcquireState::Pending)
            && acquire.age(now) > LONG
            && matches!(acquire.advance(), Ok(AcquireState::Pending))
    }

    /// A GPU pass samples the buffer until `fence` signals. Takes the place of the fence of an earlier pass.
    pub fn used_by_pass(&self, fence: SyncFile) {
        self.fences().pass = Some(fence);
    }

    /// Its client waits for `wl_buffer.release` alone, and so for whoever reads it: that knows no fence.
    pub fn is_shm_in_place(&self) -> bool {
        matches!(&self.source, Source::Dmabuf(imported) if imported.shm)
    }

    /// A picture of it was made that is all that anybody needs: the client has its buffer back now.
    pub fn copied(&self) {
        self.finish(&mut self.fences());
    }

    /// The `wl_buffer` was released by someone else; do not release it again.
    pub fn forget_buffer(&self) {
        self.fences().buffer = None;
    }
}

/// Both fences of a content, for reports.
#[derive(Debug)]
pub struct Snapshot {
    pub acquire: AcquireReport,
    /// Value of the release point.
    pub release_point: Option<u64>,
    /// The fence of a render pass that samples the buffer is pending.
    pub rendering: bool,
}

impl Content {
    /// What its fences look like, with a system call for each that may be pending; `None` once it is released. Changes
    /// nothing: whoever waits for the acquire finds it as it was.
    pub fn snapshot(&self, now: Ns, predictor: Option<&Predictor>) -> Option<Snapshot> {
        let fences = self.fences();
        let release = fences.release.as_ref()?;
        let mut acquire = AcquireReport::new(&fences.acquire, now, predictor);
        let pending =
            |fence: &SyncFile| fence.driver_and_status().is_ok_and(|summary| summary.status == Status::Active);
        if acquire.state == "pending" && !fences.acquire.fence().is_some_and(pending) {
            // Nobody has looked since: the event is on its way, or the hardware waited.
            acquire.state = "signalled";
        }
        let release_point = release.target_point().map(|point| point.value());
        Some(Snapshot { acquire, release_point, rendering: fences.pass.as_ref().is_some_and(pending) })
    }

    /// Its release point, while it is not released.
    pub fn release_point(&self) -> Option<fence::Point> {
        self.fences().release.as_ref().and_then(|release| release.target_point().cloned())
    }

    /// Whether its release was completed: its client has it back, or will have when the fences signal.
    pub fn is_released(&self) -> bool {
        let fences = self.fences();
        fences.release.is_none() && fences.buffer.is_none()
    }

    /// The frame whose commit took it off a plane, while somebody else keeps it.
    pub fn replaced_by(&self) -> Option<u64> {
        self.fences().replaced_by
    }
}

/// The commit of `frame` took the content off a plane: the display reads it until `out_fence` signals.
///
/// If nobody else holds it, its release completes here and now: the point materialises (the message goes out) at the
/// commit, not at the flip, and the fence need not be duplicated.
///
/// Gives the content back if it has to be held until the flip: `wl_buffer.release` knows no fence, and comes after it.
#[must_use = "to be held until the flip"]
pub fn replaced_on_screen(content: Arc<Content>, out_fence: &SyncFile, frame: u64) -> Option<Arc<Content>> {
    let mut fences = content.fences();
    fences.replaced_by = Some(frame);
    // The kernel forgets the error of a failed fence beside one that is pending: the client hears of it after the flip.
    if matches!(fences.acquire.state(), AcquireState::Failed(_)) {
        drop(fences);
        return Some(content);
    }
    // Nobody can become a holder any more if we are the last one.
    let mut held = if Arc::strong_count(&content) == 1 {
        content.complete(&mut fences, Some(out_fence));
        fences.release.is_some()
    } else {
        match (out_fence.try_clone(), &mut fences.release) {
            (Ok(fence), Some(release)) => {
                release.add_fence(fence);
                false
            }
            (Ok(_), None) => false,
            // Without a descriptor for the fence the buffer is kept until it has signalled.
            (Err(error), _) => {
                tracing::warn!("surface {}: out-fence: {error}", content.surface);
                true
            }
        }
    };
    held |= fences.buffer.is_some();
    drop(fences);
    held.then_some(content)
}

impl Content {
    /// The last user is known: the release completes, once.
    fn complete(&self, fences: &mut Fences, last: Option<&SyncFile>) {
        let Some(mut release) = fences.release.take() else { return };
        // The client gets its own errored fence back: that is how it learns.
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
                    // Nothing could keep the fence: again when it has signalled.
                    tracing::warn!("surface {} commit {}: release: {done:?}", self.surface, self.serial);
                    fences.release = Some(release);
                    return;
                }
                done
            }
            None => release.complete(),
        };
        match done {
            Ok(done) => trace::release(trace::Release {
                surface: self.surface,
                commit: self.serial,
                kind: self.release_by.name(),
                when: if last.is_some() { "commit" } else { "drop" },
                frame: fences.replaced_by,
                users: done.fences,
                error: done.error.map(|e| e.to_string()),
            }),
            Err(error) => tracing::error!("surface {} commit {}: release: {error}", self.surface, self.serial),
        }
    }

    /// Nobody reads the buffer any more, but for users with a fence.
    fn finish(&self, fences: &mut Fences) {
        self.complete(fences, None);
        if let Some(buffer) = fences.buffer.take() {
            buffer.release();
        }
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.finish(&mut self.fences());
    }
}
