//! What came out: each test's outcome, and on what it was run. Pure values, which the reports print.

use serde::{Deserialize, Serialize};

/// How a test came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Equal where it must be, different where it must be.
    Pass,
    /// Not so.
    Fail {
        /// What was found, in one line.
        reason: String,
        /// Files that were kept of it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
    },
    /// Not run, since this display lacks something.
    Skip {
        /// What.
        reason: String,
    },
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The suite that it belongs to.
    pub suite: String,
    pub name: String,
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    pub ms: u64,
}

/// On what the tests ran. CRCs of different configurations say nothing about one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Path of the device.
    pub device: String,
    pub driver: String,
    /// `uname -r`.
    pub kernel: String,
    /// Connector's name.
    pub output: String,
    pub mode: String,
    /// CRC source.
    pub source: String,
    /// `prediction` or `composition`: what expectations come from.
    pub judged_by: String,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this form.
    pub format: u32,
    pub configuration: Configuration,
    pub tests: Vec<TestResult>,
}

/// How many of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Counts {
    /// Counts.
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

    /// All of them.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.skipped
    }
}

impl Report {
    /// The suites in the order in which they ran, each with its tests.
    pub fn suites(&self) -> impl Iterator<Item = (&str, &[TestResult])> {
        self.tests.chunk_by(|a, b| a.suite == b.suite).map(|tests| (tests[0].suite.as_str(), tests))
    }

    /// Exit status: 1 where anything failed.
    pub fn status(&self) -> u8 {
        u8::from(Counts::of(&self.tests).failed > 0)
    }
}
