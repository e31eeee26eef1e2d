//! `cargo xtask lab`: runs one command inside the lab's kernel, User-Mode Linux, and ends with that
//! command's exit status.
//!
//! The parts: [`source`] finds the kernel's source, [`kernel`] builds it once, [`machine`] starts a
//! guest, [`session`] talks with it over the [`wire`]; [`guest`] is the other end. What is
//! promised: nothing of a guest outlives the call, and the system is left as it was.

pub mod cpu;
pub mod extract;
mod failure;
pub mod guest;
pub mod guest_apps;
mod guest_services;
mod guest_system;
pub mod kernel;
pub mod klog;
pub mod machine;
pub mod memory;
mod options;
pub mod persona;
pub mod progress;
pub mod recipe;
pub mod session;
pub mod source;
pub mod trampoline;
pub mod wire;

use std::process::Command;

use crate::error::{Context, Result};
use crate::paths;
pub(crate) use failure::failure;
pub use failure::{STATUS_LAB_FAILED, STATUS_TIMED_OUT};
pub use options::Options;

/// The compositor's program and package.
const COMPOSITOR: &str = "syncline";

/// Builds the kernel where it is missing, runs the command with this process's standard streams,
/// and returns its exit status.
pub fn main(options: &Options) -> Result<u8> {
    let kernel = kernel::ready()?;
    if options.command.first().is_some_and(|program| program == COMPOSITOR) {
        build_compositor()?;
    }
    let streams = session::Streams::inherit();
    let outcome = session::run(&kernel, options, streams)?;
    if !options.quiet {
        outcome.explain(options);
    }
    Ok(outcome.exit_status())
}

/// `syncline` without a path means the program of this checkout, as it is now. With the packages of
/// `cargo xtask test`, so that what they share is not built once more with other features.
fn build_compositor() -> Result<()> {
    let arguments = ["build", "--quiet", "--workspace", "--exclude", "xtask", "--bin", COMPOSITOR];
    let build = Command::new(paths::cargo()).args(arguments).current_dir(paths::workspace()).status();
    let status = build.context("run cargo build")?;
    if status.success() { Ok(()) } else { Err(failure(format!("cargo {} failed ({status})", arguments.join(" ")))) }
}
