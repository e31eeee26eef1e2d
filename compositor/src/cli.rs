//! The command line of `syncline`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    control::{args::MsgArgs, client},
    session::{args::RunArgs, run},
    system::{error::Context, log},
};

/// A Wayland compositor that carries explicit fences end to end, and proves with display CRCs what
/// reached the screen.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// The subcommand.
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the compositor on a display device.
    Run(Box<RunArgs>),
    /// Send a request to a running compositor.
    Msg(MsgArgs),
    /// Report what this machine supports (explicit sync, planes, colour, CRCs …), what is missing,
    /// and how to fix it.
    Doctor(tools::doctor::DoctorArgs),
    /// Read display CRCs, and check with them that a display shows what it should.
    Crc(Box<tools::crc::CrcArgs>),
}

/// The `syncline` command: parses the arguments, runs the subcommand, and reports errors.
///
/// Exit status: 0 after a normal end; 1 after an error, with one line on standard error; the status
/// of the client with `--until-exit`. `doctor`, `crc` and `msg crc check` have exit statuses of
/// their own.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start();
    let result = match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Doctor(args) => tools::doctor::run(args).context("standard output"),
        // `crc` has its own exit statuses, also for errors.
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
