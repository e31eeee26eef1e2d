//! `xtask lab-exec`: the step between xtask and the guest's kernel.
//!
//! It asks the host's kernel to kill it when xtask dies, pins itself, takes on a priority, and
//! becomes the program that it was given; all of this lasts over `exec`. It exists because doing
//! this between fork and exec in xtask would need `unsafe`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use clap::Args;
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};

use super::failure;
use crate::error::{Context, Result};

/// Arguments of `xtask lab-exec`.
#[derive(Debug, Args)]
pub struct Options {
    /// Process that must still be our parent
    #[arg(long)]
    parent: i32,
    /// CPUs to pin to
    #[arg(long, value_delimiter = ',')]
    cpus: Vec<usize>,
    /// Nice value to take on
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    /// What to become
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Returns only if it fails.
pub fn main(options: &Options) -> Result<u8> {
    set_parent_process_death_signal(Some(Signal::KILL)).context("ask to die with xtask")?;
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(options.parent) {
        return Err(failure("xtask ended before the guest began"));
    }
    let mut set = CpuSet::new();
    options.cpus.iter().filter(|cpu| **cpu < CpuSet::MAX_CPU).for_each(|cpu| set.set(*cpu));
    // Refused in some containers; the guest is then slower and nothing else.
    let _ = sched_setaffinity(None, &set);
    // A display has deadlines and a compiler beside it has none. Only root may; for others it stays
    // as it is.
    if let Some(priority) = options.priority {
        let _ = rustix::process::setpriority_process(None, priority);
    }
    let [program, arguments @ ..] = options.command.as_slice() else {
        return Err(failure("lab-exec has nothing to run"));
    };
    Err(failure(format!("cannot run {program}: {}", Command::new(program).args(arguments).exec())))
}
