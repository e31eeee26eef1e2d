//! `syncline-soak`: mixed clients, hot-plug, changes of the terminal and deaths, for minutes or for
//! hours; at the end the compositor must hold what it held at the beginning.
//!
//! [`run`] goes through the phases and judges. [`stage`] is the hardware, [`company`] the clients
//! that are there at a time: processes of this same program ([`player`]), which report in a
//! [`tally`]. All choices are made by generators with a seed. Nothing here knows the compositor's
//! insides.

mod company;
mod options;
pub mod player;
pub mod run;
mod stage;
mod tally;

pub use options::{Options, What};
