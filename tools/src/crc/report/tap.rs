//! The report as KTAP (the kernel's Documentation/dev-tools/ktap.rst) with a subtest for each
//! suite, and as flat TAP version 13.

use std::fmt::Write;

use crate::crc::result::{Counts, Outcome, Report, TestResult};

pub(super) fn ktap(report: &Report) -> String {
    let mut out = String::from("KTAP version 1\n");
    configuration(&mut out, report);
    let _ = writeln!(out, "1..{}", report.suites().count());
    for (number, (suite, tests)) in report.suites().enumerate() {
        let _ = writeln!(out, "  KTAP version 1\n  # Subtest: {}\n  1..{}", clean(suite), tests.len());
        for (number, test) in tests.iter().enumerate() {
            diagnostics(&mut out, "  ", test);
            let (ok, end) = verdict(test);
            let _ = writeln!(out, "  {ok} {} {}{end}", number + 1, clean(&test.name));
        }
        let counts = Counts::of(tests);
        let (ok, end) = match counts {
            Counts { failed: 1.., .. } => ("not ok", ""),
            Counts { passed: 0, .. } => ("ok", " # SKIP"),
            _ => ("ok", ""),
        };
        let _ = writeln!(out, "{ok} {} {}{end}", number + 1, clean(suite));
    }
    let Counts { passed, failed, skipped } = Counts::of(&report.tests);
    let _ = writeln!(out, "# Totals: pass:{passed} fail:{failed} skip:{skipped} total:{}", passed + failed + skipped);
    out
}

pub(super) fn tap(report: &Report) -> String {
    let mut out = String::from("TAP version 13\n");
    configuration(&mut out, report);
    let _ = writeln!(out, "1..{}", report.tests.len());
    for (number, test) in report.tests.iter().enumerate() {
        let (ok, end) = verdict(test);
        let _ = writeln!(out, "{ok} {} - {}: {}{end}", number + 1, clean(&test.suite), clean(&test.name));
        diagnostics(&mut out, "", test);
    }
    out
}

fn configuration(out: &mut String, report: &Report) {
    let c = &report.configuration;
    let _ = writeln!(out, "# {} {} Linux {} {} {} source {}", c.device, c.driver, c.kernel, c.output, c.mode, c.source);
}

fn verdict(test: &TestResult) -> (&'static str, String) {
    match &test.outcome {
        Outcome::Pass => ("ok", String::new()),
        Outcome::Fail { .. } => ("not ok", String::new()),
        Outcome::Skip { reason } => ("ok", format!(" # SKIP {}", clean(reason))),
    }
}

fn diagnostics(out: &mut String, indent: &str, test: &TestResult) {
    if let Outcome::Fail { reason, files } = &test.outcome {
        let _ = writeln!(out, "{indent}# {}", clean(reason));
        for file in files {
            let _ = writeln!(out, "{indent}# {}", clean(file));
        }
    }
}

/// Without `#`, which begins a directive, and without line breaks.
fn clean(text: &str) -> String {
    text.replace('#', "").replace(['\n', '\r'], " ")
}
