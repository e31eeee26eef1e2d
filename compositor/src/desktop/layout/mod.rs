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
//! This is a model: integers go in, rectangles come out. It knows windows by number and outputs by
//! name, sends nothing, draws nothing, reads no clock, and uses no type of Smithay.
//! `docs/desktop.md` has its words and its rules. Whatever happens, in whatever order,
//! `verify_invariants` holds afterwards; the tests try that with random operations.

mod arrange;
pub mod column;
mod families;
mod focus;
pub mod geometry;
pub mod grab;
mod moves;
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
