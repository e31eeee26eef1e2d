//! Results: the outcome of each test, and the configuration that it ran on. Pure values;
//! [`super::report`] prints them.

use serde::{Deserialize, Serialize};

/// The outcome of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// CRCs are equal where they must be, and different where they must be.
    Pass,
    /// They are not.
    Fail {
        /// What was found, in one line.
        reason: String,
        /// Paths of the files that it has left, all in one folder.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
    },
    /// Not run.
    Skip {
        /// What this display lacks.
        reason: String,
    },
}

impl Outcome {
    /// A failure that has left nothing.
    pub fn fail(reason: impl Into<String>) -> Self {
        Self::Fail { reason: reason.into(), files: Vec::new() }
    }

    /// Not run, for `reason`.
    pub fn skip(reason: impl Into<String>) -> Self {
        Self::Skip { reason: reason.into() }
    }
}

/// A test and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The suite that it belongs to.
    pub suite: String,
    pub name: String,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// What the tests ran on. CRCs of different configurations are not comparable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Path of the device.
    pub device: String,
    pub driver: String,
    /// `uname -r`.
    pub kernel: String,
    /// The connector's name.
    pub output: String,
    pub mode: String,
    /// CRC source.
    pub source: String,
    /// Where the expected CRCs come from: `prediction`, `composition` or `references`.
    pub judged_by: String,
}

/// The results of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of the JSON format.
    pub format: u32,
    pub configuration: Configuration,
    pub tests: Vec<TestResult>,
}

/// Number of tests by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Counts {
    /// Counts the outcomes of `tests`.
    pub fn of<'a>(tests: impl IntoIterator<Item = &'a TestResult>) -> Self {
        let mut counts = Self::default();
        for test in tests {
            match test.outcome {
                Outcome::Pass => counts.passed += 1,
                Outcome::Fail { .. } => counts.failed += 1,
                Outcome::Skip { .. } => counts.skipped += 1,
            }
        }
        counts
    }

    /// Number of all tests.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

impl Report {
    /// The suites in the order in which they ran, each with its tests.
    pub fn suites(&self) -> impl Iterator<Item = (&str, &[TestResult])> {
        self.tests.chunk_by(|a, b| a.suite == b.suite).map(|tests| (tests[0].suite.as_str(), tests))
    }

    /// 0 if all that was tested is as expected, 1 if a test failed, 2 if nothing was tested.
    pub fn exit_status(&self) -> u8 {
        match Counts::of(&self.tests) {
            Counts { failed: 1.., .. } => 1,
            Counts { passed: 0, .. } => 2,
            _ => 0,
        }
    }
}

/// The values of a CRC as debugfs writes them: `0x0000002a`, one after the other.
pub fn crc_text(values: &[u32]) -> String {
    let values: Vec<_> = values.iter().map(|value| format!("{value:#010x}")).collect();
    values.join(" ")
}
