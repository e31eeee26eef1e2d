//! The session joins everything. This is the only layer that names [`Syncline`], the state that
//! every handler gets.
//!
//! Behaviour that concerns one thing is in the layers below; this layer has what concerns several.

pub mod args;
mod cards;
mod checks;
mod commit;
mod crc;
mod feedback;
#[cfg(test)]
mod fixture;
mod frame;
pub mod globals;
mod handlers;
mod idle;
mod input;
mod parts;
mod reports;
mod requests;
pub mod run;
mod running;
mod screenshot;
mod spawn;
mod state;
mod watchdog;
mod windows;

pub use state::Syncline;
