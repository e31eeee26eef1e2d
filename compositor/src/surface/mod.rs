//! What the compositor keeps per `wl_surface`, and the values that travel with each of its commits.
//!
//! ```text
//!  wl_surface.commit ─ pre_commit ─→ Content{buffer, acquire, release} behind a Gate
//!        the acquire resolves, or the latch hands it over ─→ the gate opens ─→ apply ─→ SurfaceState.current
//!        replaced on the surface, on every plane and in every check ─→ the last Arc drops ─→ the release completes
//! ```
//!
//! Nothing here knows outputs, planes or windows.

pub mod acquires;
pub mod buffer;
pub mod commit;
pub mod content;
pub mod gate;
pub mod limits;
pub mod live;
pub mod pace;
pub mod shm;
pub mod tree;
pub mod turn;
pub mod view;
pub mod wait;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use fence::{Ns, Predictor};
use smithay::{
    backend::renderer::{element::Id, utils::DamageBag},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::Buffer,
    wayland::compositor::{SurfaceData, with_states},
};

pub use content::Content;
pub use gate::PendingCommit;
pub use pace::Pace;
pub use turn::Turns;
pub use view::View;

/// State of one surface, in its data map; reach it with [`SurfaceState::of`].
#[derive(Debug)]
pub struct SurfaceState {
    /// Names the surface in the trace and in reports; never used again in this process.
    pub id: u32,
    /// Commits so far.
    pub serial: u64,
    /// What the surface shows: the newest commit whose gate has opened.
    pub current: Option<Arc<Content>>,
    /// Commits whose gate is closed, oldest first.
    pub pending: VecDeque<Arc<PendingCommit>>,
    /// How the buffer maps onto the surface.
    pub view: View,
    /// Identity of the surface's picture for damage tracking.
    pub element: Id,
    /// What changed, in buffer coordinates.
    pub damage: DamageBag<i32, Buffer>,
    /// How long this client's fences take, from commit to signal.
    pub predictor: Predictor,
    /// How often it commits.
    pub pace: Pace,
    /// The last frame showed this surface on a plane of its own, so that the display can wait for its fence.
    pub on_plane: bool,
    /// Another surface covers all of it: nobody sees its commits, so they cause no frames.
    pub hidden: bool,
    /// When its unanswered frame callback was, or will be, sent.
    pub invited: Option<Ns>,
    /// How long this client takes from a frame callback to its commit.
    pub response: Predictor,
    /// What holds its commits back besides fences: fifo and commit-timing.
    pub turns: Turns,
    /// What its client is told to allocate.
    pub wishes: crate::feedback::Wishes,
    /// Which way its buffers of shared memory go.
    pub shm: shm::Choice,
}

impl Default for SurfaceState {
    fn default() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(100);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            serial: 0,
            current: None,
            pending: VecDeque::new(),
            view: View::default(),
            element: Id::new(),
            damage: DamageBag::default(),
            predictor: Predictor::default(),
            pace: Pace::default(),
            on_plane: false,
            hidden: false,
            invited: None,
            response: Predictor::default(),
            turns: Turns::default(),
            wishes: crate::feedback::Wishes::default(),
            shm: shm::Choice::default(),
        }
    }
}

impl SurfaceState {
    /// The state of the surface whose data this is, locked. Made on first use.
    pub fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.insert_if_missing_threadsafe(Mutex::<Self>::default);
        states.data_map.get::<Mutex<Self>>().expect("inserted above").lock().expect("no panic while locked")
    }

    /// Takes those of the `first` pending commits that a newer one may overtake; the others stay, in order.
    pub fn overtake(&mut self, first: usize) -> Vec<Arc<PendingCommit>> {
        let mut index = 0;
        let taken = self.pending.iter().filter(|pending| {
            index += 1;
            index <= first && !pending.has_turn()
        });
        let taken: Vec<_> = taken.cloned().collect();
        self.pending.retain(|pending| !taken.iter().any(|t| Arc::ptr_eq(t, pending)));
        taken
    }

    /// The pending commit that the next latch may take: the newest, unless an older one must be shown first.
    pub fn next_pending(&self) -> Option<&Arc<PendingCommit>> {
        self.pending.iter().find(|pending| pending.has_turn()).or(self.pending.back())
    }
}

/// Whether another surface covers all of this one.
pub fn is_hidden(surface: &WlSurface) -> bool {
    with_states(surface, |states| SurfaceState::of(states).hidden)
}
