//! The session joins everything. This is the only layer that names [`Syncline`], the state that
//! every handler gets.
//!
//! Behaviour that concerns one thing is in the layers below; this layer has what concerns several.

mod actions;
pub mod args;
mod bindings;
mod budget;
mod capture;
mod cards;
mod carried;
mod checks;
mod colour;
mod commit;
mod configuration;
mod constraints;
mod crc;
mod displays;
pub mod doors;
mod drag;
mod environment;
mod feedback;
#[cfg(test)]
mod fixture;
mod frame;
mod gestures;
pub mod globals;
mod handlers;
mod hands;
mod idle;
mod input;
mod input_method;
mod inputs;
mod leaving;
mod listening;
mod lock;
mod memory;
mod panels;
mod parts;
mod power;
mod recall;
mod reports;
mod requests;
pub mod run;
mod running;
mod sandbox;
mod screenshot;
mod selection;
mod slow;
mod spawn;
mod state;
pub mod supervisor;
mod tablet;
mod text;
mod touch;
mod turns;
mod virtual_devices;
mod warp;
mod watchdog;
mod windows;

pub use state::Syncline;
