//! One process of the fuzzer: started, limited in time, and understood when it ends.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::error::{Context, Result};

/// The test that is one process of a run.
pub const TEST: &str = "session::fixture::fuzz::child";
/// Stack of the program's main thread, on which a session runs; tests have less.
const STACK: &str = "8388608";
/// Lines of the output that are shown of a failure.
const SHOWN: usize = 3;

/// How processes are started.
#[derive(Debug)]
pub struct Child {
    /// The test binary.
    pub binary: PathBuf,
    /// The folder of its package.
    pub package: PathBuf,
    /// For logs.
    pub folder: PathBuf,
}

/// How a process ended.
#[derive(Debug)]
pub enum Ended {
    /// With its output.
    Well(String),
    /// Otherwise.
    Badly(Failure),
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it has in common with others of its kind: where it panicked, what grew.
    pub kind: String,
    /// What the process said.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        self.text.lines().take(SHOWN).try_for_each(|line| write!(f, "\n    {line}"))
    }
}

impl Child {
    /// Where the steps of a seed are.
    pub fn log(&self) -> PathBuf {
        self.folder.join("steps.txt")
    }

    /// Plays sequences of a seed.
    pub fn play(&self, seed: u64, sequences: u32, limit: Duration) -> Result<Ended> {
        let log = self.log();
        let (seed, sequences, log) = (seed.to_string(), sequences.to_string(), log.display().to_string());
        self.run(
            &[("SYNCLINE_FUZZ_SEED", &seed), ("SYNCLINE_FUZZ_SEQUENCES", &sequences), ("SYNCLINE_FUZZ_LOG", &log)],
            limit,
        )
    }

    /// Does the steps of a file.
    pub fn replay(&self, steps: &Path, limit: Duration) -> Result<Ended> {
        self.run(&[("SYNCLINE_FUZZ_REPLAY", &steps.display().to_string())], limit)
    }

    fn run(&self, env: &[(&str, &str)], limit: Duration) -> Result<Ended> {
        let path = self.folder.join("output.txt");
        let output = File::create(&path).context(format_args!("create {}", path.display()))?;
        let errors = output.try_clone().context("duplicate a descriptor")?;
        let mut child = Command::new(&self.binary)
            .args([TEST, "--exact", "--nocapture", "--test-threads=1"])
            .current_dir(&self.package)
            .env("CARGO_MANIFEST_DIR", &self.package)
            .env("RUST_MIN_STACK", STACK)
            .env("RUST_BACKTRACE", "0")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .context(format_args!("run {}", self.binary.display()))?;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().context("wait for a process")? {
                break Some(status);
            }
            if begun.elapsed() > limit {
                child.kill().context("kill a process that hangs")?;
                child.wait().context("wait for a process")?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let text = fs::read(&path).context(format_args!("read {}", path.display()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(match status {
            Some(status) if status.success() => Ended::Well(text),
            status => Ended::Badly(understand(status, &text, limit)),
        })
    }
}

/// What a process died of.
fn understand(status: Option<ExitStatus>, text: &str, limit: Duration) -> Failure {
    let mut lines = text.lines().skip_while(|line| !line.contains(" panicked at "));
    let place = lines.next().and_then(|line| line.split(" panicked at ").nth(1));
    let said = lines.next().unwrap_or_default();
    let kind = match (status, place) {
        (None, _) => format!("hang: it did not end within {} s", limit.as_secs()),
        // What the fuzzer itself has found: its first words say what.
        (_, Some(place)) if place.contains("fixture/fuzz/") => {
            said.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
        }
        (_, Some(place)) => format!("panic at {}", place.trim_end_matches(':')),
        (Some(status), None) => match status.signal() {
            Some(signal) if text.contains("overflowed its stack") => format!("stack overflow, signal {signal}"),
            Some(signal) => format!("signal {signal}"),
            None => format!("{status}"),
        },
    };
    let said = if place.is_some() { said } else { text.lines().last().unwrap_or_default() };
    Failure { kind, text: said.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_died_of() {
        let failed = Some(ExitStatus::from_raw(101 << 8));
        let kind = |status, text| understand(status, text, Duration::from_secs(9)).kind;
        assert_eq!(kind(failed, "x\nthread 'a' panicked at src/b.rs:1:2:\nno\n"), "panic at src/b.rs:1:2");
        let found =
            "thread 'a' (7) panicked at compositor/src/session/fixture/fuzz/mod.rs:7:13:\ngrowth: windows from 1 to 2";
        assert_eq!(kind(failed, found), "growth: windows");
        assert_eq!(
            kind(Some(ExitStatus::from_raw(6)), "thread 'a' has overflowed its stack"),
            "stack overflow, signal 6"
        );
        assert_eq!(kind(None, ""), "hang: it did not end within 9 s");
    }
}
