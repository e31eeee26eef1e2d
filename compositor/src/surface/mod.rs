//! What the compositor keeps per `wl_surface`, and the values that belong to each of its commits.
//!
//! ```text
//!  wl_surface.commit ─ prepare ─→ Content{buffer, acquire, release}, cached until the parent commits if the
//!    surface is a synchronised sub-surface ─ submit ─→ behind a Gate, or the gate of its Group
//!    the acquire signals or becomes an in-fence ─→ the gate opens ─→ apply ─→ SurfaceState.current
//!    replaced on the surface, the planes and in the checks ─→ last Arc drops ─→ release completes
//! ```
//!
//! Nothing here knows outputs, planes or windows.

pub mod acquires;
pub mod allocation;
pub mod apply;
pub mod budget;
pub mod buffer;
pub mod cached;
pub mod callback_response;
pub mod client;
pub mod content;
pub mod damage;
pub mod double_buffered;
pub mod feedback;
pub mod gate;
pub mod goal;
pub mod left_points;
pub mod limits;
pub mod order;
pub mod overtake;
pub mod rate;
pub mod registry;
pub mod shm;
pub mod state;
pub mod transactions;
pub mod transform;
pub mod tree;
pub mod turn;
pub mod view;

#[cfg(test)]
mod sizes;
pub mod solid;

pub use gate::PendingCommit;
pub use state::{SurfaceState, awaits_frame, awaits_next_frame, id_of, is_hidden};
