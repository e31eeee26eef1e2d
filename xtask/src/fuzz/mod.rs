//! `cargo xtask fuzz`: random requests against a whole session, in processes that may crash or
//! hang. The requests and the session are in the compositor's test binary
//! (`compositor/src/session/fixture/fuzz/`); this starts it again and again, adds up what it says,
//! and shrinks what fails.
//!
//! It knows no protocol.

mod child;
mod counts;
mod shrink;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use crate::error::{Context, Error, Result};
use crate::test::artifacts::{Artifact, Built};
use crate::{paths, setup};
use child::{Child, Ended, TEST};
use counts::Counts;

/// Sequences of a process.
const SEQUENCES: u32 = 64;
/// A process is killed then. It takes seconds.
const LIMIT: Duration = Duration::from_secs(120);
/// So many failures end a run.
const ENOUGH: usize = 3;
/// A run with so many requests has to reach each of them often enough.
const WHOLE: u64 = 500_000;

/// What can be fuzzed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Wayland requests, on a session without hardware
    Protocol,
}

/// Arguments of `cargo xtask fuzz`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// What is fuzzed
    #[arg(value_enum)]
    what: What,
    /// End after so many requests
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    requests: u64,
    /// End after so many seconds, whatever was sent
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// The same seed makes the same requests
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Do the steps of this file instead, and say whether they fail
    #[arg(long, value_name = "FILE", conflicts_with_all = ["requests", "seconds", "seed"])]
    replay: Option<PathBuf>,
}

impl Options {
    /// What `cargo xtask test` runs.
    pub fn in_test() -> Self {
        Self { what: What::Protocol, requests: 1_000_000, seconds: None, seed: 1, replay: None }
    }
}

/// Builds and runs the fuzzer; its exit status.
pub fn main(options: &Options) -> Result<u8> {
    let What::Protocol = options.what;
    setup::ensure(&setup::Options::default())?;
    let mut built = Built::default();
    built.add(&["--package", "syncline", "--tests"])?;
    match built.failures.pop() {
        Some(failure) => Err(failure),
        None => Ok(u8::from(run(&built.artifacts, options)? > 0)),
    }
}

/// Runs the fuzzer of these test binaries; the number of failures.
pub fn run(built: &[Artifact], options: &Options) -> Result<usize> {
    let child = Child { binary: find(built)?, package: paths::workspace().join("compositor"), folder: folder()? };
    if let Some(file) = &options.replay {
        let file = file.canonicalize().context(format_args!("find {}", file.display()))?;
        return Ok(match child.replay(&file, LIMIT)? {
            Ended::Well(_) => 0,
            Ended::Badly(failure) => {
                println!("{failure}");
                1
            }
        });
    }
    let begun = Instant::now();
    let (mut counts, mut failures, mut seed) = (Counts::default(), 0, options.seed);
    let over = |sent| sent >= options.requests || options.seconds.is_some_and(|s| begun.elapsed().as_secs() >= s);
    while !over(counts.sent) && failures < ENOUGH {
        match child.play(seed, SEQUENCES, LIMIT)? {
            Ended::Well(output) => counts.add(&output),
            Ended::Badly(failure) => {
                failures += 1;
                println!("seed {seed}: {failure}");
                let kept = shrink::shrink(&child, &failure, seed)?;
                println!("  steps: {}\n  again: cargo xtask fuzz protocol --replay {}", kept.display(), kept.display());
            }
        }
        seed = seed.wrapping_add(1);
    }
    println!("{counts}");
    let took = begun.elapsed().as_secs_f64();
    println!("{} requests in {took:.1} s: {:.0} a second", counts.sent, counts.sent as f64 / took);
    failures += counts.faults(counts.sent >= WHOLE).inspect(|fault| println!("FAILED: {fault}")).count();
    Ok(failures)
}

/// Where steps and outputs are written.
fn folder() -> Result<PathBuf> {
    let folder = paths::target().join("fuzz");
    std::fs::create_dir_all(&folder).context(format_args!("create {}", folder.display()))?;
    Ok(folder)
}

/// The binary that has the test: the library's, not the program's.
fn find(built: &[Artifact]) -> Result<PathBuf> {
    for artifact in built.iter().filter(|artifact| artifact.is_test && artifact.name == "syncline") {
        let list = Command::new(&artifact.executable).args([TEST, "--exact", "--list"]).output();
        let list = list.context(format_args!("run {}", artifact.executable.display()))?;
        if String::from_utf8_lossy(&list.stdout).contains(TEST) {
            return Ok(artifact.executable.clone());
        }
    }
    Err(Error::new(format!("no test binary has {TEST}")).hint("correct its name in xtask/src/fuzz/child.rs"))
}
