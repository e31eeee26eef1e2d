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
mod crc_tool;
mod cursor;
mod doctor;
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
mod system;
mod trace;
mod watchdog;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    system::log::start();
    let result = match &cli.command {
        cli::Command::Run(args) => run::run(args),
        cli::Command::Doctor(args) => doctor::run(args),
        // It has its own exit statuses, also for what cannot be run.
        cli::Command::Crc(args) => Ok(crc_tool::run(args)),
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
