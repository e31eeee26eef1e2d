//! Reads what the Wayland Conformance Test Suite prints, which is GoogleTest's output with a line of
//! its own for what it leaves out.
//!
//! A test may be left out only because a global is missing that the session does not announce: the
//! suite names it, and the module prints what the session announces. Nothing is left out by its
//! name. [`BEYOND`] has the tests that ask for more than the protocol, or for its contrary: they are
//! run, must fail, and do not count as passed. Never runs anything.

use std::collections::{BTreeMap, HashMap};

use super::libtest::Report;

/// The suite's test of how it tells of a test that gives up by itself. It asks nothing of the session,
/// and passes by being told of so.
const TELLS_OF_GIVING_UP: &str = "SelfTest.xfail_failure_is_noted";

/// The test of a layer surface that is smaller than it was told, by its number: the anchors and
/// margins.
macro_rules! smaller {
    ($number:literal) => {
        concat!(
            "Anchor/LayerSurfaceLayoutTest.",
            "is_positioned_correctly_when_explicit_size_does_not_match_buffer_size/",
            $number
        )
    };
}

/// Tests that ask for what the protocol does not say. docs/conformance.md quotes it for each.
const BEYOND: [&str; 23] = [
    smaller!(6),
    smaller!(7),
    smaller!(14),
    smaller!(15),
    smaller!(22),
    smaller!(23),
    smaller!(24),
    smaller!(25),
    smaller!(26),
    smaller!(27),
    smaller!(28),
    smaller!(29),
    smaller!(30),
    smaller!(31),
    "ClientSurfaceEventsTest.frame_timestamp_increases",
    "CopyCutPaste.given_sink_has_focus_when_source_makes_offer_sink_sees_offer",
    "PrimarySelection.sink_can_listen",
    "PrimarySelection.sink_can_request",
    "PrimarySelection.source_can_supply_request",
    "PrimarySelection.source_sees_request",
    "XdgShellStableSubsurfaces/SubsurfaceTest.place_above_simple/0",
    "XdgShellStableSubsurfaces/SubsurfaceTest.place_below_simple/0",
    "XdgToplevelStableTest.surface_can_be_resized_interactively",
];

/// What the suite proved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conformance {
    /// Tests that passed or failed. What was left out is not among them.
    pub report: Report,
    /// How many tests were left out, by the global that they need: `zwlr_layer_shell_v1 2`.
    pub left_out: BTreeMap<String, usize>,
    /// How many tests of [`BEYOND`] failed, as they must.
    pub beyond: usize,
}

impl Conformance {
    /// Reads the output of a run. A test that began and did not end, or whose end is not told, has
    /// failed; so has a run that ended before its last test.
    pub fn parse(output: &str) -> Self {
        let mut read = Self::default();
        let (mut announced, mut run) = (HashMap::new(), Run::default());
        let mut promised = None;
        for line in output.lines() {
            if let Some(list) = line.strip_prefix("globals: ") {
                announced = globals(list);
            } else if let Some(count) = line.strip_prefix("[==========] Running ") {
                promised = count.split(' ').next().and_then(|count| count.parse::<usize>().ok());
            } else if let Some(name) = line.strip_prefix("[ RUN      ] ") {
                read.end(std::mem::take(&mut run), None, &announced);
                run = Run { name: name.to_owned(), ..Run::default() };
            } else if let Some(missing) = line.strip_prefix("[          ] Missing extension: ") {
                run.missing = Some(missing.to_owned());
            } else if let Some(verdict) = verdict(line, &run.name) {
                read.end(std::mem::take(&mut run), Some(verdict), &announced);
            } else if !run.name.is_empty() {
                run.said.push(line.to_owned());
            }
        }
        read.end(run, None, &announced);
        let (tally, left_out) = (read.report.tally, read.left_out.values().sum::<usize>());
        let ran = tally.passed + tally.failed + left_out + read.beyond;
        if promised != Some(ran) || ran == 0 {
            let promised = promised.map_or_else(|| "an unknown number".to_owned(), |count| count.to_string());
            read.fail(&format!("it ended after {ran} of {promised} tests"), &[]);
        }
        read
    }

    /// Counts a test that has ended, or has not.
    fn end(&mut self, run: Run, verdict: Option<Verdict>, announced: &HashMap<String, u32>) {
        if run.name.is_empty() {
            return;
        }
        let verdict = match verdict {
            Some(Verdict::LeftOut) if run.name == TELLS_OF_GIVING_UP => Some(Verdict::Passed),
            Some(Verdict::Passed) if run.name == TELLS_OF_GIVING_UP => Some(Verdict::Failed),
            verdict => verdict,
        };
        match (verdict, run.missing) {
            (Some(Verdict::Failed), _) if BEYOND.contains(&run.name.as_str()) => self.beyond += 1,
            (Some(Verdict::Passed), _) if BEYOND.contains(&run.name.as_str()) => {
                self.fail(&format!("{}: it passes; take it out of BEYOND in xtask/src/test/gtest.rs", run.name), &[]);
            }
            (Some(Verdict::Passed), _) => self.report.tally.passed += 1,
            (Some(Verdict::Failed), _) => self.fail(&run.name, &run.said),
            (None, _) => self.fail(&format!("{}: it did not end", run.name), &run.said),
            (Some(Verdict::LeftOut), None) => self.fail(&format!("{}: left out without a reason", run.name), &run.said),
            (Some(Verdict::LeftOut), Some(missing)) => match lacks(&missing, announced) {
                Some(global) => *self.left_out.entry(global).or_default() += 1,
                None => self.fail(&format!("{}: left out although {missing:?} is announced", run.name), &run.said),
            },
        }
    }

    fn fail(&mut self, what: &str, said: &[String]) {
        self.report.tally.failed += 1;
        self.report.failures.push_str(&format!("{what}\n"));
        said.iter().for_each(|line| self.report.failures.push_str(&format!("  {line}\n")));
    }
}

/// A test that is running.
#[derive(Debug, Default)]
struct Run {
    /// Empty between tests.
    name: String,
    said: Vec<String>,
    /// The global that the suite says is missing.
    missing: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    LeftOut,
}

/// `[       OK ] name (3 ms)` of the test that is running.
fn verdict(line: &str, name: &str) -> Option<Verdict> {
    let (word, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let verdict = match word.trim() {
        "OK" => Verdict::Passed,
        "FAILED" => Verdict::Failed,
        "SKIP" | "SKIPPED" => Verdict::LeftOut,
        _ => return None,
    };
    // The list of failures at the end names tests, too, none of which is running.
    let rest = rest.strip_prefix(name).filter(|_| !name.is_empty())?;
    rest.starts_with([' ', ',']).then_some(verdict)
}

/// `wl_seat 9, wl_output 4`
fn globals(list: &str) -> HashMap<String, u32> {
    let global = |global: &str| {
        let (name, version) = global.split_once(' ')?;
        Some((name.to_owned(), version.parse().ok()?))
    };
    list.split(", ").filter_map(global).collect()
}

/// `wl_shell>= 2`, if the session does not announce that: its name, with the version if only that is
/// too low.
fn lacks(missing: &str, announced: &HashMap<String, u32>) -> Option<String> {
    let (name, version) = missing.split_once(">= ")?;
    let version: u32 = version.trim().parse().ok()?;
    match announced.get(name) {
        None => Some(name.to_owned()),
        Some(has) => (*has < version).then(|| format!("{name} {version}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::libtest::Tally;
    use super::*;

    const GLOBALS: &str = "globals: wl_seat 9, wl_shm 2\n";

    fn run(name: &str, said: &str, verdict: &str) -> String {
        format!("[ RUN      ] {name}\n{GLOBALS}{said}{verdict}\n")
    }

    fn suite(promised: usize, tests: &[String]) -> Conformance {
        let head = format!("[==========] Running {promised} tests from 1 test suite.\n");
        let tail = "[==========] all ran.\n[  PASSED  ] 1 test.\n[  FAILED  ] A.b\n[  SKIPPED ] A.c\n";
        Conformance::parse(&format!("{head}{}{tail}", tests.concat()))
    }

    #[test]
    fn each_verdict() {
        let missing = |what: &str| format!("[          ] Missing extension: {what}\n");
        let said = "./tests/x.cpp:1: Failure\nExpected: 1\n";
        let table: [(&str, &str, String, Tally, usize); 12] = [
            ("A.b", "", "[       OK ] A.b (3 ms)".into(), Tally::PASSED, 0),
            ("A/B.c/0", said, "[  FAILED  ] A/B.c/0, where GetParam() = x (3 ms)".into(), Tally::FAILED, 0),
            ("A.b", said, "[  FAILED  ] A.b (3 ms)".into(), Tally::FAILED, 0),
            ("A.b", &missing("wl_shell>= 1"), "[     SKIP ] A.b (41ms)".into(), Tally::default(), 1),
            ("A.b", &missing("wl_seat>= 10"), "[     SKIP ] A.b (41ms)".into(), Tally::default(), 1),
            // It is announced.
            ("A.b", &missing("wl_seat>= 9"), "[     SKIP ] A.b (41ms)".into(), Tally::FAILED, 0),
            ("A.b", &missing("wl_seat"), "[     SKIP ] A.b (41ms)".into(), Tally::FAILED, 0),
            ("A.b", "", "[     SKIP ] A.b (41ms)".into(), Tally::FAILED, 0),
            (TELLS_OF_GIVING_UP, "", format!("[     SKIP ] {TELLS_OF_GIVING_UP} (9ms)"), Tally::PASSED, 0),
            (TELLS_OF_GIVING_UP, "", format!("[       OK ] {TELLS_OF_GIVING_UP} (9 ms)"), Tally::FAILED, 0),
            // No verdict, and that of another test.
            ("A.b", "", String::new(), Tally::FAILED, 0),
            ("A.b", "", "[       OK ] A.bc (3 ms)".into(), Tally::FAILED, 0),
        ];
        for (name, said, verdict, tally, left_out) in table {
            let read = suite(1, &[run(name, said, &verdict)]);
            assert_eq!(read.report.tally, tally, "{verdict} {:?}", read.report.failures);
            assert_eq!(read.left_out.values().sum::<usize>(), left_out, "{verdict}");
        }
    }

    #[test]
    fn what_asks_for_more_than_the_protocol_must_fail() {
        let failed = |name: &str| run(name, "", &format!("[  FAILED  ] {name} (3 ms)"));
        let tests = BEYOND.map(failed);
        let read = suite(BEYOND.len(), &tests);
        assert_eq!((read.report.tally, read.beyond), (Tally::default(), BEYOND.len()));
        let passes = run(BEYOND[0], "", &format!("[       OK ] {} (3 ms)", BEYOND[0]));
        assert_eq!(suite(1, &[passes]).report.tally, Tally::FAILED);
    }

    #[test]
    fn a_failure_says_what_the_test_said() {
        let read = suite(1, &[run("A.b", "./tests/x.cpp:1: Failure\n", "[  FAILED  ] A.b (3 ms)")]);
        assert_eq!(read.report.failures, "A.b\n  ./tests/x.cpp:1: Failure\n");
    }

    #[test]
    fn what_is_left_out_is_counted_by_global() {
        let skipped = |name: &str, what: &str| {
            let said = format!("[          ] Missing extension: {what}\n");
            run(name, &said, &format!("[     SKIP ] {name} (1ms)"))
        };
        let tests = [skipped("A.a", "wl_shell>= 1"), skipped("A.b", "wl_shell>= 2"), skipped("A.c", "wl_seat>= 12")];
        let read = suite(3, &tests);
        let counts: Vec<_> = read.left_out.iter().map(|(global, count)| (global.as_str(), *count)).collect();
        assert_eq!(counts, [("wl_seat 12", 1), ("wl_shell", 2)]);
    }

    #[test]
    fn a_suite_that_dies_fails() {
        let ok = run("A.b", "", "[       OK ] A.b (3 ms)");
        assert_eq!(suite(2, std::slice::from_ref(&ok)).report.tally, Tally { passed: 1, failed: 1, skipped: 0 });
        let read = suite(2, &[ok, "[ RUN      ] A.c\nsyncline-wlcs: stop: it panicked\n".to_owned()]);
        assert_eq!(read.report.tally, Tally { passed: 1, failed: 1, skipped: 0 });
        assert!(read.report.failures.contains("A.c: it did not end\n  syncline-wlcs: stop"));
        assert_eq!(Conformance::parse("").report.tally, Tally::FAILED);
        assert_eq!(suite(0, &[]).report.tally, Tally::FAILED, "it tested nothing");
    }
}
