//! Runs the suites on a screen.
//!
//! A scene that the driver refuses is skipped with the reason. A display that no longer works ends
//! the run.

use std::time::Instant;

use super::cases::{SCENE_SUITES, cases};
use super::error::Error;
use super::failure::{Failures, slug};
use super::image::Alpha;
use super::oracle::Oracle;
use super::result::{Outcome, TestResult, crc_text};
use super::scene::{Case, Scene};
use super::screen::Screen;
use super::sequences;

/// Names of all suites, in the order in which they run.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCENE_SUITES.iter().map(|(name, _)| *name).chain(sequences::SEQUENCE_SUITES.iter().map(|(name, _)| *name))
}

/// One test of a suite.
pub enum Test {
    /// A scene with its control.
    Scene(Case),
    /// A sequence of frames: suite, name, and the function that runs it.
    Sequence(&'static str, &'static str, sequences::Sequence),
}

impl Test {
    /// `suite: name`.
    pub fn title(&self) -> String {
        match self {
            Self::Scene(case) => case.title(),
            Self::Sequence(suite, name, _) => format!("{suite}: {name}"),
        }
    }
}

/// Whether a case may be of a suite, by its id.
fn may_be_of(suite: &str, id: Option<&str>) -> bool {
    id.is_none_or(|id| slug(id).starts_with(&slug(suite)))
}

/// The tests of a suite, or of `all`, with images of this kind; only the one of this id, if there
/// is an id. Errors: there is none; the device cannot allocate an image.
pub fn tests(screen: &Screen, wanted: &str, id: Option<&str>, alpha: Alpha) -> Result<Vec<Test>, Error> {
    let mut tests = Vec::new();
    let chosen = |name: &str| (wanted == "all" || wanted == name) && may_be_of(name, id);
    for (suite, make) in SCENE_SUITES.into_iter().filter(|(name, _)| chosen(name)) {
        tests.extend(cases(screen, alpha, suite, make)?.into_iter().map(Test::Scene));
    }
    for (suite, list) in sequences::SEQUENCE_SUITES.iter().filter(|(name, _)| chosen(name)) {
        tests.extend(list.iter().map(|(name, run)| Test::Sequence(suite, name, *run)));
    }
    if let Some(id) = id {
        tests.retain(|test| slug(&test.title()) == slug(id));
        if tests.is_empty() {
            return Err(Error::Case(id.to_owned()));
        }
    }
    Ok(tests)
}

/// An error if there is no suite of this name. Asked before anything is shown.
pub fn check_name(wanted: &str) -> Result<(), Error> {
    if wanted == "all" || names().any(|name| name == wanted) {
        return Ok(());
    }
    Err(Error::Suite { wanted: wanted.to_owned(), known: names().collect::<Vec<_>>().join(", ") })
}

/// Runs one test. If it fails, it leaves a folder.
///
/// If the display stops during the test (no page flip, no CRC), the test fails and the mode is set
/// again for the next one. An error only if that does not help.
pub fn run(
    screen: &mut Screen,
    oracle: &mut Oracle,
    test: &Test,
    failures: &mut Failures,
) -> Result<TestResult, Error> {
    let start = Instant::now();
    failures.begin();
    let (suite, name, scene) = match test {
        Test::Sequence(suite, name, _) => (*suite, (*name).to_owned(), None),
        Test::Scene(case) => (case.suite, case.name.clone(), case.scenes.as_ref().ok().map(|(scene, _)| scene)),
    };
    let outcome = match test {
        Test::Sequence(_, _, run) => run(screen, oracle),
        Test::Scene(Case { scenes: Err(reason), .. }) => Ok(Outcome::skip(reason)),
        Test::Scene(Case { scenes: Ok((scene, control)), .. }) => scene_test(screen, oracle, scene, control),
    };
    let title = test.title();
    let outcome = match outcome {
        Ok(Outcome::Fail { reason, .. }) => {
            let files = failures.save(screen, oracle, &title, &reason, scene)?;
            Outcome::Fail { reason, files }
        }
        Ok(outcome) => outcome,
        Err(error) => {
            let reason = error.to_string();
            // No images: the display shows nothing more.
            let files = failures.save(screen, oracle, &title, &reason, None)?;
            screen.modeset().map_err(|error| Error::step(format!("{title}: {reason}; then"), error))?;
            Outcome::Fail { reason, files }
        }
    };
    let ms = start.elapsed().as_millis() as u64;
    Ok(TestResult { suite: suite.to_owned(), name, outcome, ms })
}

fn scene_test(screen: &mut Screen, oracle: &mut Oracle, scene: &Scene, control: &Scene) -> Result<Outcome, Error> {
    if let Err(reason) = screen.test(scene) {
        return Ok(Outcome::Skip { reason: format!("the driver refuses it: {reason}") });
    }
    // The control first: a scene that has the same CRC as its control proves nothing.
    let (expected, other) = match (oracle.expected(screen, scene)?, oracle.expected(screen, control)?) {
        (Ok(expected), Ok(other)) => (expected, other),
        (Err(reason), _) | (_, Err(reason)) => return Ok(Outcome::Skip { reason }),
    };
    let read = match screen.show(scene)? {
        Ok(read) => read,
        Err(reason) => return Ok(Outcome::Skip { reason: format!("the driver refuses it: {reason}") }),
    };
    if other.values().starts_with(expected.values()) {
        let reason = format!("the control has the same CRC {}", crc_text(other.values()));
        return Ok(Outcome::fail(reason));
    }
    // A prediction has one value, where an entry may have several.
    if read.values().starts_with(expected.values()) {
        return Ok(Outcome::Pass);
    }
    let note = if read.values().starts_with(other.values()) { ", which is the CRC of the control" } else { "" };
    let reason = format!("CRC {} instead of {}{note}", crc_text(read.values()), crc_text(expected.values()));
    Ok(Outcome::fail(reason))
}
