//! What the compositor keeps per `wl_surface`, in the surface's data map.
//!
//! It knows no output and no window.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use fence::{Ns, Predictor};
use protocols::color_representation::AttachedPixels;
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::compositor::{SurfaceAttributes, SurfaceData, with_states},
};

use crate::{
    surface::{
        allocation::AllocationHints, buffer::PixelSource, content::Content, damage::DamageHistory,
        double_buffered::double_buffered, feedback::Feedback, gate::PendingCommit, order::CommitOrder,
        rate::CommitRate, shm, transactions::TransactionCount, view::View,
    },
    system::id::SurfaceId,
};

/// Where a window or popup is, since its last commit.
#[derive(Debug, Default)]
pub struct Place {
    /// Where it lies relative to what it hangs on, and its geometry.
    pub at: (Point<i32, Logical>, Rectangle<i32, Logical>),
    /// The bounding rectangle of the surface with its sub-surfaces, where its geometry exceeds the
    /// surface.
    pub extents: Option<Rectangle<i32, Logical>>,
    /// The configure of the window that its client had acknowledged at its last commit, applied or not.
    pub acked: Option<u32>,
}

/// In which lists of the session a surface is: so that nobody searches them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listed {
    /// Surfaces with frame callbacks or presentation feedback.
    pub awaits_frame: bool,
    /// Surfaces with pending commits.
    pub pending: bool,
}

/// The state of one surface; access it with [`SurfaceState::of`].
#[derive(Debug)]
pub struct SurfaceState {
    /// The id of the surface in the trace and in reports; never reused in this process.
    pub id: SurfaceId,
    /// The number of commits so far.
    pub serial: u64,
    /// What the surface shows: the newest commit whose gate has opened.
    pub current: Option<Arc<Content>>,
    /// Commits whose gate is closed, oldest first.
    pub pending: VecDeque<Arc<PendingCommit>>,
    /// When the last commit was applied; `None`: none was yet.
    pub applied_at: Option<Ns>,
    /// The commits that Smithay has.
    pub transactions: TransactionCount,
    /// The pixels of the buffer that was attached last, whether or not they are shown.
    pub pixels: AttachedPixels,
    /// How the buffer is mapped to the surface.
    pub view: View,
    /// The damage history, in buffer coordinates.
    pub damage: DamageHistory,
    /// How long this client's fences take, from commit to signal. `None`: none is known. Most
    /// surfaces never have one, and it is large.
    pub predictor: Option<Box<Predictor>>,
    /// How often the surface commits.
    pub rate: CommitRate,
    /// The last frame showed this surface on a plane of its own, so that the display can wait for
    /// its fence.
    pub on_plane: bool,
    /// Another surface covers all of this one: its commits are not visible, so they cause no
    /// frames.
    pub hidden: bool,
    /// When the frame callback that the client has not answered with a commit was, or will be, sent
    /// (CLOCK_MONOTONIC).
    pub callback_at: Option<Ns>,
    /// How long this client takes from a frame callback to its commit.
    /// `None`: it has not answered any yet.
    pub response: Option<Box<Predictor>>,
    /// `None`: it is neither a window nor a popup, as most surfaces.
    pub placed: Option<Box<Place>>,
    /// The last commit with a buffer failed: its scale, transform and viewport are not for the
    /// buffer that is shown.
    pub unpaired: bool,
    /// There was a buffer at the last commit of a popup.
    pub had_buffer: bool,
    /// The surface is in the session's list of those that wait for a frame, and of those with pending
    /// commits.
    pub listed: Listed,
    /// What holds back its commits besides fences: fifo and commit-timing. `None`: nothing ever did,
    /// as with most surfaces.
    pub order: Option<Box<CommitOrder>>,
    /// The inputs of the surface's dmabuf feedback. `None`: it had none but the default.
    pub allocation: Option<Box<AllocationHints>>,
    /// Whether its buffers of shared memory are copied or read in place.
    pub shm: shm::ShmChoice,
}

impl Default for SurfaceState {
    fn default() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(100);
        Self {
            id: SurfaceId(NEXT.fetch_add(1, Ordering::Relaxed)),
            serial: 0,
            current: None,
            pending: VecDeque::new(),
            applied_at: None,
            transactions: TransactionCount::default(),
            pixels: AttachedPixels::default(),
            view: View::default(),
            damage: DamageHistory::default(),
            predictor: None,
            rate: CommitRate::default(),
            on_plane: false,
            hidden: false,
            callback_at: None,
            response: None,
            placed: None,
            unpaired: false,
            had_buffer: false,
            listed: Listed::default(),
            order: None,
            allocation: None,
            shm: shm::ShmChoice::default(),
        }
    }
}

impl SurfaceState {
    /// The locked state of the surface whose data this is; created on first use. Never call it
    /// while the guard of the same surface is held.
    pub fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.insert_if_missing_threadsafe(Mutex::<Self>::default);
        states.data_map.get::<Mutex<Self>>().expect("inserted above").lock().expect("no panic while locked")
    }

    /// Removes and returns those of the first `first` pending commits that a newer one may
    /// supersede; the others stay, in order.
    pub fn overtake(&mut self, first: usize) -> Vec<Arc<PendingCommit>> {
        let mut index = 0;
        let taken = self.pending.iter().filter(|pending| {
            index += 1;
            index <= first && !pending.is_ordered()
        });
        let taken: Vec<_> = taken.cloned().collect();
        self.pending.retain(|pending| !taken.iter().any(|t| Arc::ptr_eq(t, pending)));
        taken
    }

    /// What the image that it shows costs its client.
    pub fn cost(&self) -> shm::Cost {
        match self.current.as_ref().map(|content| &content.source) {
            Some(PixelSource::Shm(shm)) => shm.cost(),
            _ => shm::Cost::default(),
        }
    }

    /// Whether the applied state sets a fifo barrier.
    pub fn sets_barrier(&self) -> bool {
        self.order.as_ref().is_some_and(|order| order.barrier_since().is_some())
    }

    /// A popup has a buffer now, or not. Returns whether this commit has removed it.
    pub fn was_shown(&mut self, has_buffer: bool) -> bool {
        std::mem::replace(&mut self.had_buffer, has_buffer) && !has_buffer
    }

    /// The pending commit that the next latch may take: the newest, unless an older one must be
    /// shown first.
    pub fn next_pending(&self) -> Option<&Arc<PendingCommit>> {
        self.pending.iter().find(|pending| pending.is_ordered()).or(self.pending.back())
    }
}

/// The id of a surface.
pub fn id_of(surface: &WlSurface) -> SurfaceId {
    with_states(surface, |states| SurfaceState::of(states).id)
}

/// Whether another surface covers all of this one.
pub fn is_hidden(surface: &WlSurface) -> bool {
    with_states(surface, |states| SurfaceState::of(states).hidden)
}

/// Whether the surface has frame callbacks or presentation feedback that the next frame answers.
pub fn awaits_frame(surface: &WlSurface) -> bool {
    with_states(surface, awaits_next_frame)
}

/// [`awaits_frame`] of a surface's data.
pub fn awaits_next_frame(states: &SurfaceData) -> bool {
    let feedback = double_buffered::<Feedback>(states);
    !states.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.is_empty()
        || feedback.is_some_and(|mut feedback| !feedback.current().shown.callbacks.is_empty())
}
