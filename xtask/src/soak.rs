//! `cargo xtask soak`: mixed clients, hot-plug, changes of the terminal and deaths in the lab's
//! virtual time, for so many minutes of this machine's time; at the end nothing of them may be
//! left. The program is `syncline-soak` of the tests package, which judges; this passes its exit
//! status on.
//!
//! Virtual time passes faster or slower than ours, so the guest is told by its standard input when
//! a part of the minutes is over.

use std::io::{self, Read};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;

use crate::demo::{build_release, program_in};
use crate::error::Result;
use crate::lab::session::{self, Streams};
use crate::lab::{self, kernel};
use crate::setup;

/// The program.
pub const PROGRAM: &str = "syncline-soak";

/// Parts of the time after which a phase of the program ends: its warm-up, its halves.
const PHASES: [f64; 3] = [0.2, 0.6, 1.0];
/// What a run without minutes gets.
const MINUTES: f64 = 10.0;
/// What comes before and after the minutes, in seconds: a busy machine takes some.
const SLACK_S: f64 = 120.0;
/// The most that a run by commits may take, in minutes.
const MOST: f64 = 24.0 * 60.0;

/// Arguments of `cargo xtask soak`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Run for so many minutes of this machine's time; without --commits they are 10
    #[arg(long, value_name = "N", value_parser = parse_minutes)]
    minutes: Option<f64>,
    /// End after so many commits
    #[arg(long, value_name = "N")]
    commits: Option<u64>,
    /// The same seed makes the same choices
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Passed on to the program: --clients, --renderer
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

impl Options {
    /// What `cargo xtask test` runs.
    pub fn in_test() -> Self {
        Self { minutes: Some(2.0), commits: None, seed: 1, rest: Vec::new() }
    }

    /// When it ends at the latest, in minutes, unless it is by commits alone.
    fn limit(&self) -> Option<f64> {
        self.minutes.or(self.commits.is_none().then_some(MINUTES))
    }
}

/// The program, and how it finds the others.
#[derive(Debug)]
pub struct Programs {
    /// The program.
    pub soak: PathBuf,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
}

/// Builds the programs in release and runs the soak; its exit status.
pub fn main(options: &Options) -> Result<u8> {
    setup::ensure(&setup::Options::default())?;
    let bin = build_release(&[])?;
    let programs = Programs { soak: program_in(&bin, PROGRAM)?, env: crate::demo::programs(&bin) };
    run(&programs, options, Streams::inherit())
}

/// Runs the soak with these programs; its exit status.
pub fn run(programs: &Programs, options: &Options, mut streams: Streams) -> Result<u8> {
    let kernel = kernel::ready()?;
    let mut command =
        vec![programs.soak.display().to_string(), "run".into(), "--seed".into(), options.seed.to_string()];
    command.extend(options.commits.iter().flat_map(|commits| ["--commits".into(), commits.to_string()]));
    streams.stdin = None;
    if let Some(minutes) = options.limit() {
        command.push("--marks".into());
        streams.stdin = Some(Box::new(Marks::new(minutes)));
    }
    command.extend(options.rest.iter().cloned());
    let mut lab = lab::Options::for_command(command);
    lab.virtual_time = true;
    lab.timeout = (options.limit().unwrap_or(MOST) * 60.0 + SLACK_S) as u64;
    lab.env.extend(programs.env.iter().cloned());
    let outcome = session::run(&kernel, &lab, streams)?;
    outcome.explain(&lab);
    Ok(outcome.exit_status())
}

/// A standard input that has a byte whenever a phase is over, and ends with the last one.
struct Marks {
    begun: Instant,
    left: std::vec::IntoIter<Duration>,
}

impl Marks {
    fn new(minutes: f64) -> Self {
        let times: Vec<Duration> = PHASES.iter().map(|part| Duration::from_secs_f64(minutes * 60.0 * part)).collect();
        Self { begun: Instant::now(), left: times.into_iter() }
    }
}

impl Read for Marks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (Some(at), Some(byte)) = (self.left.next(), buffer.first_mut()) else { return Ok(0) };
        thread::sleep((self.begun + at).saturating_duration_since(Instant::now()));
        *byte = b'\n';
        Ok(1)
    }
}

fn parse_minutes(text: &str) -> std::result::Result<f64, String> {
    let wrong = || format!("{text:?} is not a number of minutes up to {MOST}");
    text.parse().ok().filter(|minutes| *minutes > 0.0 && *minutes <= MOST).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_when_a_phase_is_over_and_the_last_one_ends_it() {
        let mut marks = Marks::new(0.001);
        let mut bytes = Vec::new();
        marks.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"\n\n\n");
        assert!(marks.begun.elapsed() >= Duration::from_millis(60));
    }

    #[test]
    fn what_ends_a_run() {
        let options = |minutes, commits| Options { minutes, commits, ..Options::in_test() };
        assert_eq!(options(None, None).limit(), Some(MINUTES));
        assert_eq!(options(None, Some(1)).limit(), None, "by commits alone");
        assert_eq!(options(Some(2.0), Some(1)).limit(), Some(2.0), "whichever comes first");
        assert!(parse_minutes("0").is_err() && parse_minutes("x").is_err() && parse_minutes("1e9").is_err());
        assert_eq!(parse_minutes("1.5"), Ok(1.5));
    }
}
