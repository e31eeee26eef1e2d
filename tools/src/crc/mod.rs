//! `syncline crc`: proves with display CRCs what reached the screen, by hand, for a session, on a board farm. No Wayland.
//!
//! `sources`, `watch` and `capture` only read, beside whoever draws. `test`, `record` and `verify` draw scenes of their own on a bare
//! device ([`screen`]), made from what it says it can ([`rows`], [`special`]) and judged by [`judge`] or by references ([`learn`]). IGT's
//! rules hold: the first two CRCs after arming are dropped, and only those of one source and one configuration are compared. Exit
//! status: 0 as expected, 1 a picture differs, 2 it could not be run.

mod args;
mod device;
mod evidence;
mod judge;
mod learn;
mod picture;
mod power;
mod read;
mod report;
mod result;
mod rows;
mod scene;
mod screen;
mod special;
mod suite;
mod trouble;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Instant;

pub use args::CrcArgs;
use args::{Action, Format, TestArgs};
use indicatif::{ProgressBar, ProgressStyle};
use judge::Judge;
use kms::crc::reference::References;
use result::{Configuration, Report, TestResult};
use screen::Screen;
use suite::Test;
use trouble::Trouble;

/// Does what is asked; the exit status.
pub fn run(args: &CrcArgs) -> u8 {
    match act(args) {
        Ok(status) => status,
        Err(trouble) => {
            eprintln!("syncline: error: {trouble}");
            2
        }
    }
}

fn act(args: &CrcArgs) -> Result<u8, Trouble> {
    let mut out = std::io::stdout().lock();
    match &args.action {
        Action::Sources => read::sources(&device::to_read(args)?, &mut out).map(|()| 0),
        Action::Watch => read::frames(&device::to_read(args)?, &args.source, None, &mut out).map(|()| 0),
        Action::Capture { frames } => {
            read::frames(&device::to_read(args)?, &args.source, Some(*frames), &mut out).map(|()| 0)
        }
        Action::Diff { left, right } => learn::diff(left, right, &mut out).map(u8::from),
        Action::Test(test) if test.suite == "list" => {
            for name in suite::names() {
                writeln!(out, "{name}").map_err(|error| Trouble::refused("standard output", error))?;
            }
            Ok(0)
        }
        Action::Test(test) => scenes(args, test, &Task::Judge, &mut out),
        Action::Record { dir, test } => scenes(args, test, &Task::Record(dir), &mut out),
        Action::Verify { dir, test } => scenes(args, test, &Task::Verify(dir), &mut out),
    }
}

/// What is done with each scene.
enum Task<'a> {
    Judge,
    Record(&'a Path),
    Verify(&'a Path),
}

fn scenes(args: &CrcArgs, test: &TestArgs, task: &Task<'_>, out: &mut impl Write) -> Result<u8, Trouble> {
    suite::check(&test.suite)?;
    let (device, inventory) = device::to_draw(args.device.as_deref())?;
    let connector = device::output(&inventory, args.output.as_deref())?;
    let (id, mode) = (connector.id, device::mode(connector, test.mode)?.clone());
    let mut screen = Screen::light(device, inventory, id, &mode, &args.source)?;
    screen.may_suspend = test.suspend;
    let result = on_screen(&mut screen, args, test, task);
    screen.restore();
    let report = result?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let text = report::print(&report, test.format, std::io::stdout().is_terminal() && !plain);
    out.write_all(text.as_bytes()).map_err(|error| Trouble::refused("standard output", error))?;
    Ok(report.status())
}

fn on_screen(screen: &mut Screen, args: &CrcArgs, test: &TestArgs, task: &Task<'_>) -> Result<Report, Trouble> {
    let mut judge = Judge::new(screen, &args.source);
    let setup = learn::setup(screen, &args.source);
    let judged_by = if matches!(task, Task::Judge) { judge.method() } else { "references" };
    let mut references = match task {
        Task::Judge => References::new(setup.clone()),
        Task::Record(dir) => References::load(dir, &setup)?.unwrap_or_else(|| References::new(setup.clone())),
        Task::Verify(dir) => learn::load(dir, &setup)?.ok_or_else(|| {
            Trouble::refused(dir.display().to_string(), "no references are here; `syncline crc record` learns them")
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
    let tests = suite::tests(screen, &test.suite)?;
    let progress = progress(tests.len(), test.format);
    let mut results = Vec::with_capacity(tests.len());
    for one in tests {
        progress.set_message(one.title());
        let start = Instant::now();
        let outcome = match (task, one) {
            (Task::Judge, one) => {
                results.push(suite::run(screen, &mut judge, one, test.out.as_deref())?);
                progress.inc(1);
                continue;
            }
            // Those judge themselves; there is nothing to learn.
            (_, Test::Special(..)) => continue,
            (Task::Record(_), Test::Scene(case)) => {
                (learn::record(screen, &mut references, &setup, &case)?, case.suite, case.name)
            }
            (Task::Verify(_), Test::Scene(case)) => {
                (learn::verify(screen, &references, &setup, &case)?, case.suite, case.name)
            }
        };
        let (outcome, suite, name) = outcome;
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

/// On standard error, if that is a terminal and the results are for people.
fn progress(tests: usize, format: Format) -> ProgressBar {
    if format != Format::Table || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}");
    ProgressBar::new(tests as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
