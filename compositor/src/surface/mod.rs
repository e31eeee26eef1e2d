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
pub mod live;
pub mod pace;
pub mod view;
mod wait;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU32, Ordering},
    },
};

use fence::Predictor;
use smithay::{
    backend::renderer::{element::Id, utils::DamageBag},
    utils::Buffer,
    wayland::compositor::SurfaceData,
};

pub use content::Content;
pub use gate::PendingCommit;
pub use pace::Pace;
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
        }
    }
}

impl SurfaceState {
    /// The state of the surface whose data this is, locked. Made on first use.
    pub fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.insert_if_missing_threadsafe(Mutex::<Self>::default);
        states.data_map.get::<Mutex<Self>>().expect("inserted above").lock().expect("no panic while locked")
    }
}
