//! What `cargo xtask test --all` adds: more cases, more rounds, repetitions, the programs of a
//! distribution, the demo and the benchmarks.
//!
//! Each table names programs. One that has gone, or whose filter matches no test any more, fails:
//! nothing is left out in silence.

use std::time::{Duration, Instant};

use super::artifacts::Artifact;
use super::libtest::{Report, Tally};
use super::runner::{self, LabProgram};
use super::{Tests, account};
use crate::apps;
use crate::demo::{self, BenchOptions, DemoOptions};
use crate::error::{Error, Result};
use crate::lab::persona::Persona;
use crate::paths;

/// A test that does more when a variable tells it to.
struct LongTest {
    /// The test program.
    program: &'static str,
    /// What the names of its tests contain.
    filter: &'static str,
    /// The variable and its value; each test says in its documentation what it means.
    env: (&'static str, &'static str),
}

/// Property tests with more cases than in an ordinary run.
const PROPERTIES: [LongTest; 4] = [
    LongTest { program: "prop_lifecycle", filter: "", env: ("PROPTEST_CASES", "5000") },
    LongTest { program: "dmabuf_import", filter: "script::", env: ("PROPTEST_CASES", "2000000") },
    LongTest { program: "kms", filter: "assign::prop_tests::", env: ("PROPTEST_CASES", "10000") },
    LongTest { program: "lab_exact_states", filter: "", env: ("PROPTEST_CASES", "5000") },
];

/// Leak tests with more rounds than in an ordinary run.
const LEAKS: [LongTest; 2] = [
    LongTest { program: "lab_lifecycle", filter: "nothing_leaks_over_many_cycles", env: ("FENCE_CYCLES", "100000") },
    LongTest { program: "lab_leaks", filter: "", env: ("LEAK_ROUNDS", "30") },
];

/// How often the tests in virtual time are run again.
const REPETITIONS: u32 = 2;

/// Seconds after which a guest is killed: less than the budgets of these parts.
const TIMEOUT_S: u64 = 1000;

/// Property tests with more cases.
pub fn property_tests(tests: &mut Tests<'_>) -> Result<Tally> {
    run_all(tests, &PROPERTIES)
}

/// Leak tests with more rounds.
pub fn leak_tests(tests: &mut Tests<'_>) -> Result<Tally> {
    run_all(tests, &LEAKS)
}

/// The tests in virtual time, again.
pub fn exact_tests(tests: &mut Tests<'_>) -> Result<Tally> {
    let exact: Vec<LabProgram> = tests
        .built
        .artifacts
        .iter()
        .filter(|test| test.is_exact())
        .map(|test| LabProgram::new(test.clone(), TIMEOUT_S))
        .collect();
    let mut tally = Tally::default();
    for _ in 0..REPETITIONS {
        tests.in_lab(&exact, &mut tally)?;
    }
    Ok(tally)
}

fn run_all(tests: &mut Tests<'_>, rows: &[LongTest]) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut lab_programs = Vec::new();
    for row in rows {
        let test = find(&tests.built.artifacts, row.program)?;
        if test.is_lab_test() {
            let mut program = LabProgram::new(test.clone(), TIMEOUT_S);
            program.filter = Some(row.filter.to_owned()).filter(|text| !text.is_empty());
            program.env.push((row.env.0.to_owned(), row.env.1.to_owned()));
            lab_programs.push(program);
        } else {
            let begun = Instant::now();
            let arguments: Vec<&str> =
                std::iter::once("--show-output").chain(Some(row.filter).filter(|text| !text.is_empty())).collect();
            let report = Report::parse(&runner::here(test, &arguments, &[row.env])?);
            tally += judged(row, report, begun.elapsed());
        }
    }
    tests.in_lab(&lab_programs, &mut tally)?;
    Ok(tally)
}

/// The count of a program on this machine, which must have run something.
fn judged(row: &LongTest, mut report: Report, took: Duration) -> Tally {
    if report.tally == Tally::default() {
        report.tally.failed += 1;
        report.failures.push_str(&format!("it tested nothing: no test's name contains {:?}\n", row.filter));
    }
    account(&format!("{} {}", row.program, row.filter), &report, took)
}

fn find<'a>(built: &'a [Artifact], program: &str) -> Result<&'a Artifact> {
    built.iter().find(|artifact| artifact.is_test && artifact.name == program).ok_or_else(|| {
        Error::new(format!("no test program {program}")).hint("correct the table in xtask/src/test/long.rs")
    })
}

/// The demo in the lab, on displays like these; its verdict counts.
pub fn demo(persona: &[Persona]) -> Result<Tally> {
    Ok(verdict(demo::demo(&DemoOptions::in_lab(paths::target().join("demo-out"), persona))?))
}

/// A benchmark in the lab, on displays like these; a limit that is exceeded is a failure.
pub fn bench(name: &str, persona: &[Persona]) -> Result<Tally> {
    Ok(verdict(demo::bench(&BenchOptions::named(name, persona))?))
}

/// The tests that [`Part::PersonaTests`] leaves out, the demo and the benchmark of the display, on
/// displays that behave as those of other hardware.
///
/// [`Part::PersonaTests`]: super::budget::Part::PersonaTests
pub fn persona_suite(tests: &mut Tests<'_>) -> Result<Tally> {
    let persona = &[Persona::ScanOut];
    let mut tally = tests.on_other_displays(|test| test.is_lab_test() && !super::is_of_persona_tests(test))?;
    tally += demo(persona)?;
    tally += bench("kms", persona)?;
    Ok(tally)
}

/// Programs of a distribution, in its root, which is made first if it is not there.
pub fn apps(tests: &mut Tests<'_>) -> Result<Tally> {
    let mut programs: Vec<LabProgram> = tests
        .built
        .artifacts
        .iter()
        .filter(|test| test.is_apps_test())
        .map(|test| LabProgram::new(test.clone(), TIMEOUT_S))
        .collect();
    if tests.kernel.is_some() {
        let root = apps::ready(false)?;
        for program in &mut programs {
            program.env.push((apps::VARIABLE.to_owned(), root.display().to_string()));
        }
    }
    let mut tally = Tally::default();
    tests.in_lab(&programs, &mut tally)?;
    Ok(tally)
}

fn verdict(status: u8) -> Tally {
    if status == 0 { Tally::PASSED } else { Tally::FAILED }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: &str = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured\n";

    #[test]
    fn a_program_that_is_not_there_or_tests_nothing_is_a_failure() {
        assert!(find(&[], "prop_lifecycle").unwrap_err().to_string().contains("long.rs"));
        assert_eq!(judged(&PROPERTIES[1], Report::parse(NOTHING), Duration::ZERO), Tally::FAILED);
        assert_eq!(verdict(0), Tally::PASSED);
        assert_eq!(verdict(124), Tally::FAILED);
    }
}
