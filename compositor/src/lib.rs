//! The compositor as a library: the `syncline` command is [`main`], and tests drive a session in their own process.
//!
//! Layers, from top to bottom; a layer imports only from those below it (docs/architecture.md, which a test enforces):
//! session, control, feedback, output, desktop, crc, devices, render, report, surface, config, schedule, system. Only
//! [`session`] names the session's state, `Syncline`; everything below is data with methods that return what happened.

mod cli;
mod config;
mod control;
mod crc;
mod desktop;
mod devices;
mod feedback;
mod output;
mod render;
mod report;
mod schedule;
mod session;
mod surface;
mod system;

pub use cli::main;
pub use session::globals::{GlobalRow, Needs, SeenBy, TABLE as GLOBALS};
