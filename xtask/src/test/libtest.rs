//! Reads what Rust's test harness prints.
//!
//! A test that finds that it cannot run prints a line `SKIPPED: reason`. The harness calls that
//! passed; here it counts as skipped. Never runs anything.

use std::collections::BTreeMap;
use std::ops::AddAssign;

/// Counts over any number of tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Ran and passed.
    pub passed: usize,
    /// Ran and failed, or never ended.
    pub failed: usize,
    /// Did not run.
    pub skipped: usize,
}

impl Tally {
    /// One check that held.
    pub const PASSED: Self = Self { passed: 1, failed: 0, skipped: 0 };
    /// One check that did not hold.
    pub const FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// What one test program, or several one after the other, printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Tests that passed, failed, or skipped themselves. Tests that the harness ignored are not
    /// among them.
    pub tally: Tally,
    /// Tests that the harness ignored.
    pub ignored: usize,
    /// Name and reason of those that skipped themselves.
    pub skips: BTreeMap<String, String>,
    /// What the harness says about the failures; empty if there are none.
    pub failures: String,
}

impl Report {
    /// Reads the output of a run with `--show-output`. Output without a summary means that the
    /// program died: a failure.
    pub fn parse(output: &str) -> Self {
        let mut report = Self::default();
        let (mut section, mut test) = (Section::Running, None);
        let (mut summaries, mut finished, mut verdicts) = (0, 0, Tally::default());
        for line in output.lines() {
            match line {
                "successes:" => section = Section::Successes,
                "failures:" => section = Section::Failures,
                _ => {}
            }
            if let Some((passed, failed, ignored)) = summary(line) {
                summaries += 1;
                finished = 0;
                report.tally += Tally { passed, failed, skipped: 0 };
                report.ignored += ignored;
                (section, test, verdicts) = (Section::Running, None, Tally::default());
                continue;
            }
            match section {
                Section::Running => match verdict(line) {
                    Some(true) => verdicts.passed += 1,
                    Some(false) => verdicts.failed += 1,
                    None => finished += usize::from(line.starts_with("running ")),
                },
                Section::Failures => {
                    report.failures.push_str(line);
                    report.failures.push('\n');
                }
                Section::Successes => {
                    if let Some(name) = line.strip_prefix("---- ").and_then(|l| l.strip_suffix(" stdout ----")) {
                        test = Some(name.to_owned());
                    } else if let (Some(name), Some(reason)) = (&test, line.trim_start().strip_prefix("SKIPPED:")) {
                        report.skips.entry(name.clone()).or_insert_with(|| reason.trim().to_owned());
                    }
                }
            }
        }
        report.tally.passed = report.tally.passed.saturating_sub(report.skips.len());
        report.tally.skipped = report.skips.len();
        if summaries == 0 || finished > 0 {
            report.tally += verdicts;
            report.tally.failed += 1;
        }
        report
    }

    /// No failure.
    pub fn good(&self) -> bool {
        self.tally.failed == 0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Running,
    Successes,
    Failures,
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …` → passed, failed, ignored.
fn summary(line: &str) -> Option<(usize, usize, usize)> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |what: &str| counts.split(';').find_map(|part| part.trim().strip_suffix(what)?.trim().parse().ok());
    Some((count("passed")?, count("failed")?, count("ignored").unwrap_or(0)))
}

/// `test name ... ok` → true, `test name ... FAILED` → false.
fn verdict(line: &str) -> Option<bool> {
    match line.strip_prefix("test ")?.rsplit_once(" ... ")?.1 {
        "ok" => Some(true),
        "FAILED" => Some(false),
        _ => None,
    }
}

/// How many tests a run with `--list` names.
pub fn count_listed(output: &str) -> usize {
    output.lines().filter(|line| line.ends_with(": test")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = "
running 4 tests
test a::holds ... ok
test a::cannot ... ok
test b ... FAILED
test c ... ignored, lab

successes:

---- a::cannot stdout ----
looking for a renderer
SKIPPED: no GPU here
SKIPPED: said twice

---- a::holds stdout ----
not SKIPPED: in the middle of a line

successes:
    a::cannot
    a::holds

failures:

---- b stdout ----
thread 'b' panicked: no

failures:
    b

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn a_test_that_skips_itself_is_not_a_pass() {
        let report = Report::parse(MIXED);
        assert_eq!(report.tally, Tally { passed: 1, failed: 1, skipped: 1 });
        assert_eq!(report.ignored, 1);
        assert_eq!(report.skips.iter().collect::<Vec<_>>(), [(&"a::cannot".to_owned(), &"no GPU here".to_owned())]);
        assert!(report.failures.contains("thread 'b' panicked") && !report.failures.contains("SKIPPED"));
    }

    #[test]
    fn several_summaries_add_up() {
        let line = "test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.51s\n";
        let report = Report::parse(&format!("running 5 tests\n{line}\n   Doc-tests x\n\nrunning 5 tests\n{line}"));
        assert_eq!((report.tally.passed, report.ignored), (6, 4));
        assert!(report.good());
    }

    #[test]
    fn a_program_that_dies_is_a_failure_and_its_results_so_far_count() {
        let report = Report::parse("running 3 tests\ntest a ... ok\ntest b ... ");
        assert_eq!(report.tally, Tally { passed: 1, failed: 1, skipped: 0 });
        assert_eq!(Report::parse("").tally.failed, 1);
    }

    #[test]
    fn listing_and_display() {
        assert_eq!(count_listed("a::b: test\nc: test\nd: benchmark\n\n2 tests, 1 benchmark\n"), 2);
        assert_eq!(Tally { passed: 1, failed: 2, skipped: 3 }.to_string(), "1 passed, 2 failed, 3 skipped");
    }
}
