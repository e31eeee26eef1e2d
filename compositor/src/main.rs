//! The `syncline` command: `run` is the compositor, `msg` talks to a running one, `doctor` looks at the machine,
//! `crc` proves what is on the screen.
//!
//! Exit status (`doctor`, `crc` and `msg crc check` have their own): 0 after an ordinary end, 1 with one clear line on standard error when something is wrong, or the status
//! of the client with `--until-exit`.

mod buffers;
mod cec;
mod cli;
mod clock;
mod config;
mod crc;
mod cursor;
mod error;
mod feedback;
mod fences;
mod handlers;
mod idle;
mod input;
mod ioctl;
mod ipc;
mod mem2mem;
mod msg;
mod output;
mod priority;
mod reactor;
mod render;
mod run;
mod session;
mod shell;
mod spawn;
mod state;
mod surface;
mod trace;
mod watchdog;

use std::process::ExitCode;

use clap::Parser;
use error::Context;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // SYNCLINE_LOG takes tracing's filter syntax, e.g. `debug` or `syncline=trace,warn`.
    let filter = EnvFilter::try_from_env("SYNCLINE_LOG").unwrap_or_else(|_| EnvFilter::new("info,smithay=warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let result = match &cli.command {
        cli::Command::Run(args) => run::run(args),
        cli::Command::Doctor(args) => tools::doctor::run(args).context("standard output"),
        // It has its own exit statuses, also for what cannot be run.
        cli::Command::Crc(args) => Ok(tools::crc::run(args)),
        cli::Command::Msg(args) => msg::run(args),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("syncline: error: {error}");
            ExitCode::from(1)
        }
    }
}
