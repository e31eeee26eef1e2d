//! The command line of `syncline`.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::{
    config::print::{self, ActionsArgs, BindingsArgs, ConfigArgs},
    control::{
        args::MsgArgs,
        bugreport::{self, BugreportArgs},
        client,
    },
    session::{
        args::{RunArgs, SessionArgs},
        run, supervisor,
    },
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
    /// Run the compositor as a session: it starts again after a crash, with the socket that clients know, so
    /// that those which connect again have their windows back.
    Session(SessionArgs),
    /// Send a request to a running compositor.
    Msg(MsgArgs),
    /// Check the configuration, or print it.
    Config(ConfigArgs),
    /// List the bindings of keys, buttons and gestures, with where each comes from.
    Bindings(BindingsArgs),
    /// List the actions that bindings and `syncline msg action` can perform.
    Actions(ActionsArgs),
    /// Report what this machine supports (explicit sync, planes, colour, CRCs …), what is missing,
    /// and how to fix it.
    Doctor(tools::doctor::DoctorArgs),
    /// Collect what is known of this machine and of the running session in one file, for a report
    /// of a bug.
    Bugreport(BugreportArgs),
    /// Read display CRCs, and check with them that a display shows what it should.
    Crc(Box<tools::crc::CrcArgs>),
}

/// The `syncline` command: parses the arguments, runs the subcommand, and reports errors.
///
/// Exit status: 0 after a normal end; 1 after an error, with one line on standard error, and for
/// a mistake in a file the place of it; the status
/// of the client with `--until-exit`; 70 after a mistake of the compositor itself. `doctor`, `crc` and `msg crc check` have exit statuses of
/// their own.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log::start();
    let result = match &cli.command {
        Command::Run(args) => run::run(args),
        Command::Session(args) => supervisor::run(args),
        Command::Doctor(args) => tools::doctor::run(args).context("standard output"),
        // `crc` has its own exit statuses, also for errors.
        Command::Crc(args) => Ok(tools::crc::run(args)),
        Command::Msg(args) => client::run(args),
        Command::Bugreport(args) => bugreport::run(args),
        Command::Config(args) => print::config(args).map(say),
        Command::Bindings(args) => print::bindings(args).map(say),
        Command::Actions(args) => Ok(say(print::actions(args))),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("syncline: error: {error}");
            if let Some(excerpt) = error.excerpt() {
                eprintln!("{excerpt}");
            }
            ExitCode::from(1)
        }
    }
}

/// The command line, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Prints a text; one who reads only its beginning has what they want. The exit status.
fn say(text: String) -> u8 {
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes()).ok();
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn manual_pages_and_completions_know_every_subcommand() {
        let folder = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(command(), folder.path()).unwrap();
        let mut bash = Vec::new();
        clap_complete::generate(clap_complete::Shell::Bash, &mut command(), "syncline", &mut bash);
        let bash = String::from_utf8(bash).unwrap();
        for subcommand in Cli::command().get_subcommands() {
            let name = subcommand.get_name();
            assert!(folder.path().join(format!("syncline-{name}.1")).is_file(), "{name}");
            assert!(bash.contains(&format!("syncline__subcmd__{name}")), "{name}");
        }
        let run = std::fs::read_to_string(folder.path().join("syncline-run.1")).unwrap();
        assert!(run.contains("headless") && !run.contains("socket-fd") && !run.contains("socket\\-fd"));
    }

    #[test]
    fn options_of_run_stand_behind_two_dashes() {
        let words = ["syncline", "session", "--socket", "w", "--", "--headless", "800x600", "--", "foot", "-e"];
        let Command::Session(args) = Cli::parse_from(words).command else { panic!("another command") };
        assert_eq!(args.socket.as_deref(), Some("w"));
        assert_eq!(args.run, ["--headless", "800x600", "--", "foot", "-e"]);
    }

    /// What `syncline run` with these words comes to: the headless displays, or the error.
    fn headless(words: &str) -> Result<Vec<String>, String> {
        let words = ["syncline", "run"].into_iter().chain(words.split(' ').filter(|word| !word.is_empty()));
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        let Command::Run(args) = cli.command else { return Err("another command".to_owned()) };
        Ok(args.headless.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn headless_displays_are_as_many_as_are_named() {
        for (words, displays) in [
            ("", &[][..]),
            ("--headless 1920x1080", &["1920x1080@60"]),
            ("--headless 800x600@59.94 -- foot", &["800x600@59.94"]),
            ("--headless=800x600 --headless 16x16@5", &["800x600@60", "16x16@5"]),
        ] {
            assert_eq!(headless(words).unwrap(), displays, "{words}");
        }
    }

    #[test]
    fn headless_displays_that_cannot_be_say_why() {
        for (words, says) in [
            ("--headless", "a value is required for '--headless <WIDTHxHEIGHT[@HZ]>'"),
            ("--headless big", "`big` is not a headless display; write WIDTHxHEIGHT or WIDTHxHEIGHT@HZ"),
            ("--headless 0x0", "16 to 8192 pixels each way, 5 to 1000 Hz"),
            ("--headless 9000x600", "16 to 8192 pixels each way, 5 to 1000 Hz"),
            ("--headless 800x600@0", "16 to 8192 pixels each way, 5 to 1000 Hz"),
            ("--headless 800x600@100000", "16 to 8192 pixels each way, 5 to 1000 Hz"),
            ("--headless 800x600 --device /dev/dri/card0", "cannot be used with '--device"),
            ("--headless 800x600 --mode 800x600", "cannot be used with '--mode"),
            ("--headless 800x600 --crc", "cannot be used with '--crc"),
        ] {
            let error = headless(words).unwrap_err();
            assert!(error.contains(says), "{words}: {error}");
        }
    }
}
