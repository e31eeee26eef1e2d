//! What the compositor keeps per `wl_surface`, and the values that belong to each of its commits.
//!
//! ```text
//!  wl_surface.commit ─ pre_commit ─→ Content{buffer, acquire, release} behind a Gate
//!    the acquire signals or becomes an in-fence ─→ the gate opens ─→ apply ─→ SurfaceState.current
//!    replaced on the surface, the planes and in the checks ─→ last Arc drops ─→ release completes
//! ```
//!
//! Nothing here knows outputs, planes or windows.

pub mod acquires;
pub mod allocation;
pub mod apply;
pub mod buffer;
pub mod callback_response;
pub mod client;
pub mod content;
pub mod gate;
pub mod goal;
pub mod limits;
pub mod order;
pub mod rate;
pub mod registry;
pub mod shm;
pub mod state;
pub mod view;

pub use gate::PendingCommit;
pub use state::{SurfaceState, awaits_frame, id_of, is_hidden};
