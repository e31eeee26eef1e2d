//! `syncline crc`: proves with display CRCs what a display shows; by hand, beside a session, or on
//! a board farm.
//!
//! `sources`, `watch` and `capture` only read CRCs, whoever draws ([`read`]). `test`, `record` and
//! `verify` draw on the device themselves ([`screen`]): scenes made from the device's properties
//! ([`cases`]) and sequences of frames ([`sequences`]). The expected CRC comes from the [`oracle`]
//! or from recorded [`references`].
//!
//! The rules are those of IGT: the first two CRCs after arming are dropped, and only CRCs of one
//! source and one configuration are compared. Exit status: 0 everything is as expected, 1 a CRC
//! differs, 2 it could not run.

mod args;
mod cases;
mod device;
mod error;
mod failure;
mod image;
mod mismatch;
mod oracle;
mod read;
mod references;
mod report;
mod result;
mod scene;
mod screen;
mod sequences;
mod suite;
mod suspend;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

pub use args::CrcArgs;
use args::{Action, Format, ReplayArgs, TestArgs};
use error::Error;
use failure::Failures;
use image::Alpha;
use indicatif::{ProgressBar, ProgressStyle};
use kms::crc::reference::References;
use oracle::Oracle;
use result::{Configuration, Report, TestResult};
use screen::Screen;
use suite::Test;

use crate::terminal;

/// Runs the subcommand and returns its exit status. Errors are printed.
pub fn run(args: &CrcArgs) -> u8 {
    match run_action(args) {
        Ok(status) => status,
        Err(error) => {
            eprintln!("syncline: error: {error}");
            2
        }
    }
}

fn run_action(args: &CrcArgs) -> Result<u8, Error> {
    let mut out = std::io::stdout().lock();
    match &args.action {
        Action::Sources => read::sources(&device::open_crc_reader(args)?, &mut out).map(|()| 0),
        Action::Watch => read::frames(&device::open_crc_reader(args)?, &args.source, None, &mut out).map(|()| 0),
        Action::Capture { frames } => {
            read::frames(&device::open_crc_reader(args)?, &args.source, Some(*frames), &mut out).map(|()| 0)
        }
        Action::Diff { left, right } => references::diff(left, right, &mut out).map(u8::from),
        Action::Test { test, .. } if test.suite == "list" => {
            suite::names().try_for_each(|name| writeln!(out, "{name}")).map_err(Error::stdout)?;
            Ok(0)
        }
        Action::Test { test, replay } => run_suites(args, test, &Task::Test(replay), &mut out),
        Action::Record { dir, test } => run_suites(args, test, &Task::Record(dir), &mut out),
        Action::Verify { dir, test } => run_suites(args, test, &Task::Verify(dir), &mut out),
    }
}

/// What is done with the scenes.
enum Task<'a> {
    /// Compare their CRCs with those that the oracle expects.
    Test(&'a ReplayArgs),
    /// Save their CRCs as references in this directory.
    Record(&'a Path),
    /// Compare their CRCs with the references in this directory.
    Verify(&'a Path),
}

fn run_suites(args: &CrcArgs, test: &TestArgs, task: &Task<'_>, out: &mut impl Write) -> Result<u8, Error> {
    suite::check_name(&test.suite)?;
    let (device, inventory) = device::open_to_draw(args.device.as_deref())?;
    let connector = device::find_connector(&inventory, args.output.as_deref())?;
    let (id, mode) = (connector.id, kms::open::choose_mode(connector, test.mode)?.clone());
    let mut screen = Screen::new(device, inventory, id, &mode, &args.source)?;
    screen.may_suspend = test.suspend;
    if let Task::Test(replay) = task {
        screen.seed = replay.seed;
    }
    let result = run_tests(&mut screen, args, test, task);
    screen.restore();
    let report = result?;
    let text = report::text(&report, test.format, terminal::wants_colour(&std::io::stdout()));
    out.write_all(text.as_bytes()).map_err(Error::stdout)?;
    Ok(report.exit_status())
}

fn run_tests(screen: &mut Screen, args: &CrcArgs, test: &TestArgs, task: &Task<'_>) -> Result<Report, Error> {
    let mut oracle = Oracle::new(screen, &args.source, test.judge);
    let setup = references::setup(screen, &args.source);
    let judged_by = if matches!(task, Task::Test(_)) { oracle.method() } else { "references" };
    let mut references = match task {
        Task::Test(_) => References::new(setup.clone()),
        Task::Record(dir) => References::load(dir, &setup)?.unwrap_or_else(|| References::new(setup.clone())),
        Task::Verify(dir) => references::load(dir, &setup)?.ok_or_else(|| {
            Error::step(dir.display().to_string(), "there are no references; `syncline crc record` makes them")
        })?,
    };
    let configuration = Configuration {
        device: screen.device.path().display().to_string(),
        driver: setup.driver.clone(),
        kernel: setup.kernel.clone(),
        output: screen.name().to_owned(),
        mode: screen.mode.to_string(),
        source: args.source.clone(),
        judged_by: judged_by.to_owned(),
    };
    // References may be of anything: they are compared with what the same display showed.
    let alpha = if matches!(task, Task::Test(_)) { oracle.alpha() } else { Alpha::Any };
    if let Task::Test(replay) = task {
        let tests = run_tests_with_oracle(screen, &mut oracle, alpha, &configuration, test, replay)?;
        return Ok(Report { format: 1, configuration, tests });
    }
    let tests = suite::tests(screen, &test.suite, None, alpha)?;
    let progress = progress_bar(tests.len(), test.format);
    let mut results = Vec::with_capacity(tests.len());
    for one in tests {
        progress.set_message(one.title());
        let start = Instant::now();
        let (outcome, suite, name) = match (task, one) {
            // A sequence checks itself and has no single CRC to record.
            (_, Test::Sequence(..)) | (Task::Test(_), _) => continue,
            (Task::Record(_), Test::Scene(case)) => {
                (references::record(screen, &mut references, &setup, &case)?, case.suite, case.name)
            }
            (Task::Verify(_), Test::Scene(case)) => {
                (references::verify(screen, &references, &setup, &case)?, case.suite, case.name)
            }
        };
        results.push(TestResult { suite: suite.to_owned(), name, outcome, ms: start.elapsed().as_millis() as u64 });
        progress.inc(1);
    }
    progress.finish_and_clear();
    if let Task::Record(dir) = task {
        let path = references.save(dir)?;
        eprintln!("syncline: {}", path.display());
    }
    Ok(Report { format: 1, configuration, tests: results })
}

/// Runs the tests, each as often as is wanted. A failed one leaves a folder.
fn run_tests_with_oracle(
    screen: &mut Screen,
    oracle: &mut Oracle,
    alpha: Alpha,
    configuration: &Configuration,
    test: &TestArgs,
    replay: &ReplayArgs,
) -> Result<Vec<TestResult>, Error> {
    let tests = suite::tests(screen, &test.suite, replay.case.as_deref(), alpha)?;
    let mut failures = Failures::new(screen, test.out.as_deref(), configuration);
    let progress = progress_bar(tests.len() * replay.repeat as usize, test.format);
    let mut results = Vec::with_capacity(tests.len());
    for one in tests {
        progress.set_message(one.title());
        for time in 1..=replay.repeat {
            let mut result = suite::run(screen, oracle, &one, &mut failures)?;
            if replay.repeat > 1 {
                result.name = format!("{} ({time} of {})", result.name, replay.repeat);
            }
            results.push(result);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    Ok(results)
}

/// A progress bar on standard error, if that is a terminal and the report is for people; else a
/// hidden one.
fn progress_bar(tests: usize, format: Format) -> ProgressBar {
    if format != Format::Table || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
    ProgressBar::new(tests as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
