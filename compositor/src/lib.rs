//! The compositor as a library. The `syncline` command is [`main`]; tests can run a session in
//! their own process.
//!
//! The layers, from top to bottom, are: session, control, feedback, output, desktop, crc, devices,
//! render, report, surface, config, actions, schedule, text, system. A layer imports only from those below
//! it (docs/architecture.md; a test checks it). Only [`session`] names the session's state,
//! `Syncline`; everything below is data with methods that return what happened.

mod actions;
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
mod text;

pub use cli::{command, main};
// For its benchmark.
pub use desktop::layout;
pub use session::doors;
pub use session::globals::{GlobalRow, Needs, SeenBy, TABLE as GLOBALS};
