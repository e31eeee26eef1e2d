//! `cargo xtask test`: everything that must hold before a change goes in, from the formatting to the tests on a real kernel.
//!
//! Steps go on after one has failed, so that one run shows all there is to mend. The last line of standard
//! output is the count over everything and nothing else. Skipped is not passed: it ends non-zero unless skips are accepted.

pub mod artifacts;
mod libtest;
mod runner;

use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use crate::error::{Context, Result};
use crate::{paths, setup};
use artifacts::{Artifact, Built};
use libtest::{Report, Tally};

/// Arguments of `cargo xtask test`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Leave the lab out; its tests count as skipped, and that is accepted
    #[arg(long)]
    pub no_lab: bool,
    /// End with 0 although tests were skipped
    #[arg(long)]
    pub accept_skips: bool,
    /// End the guest of a test binary after that many seconds
    #[arg(long, value_name = "SECS", default_value_t = 300)]
    pub lab_timeout: u64,
    /// Run only lab tests whose binary or name contains this; nothing else is checked
    #[arg(long, value_name = "TEXT")]
    pub only_lab: Option<String>,
    #[command(flatten)]
    setup: setup::Options,
}

/// Runs all, prints the count, returns the exit status.
pub fn main(options: &Options) -> Result<u8> {
    let mut tally = Tally::default();
    setup::ensure(&options.setup)?;
    if options.only_lab.is_none() {
        tally += check("fmt", &["fmt", "--all", "--check"])?;
        tally += check("clippy", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])?;
    }
    let begun = Instant::now();
    let mut built = Built::default();
    // Xtask by itself: built along with the workspace it would get other features, and replace the one that runs.
    built.add(&["--workspace", "--exclude", "xtask", "--bins", "--tests"])?;
    built.add(&["--package", "xtask", "--tests"])?;
    say("build", if built.failures.is_empty() { "ok" } else { "FAILED" }, begun.elapsed());
    for why in &built.failures {
        println!("    {why}");
        tally.failed += 1;
    }
    if options.only_lab.is_none() {
        tally += run_here(&built.artifacts)?;
        tally += doc_tests()?;
    }
    tally += run_lab(options, &built.artifacts)?;
    println!("{tally}");
    let accepted = options.no_lab || options.accept_skips;
    if tally.skipped > 0 && !accepted && tally.failed == 0 {
        eprintln!("test: nothing failed, but {} skipped; --accept-skips takes that for an answer", tally.skipped);
    }
    Ok(u8::from(tally.failed > 0 || (tally.skipped > 0 && !accepted)))
}

/// A command that holds or does not, counted as one.
fn check(name: &str, arguments: &[&str]) -> Result<Tally> {
    let begun = Instant::now();
    let status = Command::new(paths::cargo()).args(arguments).current_dir(paths::workspace()).status();
    let good = status.context(format_args!("run cargo {name}"))?.success();
    say(name, if good { "ok" } else { "FAILED" }, begun.elapsed());
    Ok(Tally { passed: usize::from(good), failed: usize::from(!good), skipped: 0 })
}

/// Unit and property tests, on this machine. What the lab's tests ignore here runs there.
fn run_here(tests: &[Artifact]) -> Result<Tally> {
    let mut tally = Tally::default();
    for test in tests.iter().filter(|artifact| artifact.is_test) {
        let begun = Instant::now();
        let report = Report::parse(&runner::here(test, &["--show-output"])?);
        let ignored = if test.is_lab_test() { 0 } else { report.ignored };
        if test.is_lab_test() && report.tally == Tally::default() {
            continue;
        }
        tally += account(&test.label(), &report, ignored, begun.elapsed());
    }
    Ok(tally)
}

fn doc_tests() -> Result<Tally> {
    let begun = Instant::now();
    // Without xtask, which has none: with it the dependencies would get other features and be built once more.
    let arguments = ["test", "--quiet", "--workspace", "--exclude", "xtask", "--doc", "--", "--show-output"];
    let output = Command::new(paths::cargo())
        .args(arguments)
        .current_dir(paths::workspace())
        .output()
        .context("run cargo test --doc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut report = Report::parse(&text);
    if !output.status.success() {
        report.tally.failed = report.tally.failed.max(1);
        report.failures.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    let ignored = report.ignored;
    Ok(account("doc tests", &report, ignored, begun.elapsed()))
}

fn run_lab(options: &Options, built: &[Artifact]) -> Result<Tally> {
    let mut tests: Vec<&Artifact> = built.iter().filter(|artifact| artifact.is_lab_test()).collect();
    if let Some(text) = &options.only_lab {
        // A guest that has nothing to run need not start.
        let listed = |test: &Artifact| {
            runner::here(test, &["--list", "--ignored", text]).is_ok_and(|list| libtest::count_listed(&list) > 0)
        };
        tests.retain(|test| test.name.contains(text) || listed(test));
    }
    let mut tally = Tally::default();
    if tests.is_empty() {
        return Ok(tally);
    }
    if options.no_lab {
        for test in tests {
            tally.skipped += libtest::count_listed(&runner::here(test, &["--list", "--ignored"])?);
        }
        say("lab", &format!("left out, {} skipped", tally.skipped), Duration::ZERO);
        return Ok(tally);
    }
    runner::in_lab(options, built, &tests, |test, run| {
        let mut report = Report::parse(&run.output);
        if let Some(why) = &run.broken {
            if report.good() {
                report.tally.failed += 1;
            }
            report.failures.push_str(why);
            // The harness cannot tell of a test that never came back; what it said last can.
            report.failures.push_str(&format!("\n  it said:\n{}\n", run.output));
        }
        tally += account(&format!("lab {}", test.label()), &report, report.ignored, run.took);
    })?;
    Ok(tally)
}

/// Prints one line on a binary, its failures and its skips, and returns its count.
fn account(name: &str, report: &Report, ignored: usize, took: Duration) -> Tally {
    let mut tally = report.tally;
    tally.skipped += ignored;
    let verdict = if report.good() { tally.to_string() } else { format!("{tally}  FAILED") };
    say(name, &verdict, took);
    for (test, reason) in &report.skips {
        println!("    skipped {test}: {reason}");
    }
    for line in report.failures.lines() {
        println!("    {line}");
    }
    tally
}

fn say(step: &str, verdict: &str, took: Duration) {
    println!("{step:<44} {:>6.1} s  {verdict}", took.as_secs_f64());
}
