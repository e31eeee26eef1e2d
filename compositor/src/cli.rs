//! The command line of `syncline`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    control::{args::MsgArgs, client},
    session::{args::RunArgs, run},
    system::{error::Context, log},
};

/// A Wayland compositor that carries explicit fences end to end and proves with display CRCs what reached the screen.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the compositor on a display device.
    Run(Box<RunArgs>),
    /// Talk to a running compositor.
    Msg(MsgArgs),
    /// Say what of explicit sync, planes, colour, CRCs … this machine can do, what is missing, and what to do about it.
    Doctor(tools::doctor::DoctorArgs),
    /// Read display CRCs, and prove with them that a display shows what it is told to.
    Crc(Box<tools::crc::CrcArgs>),
}

/// The `syncline` command: parses its arguments, runs it, and says what went wrong.
///
/// Exit status (`doctor`, `crc` and `msg crc check` have their own): 0 after an ordinary end, 1 with one clear line on
/// standard error when something is wrong, or the status of the client with `--until-exit`.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start();
    let result = match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Doctor(args) => tools::doctor::run(args).context("standard output"),
        // It has its own exit statuses, also for what cannot be run.
        Command::Crc(args) => Ok(tools::crc::run(args)),
        Command::Msg(args) => client::run(args),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("syncline: error: {error}");
            ExitCode::from(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;

        Cli::command().debug_assert();
    }
}
