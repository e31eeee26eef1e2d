//! How displays are shown, as clients and `syncline msg` want it while the session runs.
//!
//! ```text
//!  a configuration ─→ wishes ─→ choices ─→ a test of all modesets (TEST_ONLY) ─ refused ─→ failed
//!                                              └─ taken ─→ the change: off what is to be off,
//!                                                   then one modeset a card, when its outputs have flipped ─→ succeeded
//!                                                                        └─ refused, or too late ─→ as it was, failed
//! ```
//!
//! Position, scale and transform change in place, with the next frame; a mode changes with a modeset of the
//! output that is there, so that windows and panels stay. Nothing here waits.

mod change;
pub mod created;
mod heads;
mod mirrors;
pub mod modesets;
mod msg;
mod places;
pub mod settings;
pub mod trial;
mod wishes;
