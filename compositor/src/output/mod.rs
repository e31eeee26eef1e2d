//! Outputs: one per lit display, each with its own clock, planes and state machine, and the cards that they are on.
//!
//! Nothing here knows windows, clients' requests or the session.

pub mod card;
pub mod deferred;
pub mod geometry;
pub mod holders;
pub mod judge;
pub mod list;
pub mod outputs;
pub mod plan;
pub mod planes;
pub mod power;
pub mod present;
pub mod state;
pub mod stuck;

pub use outputs::Outputs;
