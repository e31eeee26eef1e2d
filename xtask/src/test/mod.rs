//! `cargo xtask test`: everything that must hold before a change goes in, from the formatting to
//! the tests on a real kernel.
//!
//! The parts, and how long each may take, are listed in [`budget`]. A part that fails does not keep
//! the next one from running, so that one run shows all there is to mend. The last line of standard
//! output is the count over everything. A skipped test is not a passed one, and neither is a part
//! or a program that tested nothing: both end the run with a failure.

pub mod artifacts;
mod budget;
mod gtest;
mod libtest;
mod long;
mod runner;
mod wlcs;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;

use crate::error::{Context, Error, Result};
use crate::lab::persona::Persona;
use crate::lab::{kernel, session::Streams};
use crate::{fuzz, paths, setup, soak};
use artifacts::{Artifact, Built};
use budget::{LAB_TIMEOUT_S, Ledger, Part, lab_budget};
use libtest::{Report, Tally};
use runner::{LabProgram, Run};

/// Arguments of `cargo xtask test`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Run what does not fit into an ordinary run, too: more cases and rounds, repetitions, the
    /// demo and the benchmarks
    #[arg(long, conflicts_with = "only_lab")]
    pub all: bool,
    /// Run only this part, and what it needs; may be given several times
    #[arg(long, value_name = "PART", conflicts_with_all = ["all", "only_lab"])]
    pub part: Vec<Part>,
    /// Run only lab tests whose program or name contains this; nothing else is checked
    #[arg(long, value_name = "TEXT")]
    pub only_lab: Option<String>,
    /// Leave the lab out; its tests count as skipped, and that is accepted
    #[arg(long)]
    pub no_lab: bool,
    /// End with 0 although tests were skipped
    #[arg(long)]
    pub accept_skips: bool,
    /// End the guest of a test program after that many seconds
    #[arg(long, value_name = "SECS", default_value_t = LAB_TIMEOUT_S)]
    pub lab_timeout: u64,
    /// Multiply each time budget by this: for machines slower than two ordinary cores
    #[arg(long, value_name = "TIMES", default_value_t = 1.0, value_parser = parse_slower)]
    pub slower: f64,
    #[command(flatten)]
    setup: setup::Options,
}

impl Options {
    /// Whether the part is asked for.
    fn wants(&self, part: Part) -> bool {
        if self.only_lab.is_some() {
            part == Part::LabTests
        } else if self.part.is_empty() {
            self.all || part.is_ordinary()
        } else {
            self.part.contains(&part)
        }
    }

    /// Whether the part is asked for, or needed by one that is.
    fn needs(&self, part: Part) -> bool {
        let any = |parts: &[Part]| parts.iter().any(|part| self.wants(*part));
        let in_lab = [
            Part::Soak,
            Part::LabTests,
            Part::PersonaTests,
            Part::LeakTests,
            Part::ExactTests,
            Part::PropertyTests,
            Part::PersonaSuite,
            Part::Apps,
        ];
        self.wants(part)
            || match part {
                Part::Setup => true,
                Part::Kernel => any(&in_lab),
                Part::Build => any(&in_lab) || any(&[Part::UnitTests, Part::Wlcs, Part::Fuzz]),
                _ => false,
            }
    }

    fn is_ordinary(&self) -> bool {
        Part::all().iter().all(|part| part.is_ordinary() || !self.wants(*part))
    }
}

fn parse_slower(text: &str) -> std::result::Result<f64, String> {
    let wrong = || format!("{text:?} is not a number from 1 to 100");
    text.parse().ok().filter(|times| (1.0..=100.0).contains(times)).ok_or_else(wrong)
}

/// Runs all, prints the count, returns the exit status.
pub fn main(options: &Options) -> Result<u8> {
    let begun = Instant::now();
    let mut tests = Tests::new(options);
    // Without its packages nothing can be built.
    setup::ensure(&options.setup)?;
    tests.close(Part::Setup, Ok(Tally::PASSED), begun.elapsed());
    for part in Part::all().iter().copied().filter(|part| *part != Part::Setup && options.needs(*part)) {
        let begun = Instant::now();
        let result = tests.run(part);
        tests.close(part, result, begun.elapsed());
    }
    let tally = tests.total(begun.elapsed());
    println!("{tally}");
    let accepted = options.no_lab || options.accept_skips;
    if tally.skipped > 0 && !accepted && tally.failed == 0 {
        eprintln!("test: nothing failed, but {} were skipped; --accept-skips accepts that", tally.skipped);
    }
    Ok(u8::from(tally.failed > 0 || (tally.skipped > 0 && !accepted)))
}

/// One run of `cargo xtask test`.
struct Tests<'a> {
    options: &'a Options,
    built: Built,
    /// `None` as long as it has not been built.
    kernel: Option<PathBuf>,
    tally: Tally,
    ledger: Ledger,
}

impl<'a> Tests<'a> {
    fn new(options: &'a Options) -> Self {
        let ledger = Ledger::new(options.slower);
        Self { options, built: Built::default(), kernel: None, tally: Tally::default(), ledger }
    }

    fn run(&mut self, part: Part) -> Result<Tally> {
        match part {
            Part::Setup => Ok(Tally::PASSED),
            Part::Kernel => self.build_kernel(),
            Part::Fmt => cargo(&["fmt", "--all", "--check"]),
            Part::Clippy => cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
            Part::Build => self.build(),
            Part::UnitTests => run_here(&self.built.artifacts),
            Part::DocTests => doc_tests(),
            Part::Wlcs => conformance(),
            Part::Fuzz => random_requests(&self.built.artifacts),
            Part::Soak => self.soak(),
            Part::LabTests => self.lab_tests(),
            Part::PersonaTests => self.on_other_displays(is_of_persona_tests),
            Part::PropertyTests => long::property_tests(self),
            Part::LeakTests => long::leak_tests(self),
            Part::ExactTests => long::exact_tests(self),
            Part::PersonaSuite => long::persona_suite(self),
            Part::Apps => long::apps(self),
            Part::Demo => long::demo(&[]),
            Part::BenchFrame => long::bench("frame", &[]),
            Part::BenchKms => long::bench("kms", &[]),
            Part::BenchDesktop => long::bench("desktop", &[]),
            Part::BenchScale => long::bench("scale", &[]),
            Part::BenchHostile => long::bench("hostile", &[]),
            Part::BenchDmabuf => long::bench("dmabuf", &[]),
            Part::BenchCapture => long::bench("capture", &[]),
            Part::BenchFence => long::bench("fence", &[]),
            Part::BenchCrc => long::bench("crc", &[]),
        }
    }

    /// Prints the line of a part that has ended, and enters its count and its time.
    fn close(&mut self, part: Part, result: Result<Tally>, took: Duration) {
        let (tally, why) = match result {
            Ok(tally) if tally == Tally::default() => (Tally::FAILED, Some("it tested nothing".to_owned())),
            Ok(tally) => (tally, None),
            Err(error) => (Tally::FAILED, Some(error.to_string())),
        };
        let within = self.ledger.part(part, took);
        let verdict = match (tally, within) {
            (Tally { failed: 1.., .. }, _) => format!("{tally}  FAILED"),
            (tally, true) => tally.to_string(),
            (tally, false) => format!("{tally}  OVER BUDGET"),
        };
        println!("== {:<41} {:>22}  {verdict}", part.name(), self.ledger.last());
        for line in why.iter().flat_map(|why| why.lines()) {
            println!("    {line}");
        }
        self.tally += tally;
    }

    /// The count over everything, each overrun counted as a failure; prints what ran over its
    /// budget.
    fn total(&mut self, took: Duration) -> Tally {
        self.ledger.run(self.options.is_ordinary(), took);
        println!("== {:<41} {:>22}", "the whole run", self.ledger.last());
        for overrun in self.ledger.overruns() {
            println!("over budget: {overrun}; on a slow machine: --slower 2");
            self.tally.failed += 1;
        }
        if self.tally.passed == 0 && self.tally.failed == 0 {
            self.tally.failed = 1;
            println!("nothing was tested");
        }
        self.tally
    }

    fn build_kernel(&mut self) -> Result<Tally> {
        if !self.options.no_lab {
            self.kernel = Some(kernel::ready()?);
        }
        Ok(Tally::PASSED)
    }

    fn build(&mut self) -> Result<Tally> {
        // Everything else in one build: what two packages want with different features is built twice.
        self.built.add(&["--workspace", "--exclude", "xtask", "--lib", "--bins", "--tests"])?;
        // Built along with the workspace xtask would get other features, and replace the one that runs.
        self.built.add(&["--package", "xtask", "--tests"])?;
        for why in &self.built.failures {
            println!("    {why}");
        }
        let failed = self.built.failures.len();
        Ok(Tally { passed: usize::from(failed == 0), failed, skipped: 0 })
    }

    /// A short soak, counted as one test.
    fn soak(&self) -> Result<Tally> {
        if self.kernel.is_none() {
            println!("    there is no kernel: 1 skipped");
            return Ok(Tally { skipped: 1, ..Tally::default() });
        }
        let built = &self.built.artifacts;
        let program = built.iter().find(|artifact| !artifact.is_test && artifact.name == soak::PROGRAM);
        let program = program.ok_or_else(|| Error::new(format!("there is no program {}", soak::PROGRAM)))?;
        let programs = soak::Programs { soak: program.executable.clone(), env: runner::programs(built) };
        let status = soak::run(&programs, &soak::Options::in_test(), Streams::inherit())?;
        Ok(if status == 0 { Tally::PASSED } else { Tally::FAILED })
    }

    fn lab_tests(&mut self) -> Result<Tally> {
        let mut tests: Vec<Artifact> = self.built.artifacts.iter().filter(|test| test.is_lab_test()).cloned().collect();
        let mut lab_programs = Vec::new();
        let filter = self.options.only_lab.as_deref();
        if let Some(text) = filter {
            // A guest that has nothing to run need not start.
            tests
                .retain(|test| test.name.contains(text) || count_lab_tests(test, &[text]).is_ok_and(|count| count > 0));
        }
        // The longest first: at the end it would leave all other CPUs idle.
        tests.sort_by_key(|test| std::cmp::Reverse(lab_budget(&test.name)));
        for test in tests {
            let mut program = LabProgram::new(test, self.options.lab_timeout);
            program.filter = filter.filter(|text| !program.test.name.contains(text)).map(str::to_owned);
            lab_programs.push(program);
        }
        let mut tally = Tally::default();
        for (program, run) in self.in_lab(&lab_programs, &mut tally)? {
            self.ledger.lab_program(&program.test.name, &program.label(), run);
        }
        Ok(tally)
    }

    /// Tests on displays that behave as those of other hardware.
    fn on_other_displays(&mut self, belongs: impl Fn(&Artifact) -> bool) -> Result<Tally> {
        let mut tests: Vec<Artifact> = self.built.artifacts.iter().filter(|test| belongs(test)).cloned().collect();
        tests.sort_by_key(|test| std::cmp::Reverse(lab_budget(&test.name)));
        let as_other = |test: Artifact| {
            let mut program = LabProgram::new(test, self.options.lab_timeout);
            program.persona = Some(Persona::ScanOut);
            program
        };
        let lab_programs: Vec<LabProgram> = tests.into_iter().map(as_other).collect();
        let mut tally = Tally::default();
        self.in_lab(&lab_programs, &mut tally)?;
        Ok(tally)
    }

    /// Runs programs in the lab, prints a line on each and adds it to `tally`; returns how long
    /// each took. Without a kernel their tests are skipped.
    fn in_lab<'g>(&self, lab_programs: &'g [LabProgram], tally: &mut Tally) -> Result<Vec<(&'g LabProgram, Duration)>> {
        let Some(kernel) = &self.kernel else {
            let mut skipped = 0;
            for program in lab_programs {
                skipped +=
                    count_lab_tests(&program.test, &program.filter.iter().map(String::as_str).collect::<Vec<_>>())?;
            }
            let why = if self.options.no_lab { "left out" } else { "there is no kernel" };
            say("lab", &format!("{why}: {skipped} skipped"), Duration::ZERO);
            tally.skipped += skipped;
            return Ok(Vec::new());
        };
        let mut times = Vec::new();
        runner::in_lab(kernel, &self.built.artifacts, lab_programs, |program, run| {
            *tally += account(&program.label(), &lab_report(&run), run.took);
            times.push((program, run.took));
        });
        Ok(times)
    }
}

/// The tests in virtual time, and those of the CRC tool.
fn is_of_persona_tests(test: &Artifact) -> bool {
    test.is_exact() || test.name == "lab_crc_tool"
}

/// How many tests for the lab a program has, of those whose names contain one of `filters` if there
/// are any.
fn count_lab_tests(test: &Artifact, filters: &[&str]) -> Result<usize> {
    let arguments: Vec<&str> = ["--list", "--ignored"].iter().chain(filters).copied().collect();
    Ok(libtest::count_listed(&runner::here(test, &arguments, &[])?))
}

/// A cargo command that holds or does not, counted as one.
fn cargo(arguments: &[&str]) -> Result<Tally> {
    let status = Command::new(paths::cargo()).args(arguments).current_dir(paths::workspace()).status();
    let good = status.context(format_args!("run cargo {}", arguments[0]))?.success();
    Ok(if good { Tally::PASSED } else { Tally::FAILED })
}

/// Unit and property tests, on this machine. What the lab's tests ignore here runs there.
fn run_here(tests: &[Artifact]) -> Result<Tally> {
    let mut tally = Tally::default();
    for test in tests.iter().filter(|artifact| artifact.is_test) {
        let begun = Instant::now();
        let mut report = Report::parse(&runner::here(test, &["--show-output"], &[])?);
        if !test.is_lab_test() && !test.is_apps_test() {
            report.tally.skipped += report.ignored;
        }
        // Programs and lab tests have a harness with nothing in it for this machine.
        if report.tally != Tally::default() {
            tally += account(&test.label(), &report, begun.elapsed());
        }
    }
    Ok(tally)
}

/// The fuzzer, counted as one test, and each of its failures.
fn random_requests(built: &[Artifact]) -> Result<Tally> {
    let failed = fuzz::run(built, &fuzz::Options::in_test())?;
    Ok(Tally { passed: usize::from(failed == 0), failed, skipped: 0 })
}

fn doc_tests() -> Result<Tally> {
    let begun = Instant::now();
    // Without xtask, which has none: with it the dependencies would get other features and be built
    // once more.
    let arguments = ["test", "--quiet", "--workspace", "--exclude", "xtask", "--doc", "--", "--show-output"];
    let output = Command::new(paths::cargo())
        .args(arguments)
        .current_dir(paths::workspace())
        .output()
        .context("run cargo test --doc")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut report = Report::parse(&text);
    report.tally.skipped += report.ignored;
    if !output.status.success() {
        report.tally.failed = report.tally.failed.max(1);
        report.failures.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Ok(account("doc tests", &report, begun.elapsed()))
}

/// The Wayland Conformance Test Suite, on this machine, and what it left out.
fn conformance() -> Result<Tally> {
    let begun = Instant::now();
    let read = wlcs::run()?;
    let tally = account("wlcs", &read.report, begun.elapsed());
    println!("    failed, since they ask for what the protocol does not say: {}", read.beyond);
    for (global, count) in &read.left_out {
        println!("    left out, since it is not announced: {count:>4} of {global}");
    }
    Ok(tally)
}

/// What a program in the lab proved. One that did not come to its own end has failed, and so has
/// one that ran no test.
fn lab_report(run: &Run) -> Report {
    let mut report = Report::parse(&run.output);
    report.tally.skipped += report.ignored;
    if let Some(why) = &run.broken {
        if report.good() {
            report.tally.failed += 1;
        }
        report.failures.push_str(why);
        // The harness cannot tell of a test that never came back; what it said last can.
        report.failures.push_str(&format!("\n  it said:\n{}\n", run.output));
    } else if report.tally == Tally::default() {
        report.tally.failed += 1;
        report.failures.push_str("it tested nothing\n");
    }
    report
}

/// Prints one line on a program, its failures and its skips, and returns its count.
fn account(name: &str, report: &Report, took: Duration) -> Tally {
    let tally = report.tally;
    let verdict = if report.good() { tally.to_string() } else { format!("{tally}  FAILED") };
    say(name, &verdict, took);
    for (test, reason) in &report.skips {
        println!("    skipped {test}: {reason}");
    }
    for line in report.failures.lines() {
        println!("    {line}");
    }
    tally
}

fn say(step: &str, verdict: &str, took: Duration) {
    println!("{step:<44} {:>12.1} s          {verdict}", took.as_secs_f64());
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn options(arguments: &[&str]) -> Options {
        Line::try_parse_from(std::iter::once(&"test").chain(arguments)).unwrap().options
    }

    fn run(output: &str) -> Run {
        Run { output: output.to_owned(), broken: None, took: Duration::ZERO }
    }

    #[test]
    fn which_parts_run() {
        let plain = options(&[]);
        assert!(plain.wants(Part::Fmt) && plain.wants(Part::LabTests) && !plain.wants(Part::Demo));
        assert!(plain.is_ordinary() && !options(&["--all"]).is_ordinary());
        assert!(Part::all().iter().all(|part| options(&["--all"]).wants(*part)));
        let one = options(&["--part", "leak-tests"]);
        assert!(!plain.wants(Part::Apps), "an ordinary run fetches no distribution");
        let needed: Vec<Part> = Part::all().iter().copied().filter(|part| one.needs(*part)).collect();
        assert_eq!(needed, [Part::Setup, Part::Kernel, Part::Build, Part::LeakTests]);
        assert!(!options(&["--part", "demo"]).needs(Part::Build), "the demo builds for itself");
        assert!(!options(&["--only-lab", "x"]).needs(Part::Clippy));
    }

    #[test]
    fn a_budget_can_only_be_made_larger() {
        assert!(parse_slower("0.5").is_err() && parse_slower("nan").is_err() && parse_slower("x").is_err());
        assert_eq!(parse_slower("3"), Ok(3.0));
    }

    #[test]
    fn a_part_that_tested_nothing_fails() {
        let options = options(&[]);
        let mut tests = Tests::new(&options);
        tests.close(Part::LabTests, Ok(Tally::default()), Duration::ZERO);
        assert_eq!(tests.total(Duration::ZERO), Tally::FAILED);
    }

    #[test]
    fn a_run_that_only_skipped_fails_and_an_overrun_too() {
        let options = options(&["--no-lab"]);
        let skipped = Tally { skipped: 3, ..Tally::default() };
        let mut tests = Tests::new(&options);
        tests.close(Part::LabTests, Ok(skipped), Duration::ZERO);
        assert_eq!(tests.total(Duration::ZERO).failed, 1);
        let mut tests = Tests::new(&options);
        tests.close(Part::Fmt, Ok(Tally::PASSED), Duration::from_secs(61));
        assert_eq!(tests.total(Duration::ZERO), Tally { passed: 1, failed: 1, skipped: 0 });
    }

    #[test]
    fn a_program_in_the_lab_that_ran_no_test_fails() {
        let empty = "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 7 filtered out\n";
        assert_eq!(lab_report(&run(empty)).tally, Tally::FAILED);
        let full = empty.replace("0 passed", "2 passed");
        assert_eq!(lab_report(&run(&full)).tally.passed, 2);
        let broken = Run { broken: Some("it did not end".to_owned()), ..run(&full) };
        assert_eq!(lab_report(&broken).tally.failed, 1);
    }
}
