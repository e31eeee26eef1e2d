//! Runs the suites on a lit screen and collects what came out.
//!
//! A scene that the driver refuses is skipped with its reason; trouble of the display itself ends the run.

use std::path::Path;
use std::time::Instant;

use kms::crc::CrcEntry;

use super::evidence;
use super::judge::Judge;
use super::result::{Outcome, TestResult};
use super::rows::{SUITES, rows};
use super::scene::{Case, Scene};
use super::screen::Screen;
use super::special;
use super::trouble::Trouble;

/// Names of all suites, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    SUITES.iter().map(|(name, _)| *name).chain(special::SUITES.iter().map(|(name, _)| *name))
}

/// One test of a suite.
pub enum Test {
    /// A scene with its control.
    Scene(Case),
    /// One that needs more than a scene.
    Special(&'static str, &'static str, special::Run),
}

impl Test {
    /// `suite: name`.
    pub fn title(&self) -> String {
        match self {
            Self::Scene(case) => format!("{}: {}", case.suite, case.name),
            Self::Special(suite, name, _) => format!("{suite}: {name}"),
        }
    }
}

/// The tests of a suite, or of `all`.
pub fn tests(screen: &Screen, wanted: &str) -> Result<Vec<Test>, Trouble> {
    let mut tests = Vec::new();
    let chosen = |name: &str| wanted == "all" || wanted == name;
    for (suite, make) in SUITES.into_iter().filter(|(name, _)| chosen(name)) {
        tests.extend(rows(screen, suite, make)?.into_iter().map(Test::Scene));
    }
    for (suite, list) in special::SUITES.iter().filter(|(name, _)| chosen(name)) {
        tests.extend(list.iter().map(|(name, run)| Test::Special(suite, name, *run)));
    }
    Ok(tests)
}

/// Refuses a suite that there is not, before anything is shown.
pub fn check(wanted: &str) -> Result<(), Trouble> {
    if wanted == "all" || names().any(|name| name == wanted) {
        return Ok(());
    }
    Err(Trouble::Suite { wanted: wanted.to_owned(), known: names().collect::<Vec<_>>().join(", ") })
}

/// Runs one test. `out`: where pictures of a mismatch are kept.
///
/// A test in whose middle the display fails (no flip, no CRC) has failed; the mode is set anew, and the next test has its chance.
/// Only a display that does not come back then ends the whole run.
pub fn run(screen: &mut Screen, judge: &mut Judge, test: Test, out: Option<&Path>) -> Result<TestResult, Trouble> {
    let start = Instant::now();
    let (suite, name, outcome) = match test {
        Test::Special(suite, name, run) => (suite, name.to_owned(), run(screen, judge)),
        Test::Scene(Case { suite, name, scenes }) => {
            let outcome = match scenes {
                Err(reason) => Ok(Outcome::Skip { reason }),
                Ok((scene, control)) => scene_test(screen, judge, &scene, &control, out, &format!("{suite} {name}")),
            };
            (suite, name, outcome)
        }
    };
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(trouble) => {
            let reason = trouble.to_string();
            screen.modeset().map_err(|error| Trouble::refused(format!("{suite}: {name}: {reason}; then"), error))?;
            Outcome::Fail { reason, files: Vec::new() }
        }
    };
    let ms = start.elapsed().as_millis() as u64;
    Ok(TestResult { suite: suite.to_owned(), name, outcome, ms })
}

fn scene_test(
    screen: &mut Screen,
    judge: &mut Judge,
    scene: &Scene,
    control: &Scene,
    out: Option<&Path>,
    title: &str,
) -> Result<Outcome, Trouble> {
    if let Err(reason) = screen.would_take(scene) {
        return Ok(Outcome::Skip { reason: format!("the driver refuses it: {reason}") });
    }
    // The control first: a scene that cannot be told from it proves nothing, whatever it shows.
    let (expected, other) = match (judge.expected(screen, scene)?, judge.expected(screen, control)?) {
        (Ok(expected), Ok(other)) => (expected, other),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Outcome::Skip { reason }),
    };
    let read = match screen.shot(scene)? {
        Ok(read) => read,
        Err(reason) => return Ok(Outcome::Skip { reason: format!("the driver refuses it: {reason}") }),
    };
    if expected.values() == other.values() {
        let reason = format!("the control has the same CRC {}", value(&other));
        return Ok(Outcome::Fail { reason, files: Vec::new() });
    }
    if read.values() == expected.values() {
        return Ok(Outcome::Pass);
    }
    let looks = if read.values() == other.values() { ", which is that of the control" } else { "" };
    let reason = format!("CRC {} instead of {}{looks}", value(&read), value(&expected));
    let files = match out {
        Some(dir) => evidence::keep(screen, judge, scene, dir, title)?,
        None => Vec::new(),
    };
    Ok(Outcome::Fail { reason, files })
}

/// The values of an entry, as debugfs writes them.
pub fn value(entry: &CrcEntry) -> String {
    let values: Vec<_> = entry.values().iter().map(|value| format!("{value:#010x}")).collect();
    values.join(" ")
}
