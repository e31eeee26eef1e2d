//! Outputs: one per lit display, each with its own clock, planes and state machine, and the cards
//! that they are on.
//!
//! Nothing here knows windows, client requests or the session.

pub mod card;
pub mod choices;
pub mod colour;
pub mod coloured;
pub mod deferred;
pub mod geometry;
pub mod gpu_resets;
pub mod holders;
pub mod in_flight;
pub mod judge;
pub mod list;
pub mod mirror;
pub mod outputs;
pub mod phase;
pub mod places;
pub mod plan;
pub mod planes;
pub mod power;
pub mod present;
pub mod quiet;
pub mod rest;
pub mod stall;
pub mod state;
pub mod variable;
pub mod writeback;

pub use outputs::Outputs;
