//! The layout: which window is where, on which workspace, of which size, and above what.
//!
//! ```text
//!  what clients request, keys, the pointer, `syncline msg`
//!        │ map, set_maximised, focus_direction, drag …            one method each
//!        ▼
//!     [`Layout`] ── [`Layout::arrange`] ─→ [`Placed`]: rectangle, size to ask for, states, order
//!        │
//!     [`transaction`]: when a rectangle applies: what changes together does so in one frame
//! ```
//!
//! | the session sees | it calls |
//! | --- | --- |
//! | an output or a layer surface comes, changes, goes | `set_output`, `remove_output` |
//! | a toplevel is created, configured first, mapped | `add`, `set_opening`, `preview`, `map` |
//! | it is unmapped, destroyed | `unmap`, `remove` |
//! | a commit, other size hints | `committed`, `set_hints` |
//! | `set_parent`, `xdg_dialog`, a decoration | `set_parent`, `set_modal`, `set_titled` |
//! | requests of states, or actions | `set_maximised`, `set_fullscreen`, `set_minimised` … |
//! | `move`, `resize`, motion, the button's release | `begin_move`, `begin_resize`, `drag`, `drop_grab` |
//! | a click, a key, an activation token | `focus`, `focus_direction`, `cycle`; `set_urgent` |
//! | any of these is over | [`follow::Followed::follow`], then the transaction's configures |
//!
//! This is a model: integers go in, rectangles come out. It knows windows by number and outputs by
//! name, sends nothing, draws nothing, reads no clock, and uses no type of Smithay.
//! `docs/desktop.md` has its words and its rules. Whatever happens, in whatever order,
//! `verify_invariants` holds afterwards; the tests try that with random operations.

mod arrange;
pub mod column;
mod families;
mod focus;
pub mod follow;
pub mod geometry;
pub mod grab;
mod moves;
mod open;
pub mod opening;
pub mod options;
mod outputs;
pub mod placed;
mod resize;
mod split;
mod state;
mod states;
#[cfg(test)]
mod tests;
mod tiling;
pub mod transaction;
#[cfg(test)]
mod verify;
pub mod window;
mod windows;
pub mod workspace;
pub mod workspaces;

pub use self::{
    arrange::{OutputPlacements, Placements},
    placed::Placed,
    state::{Grab, Layout, Output},
};
