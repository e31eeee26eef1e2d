//! The report as a table: a line for each suite, then the failures, then why tests were skipped,
//! and how many.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use crate::crc::result::{Counts, Outcome, Report};
use crate::terminal;

pub(super) fn table(report: &Report, colour: bool) -> String {
    let paint = |code: &str, text: &str| terminal::paint(colour, code, text);
    let c = &report.configuration;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{} ({}, Linux {}), {} {}, source {}, judged by {}",
        c.device, c.driver, c.kernel, c.output, c.mode, c.source, c.judged_by
    );
    let width = report.suites().map(|(name, _)| name.len()).max().unwrap_or(0);
    let _ = writeln!(out, "\n  {:width$}  passed  failed  skipped    time", "suite");
    for (name, tests) in report.suites() {
        let counts = Counts::of(tests);
        let ms: u64 = tests.iter().map(|test| test.ms).sum();
        let mark = match counts {
            Counts { failed: 1.., .. } => paint("31", "✗"),
            Counts { passed: 0, .. } => paint("2", "–"),
            _ => paint("32", "✓"),
        };
        let Counts { passed, failed, skipped } = counts;
        let _ = writeln!(
            out,
            "{mark} {name:width$}  {passed:6}  {failed:6}  {skipped:7}  {:4}.{:01} s",
            ms / 1000,
            ms % 1000 / 100
        );
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    let mut failures = String::new();
    for test in &report.tests {
        match &test.outcome {
            Outcome::Pass => {}
            Outcome::Skip { reason } => *reasons.entry(reason).or_default() += 1,
            Outcome::Fail { reason, files } => {
                let _ = writeln!(failures, "  {}: {}\n    {reason}", test.suite, test.name);
                // All files of a failure are in one folder.
                if let Some(folder) = files.first().and_then(|file| Path::new(file).parent()) {
                    let _ = writeln!(failures, "    {}", folder.display());
                }
            }
        }
    }
    if !failures.is_empty() {
        let _ = write!(out, "\n{}\n{failures}", paint("1;31", "failed"));
    }
    if !reasons.is_empty() {
        let _ = writeln!(out, "\n{}", paint("1", "skipped"));
        for (reason, count) in reasons {
            let _ = writeln!(out, "  {count:4} × {reason}");
        }
    }
    let Counts { passed, failed, skipped } = Counts::of(&report.tests);
    let verdict = match (failed, passed) {
        (1.., _) => paint("1;31", "FAIL"),
        (_, 0) => paint("1;33", "NOTHING TESTED"),
        _ => paint("1;32", "PASS"),
    };
    let _ = writeln!(out, "\n{verdict}: {passed} equal, {failed} different, {skipped} skipped");
    out
}
