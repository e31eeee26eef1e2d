//! The parts of `cargo xtask test`, how long each may take, and what to do about one that takes
//! longer.
//!
//! Judges only the times that it is given: it reads no clock and runs nothing.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;

/// A part of the tests. `--part` takes these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Part {
    /// System packages that are missing
    Setup,
    /// The lab's kernel, built once
    Kernel,
    /// cargo fmt --check
    Fmt,
    /// cargo clippy, warnings denied
    Clippy,
    /// All programs and tests
    Build,
    /// Unit and property tests, on this machine
    UnitTests,
    /// Examples in the documentation
    DocTests,
    /// The Wayland Conformance Test Suite
    Wlcs,
    /// A million random requests, on this machine
    Fuzz,
    /// Mixed clients, hot-plug and deaths in the lab for two minutes
    Soak,
    /// Tests on a real kernel, each program in a guest of its own
    LabTests,
    /// Those in virtual time, on displays that behave as other hardware
    PersonaTests,
    /// Property tests with many more cases
    PropertyTests,
    /// Leak tests with many more rounds
    LeakTests,
    /// The tests in virtual time, twice more: they must be exact each time
    ExactTests,
    /// The whole suite, the demo and cargo xtask bench kms on displays that behave as other hardware
    PersonaSuite,
    /// Everyday programs of a distribution under Syncline, in the lab
    Apps,
    /// The demo and its verdict
    Demo,
    /// cargo xtask bench frame
    BenchFrame,
    /// cargo xtask bench kms
    BenchKms,
    /// cargo xtask bench desktop
    BenchDesktop,
    /// cargo xtask bench scale
    BenchScale,
    /// cargo xtask bench hostile
    BenchHostile,
    /// cargo xtask bench dmabuf
    BenchDmabuf,
    /// cargo xtask bench capture
    BenchCapture,
    /// cargo xtask bench fence
    BenchFence,
    /// cargo xtask bench crc
    BenchCrc,
}

/// The whole run without `--all`, cold and on two cores, of which slow ones take twice the time of quick ones. It may
/// never be more than an hour.
const ORDINARY_RUN: Duration = minutes(50);
/// The whole run with `--all`, or with parts named.
const FULL_RUN: Duration = minutes(150);
/// A test program in the lab that [`LAB_PROGRAMS`] does not name.
const LAB_PROGRAM: Duration = minutes(2);

/// The budgets. Each is at least three times what an idle machine with two cores takes, so that a
/// busy one keeps it.
const BUDGETS: [(Part, Duration, &str); 27] = [
    (Part::Setup, minutes(10), "is the Debian mirror slow?"),
    (Part::Kernel, minutes(20), "switch off in xtask/lab/kernel.config what no test needs"),
    (Part::Fmt, minutes(1), "is a generated file among the sources?"),
    (Part::Clippy, minutes(15), "`cargo clippy --timings` shows which crate takes long"),
    (Part::Build, minutes(20), "`cargo build --timings` shows which crate takes long"),
    (Part::UnitTests, minutes(5), "lower the cases of a property test; `--all` runs more of them"),
    (Part::DocTests, minutes(5), "join examples, or mark those that need not run `no_run`"),
    (Part::Wlcs, minutes(2), "which test takes long? Each says so; one that waits in vain waits for 10 s"),
    (Part::Fuzz, minutes(3), "send fewer requests: `in_test` of xtask/src/fuzz/mod.rs"),
    (Part::Soak, minutes(5), "run it for less time: `in_test` of xtask/src/soak.rs"),
    (Part::LabTests, minutes(20), "see which programs take longest, and move repetitions to `--all`"),
    (Part::PersonaTests, minutes(15), "leave out of it what no display changes"),
    (Part::PropertyTests, minutes(30), "lower the cases in xtask/src/test/long.rs"),
    (Part::LeakTests, minutes(20), "lower the rounds in xtask/src/test/long.rs"),
    (Part::ExactTests, minutes(40), "lower the repetitions in xtask/src/test/long.rs"),
    (Part::PersonaSuite, minutes(40), "`cargo xtask test --part persona-suite` by itself shows what takes long"),
    (Part::Apps, minutes(35), "is the Debian mirror slow? `cargo xtask apps` makes the root beforehand, once"),
    (Part::Demo, minutes(15), "`cargo xtask demo` by itself shows what it waits for"),
    (Part::BenchFrame, minutes(10), "measure fewer frames"),
    (Part::BenchKms, minutes(20), "measure fewer frames, or fewer leads"),
    (Part::BenchDesktop, minutes(10), "switch less often, or look at fewer frames"),
    (Part::BenchScale, minutes(15), "measure fewer rounds"),
    (Part::BenchHostile, minutes(12), "measure fewer frames, or fewer rounds"),
    (Part::BenchDmabuf, minutes(10), "measure fewer buffers"),
    (Part::BenchCapture, minutes(10), "measure fewer rounds, or fewer frames"),
    (Part::BenchFence, minutes(10), "measure fewer rounds"),
    (Part::BenchCrc, minutes(10), "measure fewer frames"),
];

/// Programs of the lab with a budget of their own.
const LAB_PROGRAMS: [(&str, Duration); 2] = [("lab_exact_v4l2", minutes(5)), ("lab_crc_tool", minutes(5))];

const LAB_ADVICE: &str = "split it, or move repetitions to `cargo xtask test --all`";
const RUN_ADVICE: &str = "see which parts take longest; what does not fit goes into `--all`";

/// Seconds after which the guest of a test program is killed, unless `--lab-timeout` says
/// otherwise.
pub const LAB_TIMEOUT_S: u64 = 360;

const fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

/// The budget of a test program in the lab. Those with the longest ones are started first.
pub fn lab_budget(target: &str) -> Duration {
    LAB_PROGRAMS.iter().find(|(name, _)| *name == target).map_or(LAB_PROGRAM, |(_, budget)| *budget)
}

impl Part {
    /// All parts in the order in which they run.
    pub fn all() -> &'static [Part] {
        Part::value_variants()
    }

    /// It belongs to a run without `--all`.
    pub fn is_ordinary(self) -> bool {
        self <= Part::PersonaTests
    }

    /// Its name on the command line and in the output.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn budget(self) -> (Duration, &'static str) {
        let row = BUDGETS.iter().find(|(part, ..)| *part == self);
        row.map_or((Duration::ZERO, "give it a row in xtask/src/test/budget.rs"), |(_, budget, advice)| {
            (*budget, *advice)
        })
    }
}

/// One measured time and its budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    name: String,
    took: Duration,
    budget: Duration,
    advice: &'static str,
}

impl Timing {
    fn is_over(&self) -> bool {
        self.took > self.budget
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, took, budget, advice } = self;
        write!(f, "{name} took {:.1} s of {:.0} s: {advice}", took.as_secs_f64(), budget.as_secs_f64())
    }
}

/// The times of one run.
#[derive(Debug)]
pub struct Ledger {
    slower: f64,
    timings: Vec<Timing>,
}

impl Ledger {
    /// A ledger whose budgets are `slower` times those of the table.
    pub fn new(slower: f64) -> Self {
        Self { slower, timings: Vec::new() }
    }

    /// Enters the time of a part; returns whether it is within its budget.
    pub fn part(&mut self, part: Part, took: Duration) -> bool {
        let (budget, advice) = part.budget();
        self.enter(part.name(), took, budget, advice)
    }

    /// Enters the time of a test program in the lab.
    pub fn lab_program(&mut self, target: &str, label: &str, took: Duration) -> bool {
        self.enter(label.to_owned(), took, lab_budget(target), LAB_ADVICE)
    }

    /// Enters the time of the whole run.
    pub fn run(&mut self, ordinary: bool, took: Duration) -> bool {
        self.enter("the whole run".to_owned(), took, if ordinary { ORDINARY_RUN } else { FULL_RUN }, RUN_ADVICE)
    }

    fn enter(&mut self, name: String, took: Duration, budget: Duration, advice: &'static str) -> bool {
        self.timings.push(Timing { name, took, budget: budget.mul_f64(self.slower), advice });
        !self.timings.last().is_some_and(Timing::is_over)
    }

    /// The last time that was entered, as `12.3 s of 60 s`.
    pub fn last(&self) -> String {
        self.timings.last().map_or_else(String::new, |timing| {
            format!("{:.1} s of {:.0} s", timing.took.as_secs_f64(), timing.budget.as_secs_f64())
        })
    }

    /// What took longer than its budget.
    pub fn overruns(&self) -> impl Iterator<Item = &Timing> {
        self.timings.iter().filter(|timing| timing.is_over())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn each_part_has_one_budget_and_an_advice() {
        for part in Part::all() {
            let rows = BUDGETS.iter().filter(|(of, ..)| of == part).count();
            let (budget, advice) = part.budget();
            assert_eq!(rows, 1, "{part:?}");
            assert!(budget >= minutes(1) && !advice.is_empty(), "{part:?}");
        }
    }

    #[test]
    fn no_budget_exceeds_that_of_its_run_and_the_ordinary_run_never_an_hour() {
        assert!(ORDINARY_RUN <= minutes(60));
        for (part, budget, _) in BUDGETS {
            assert!(budget < if part.is_ordinary() { ORDINARY_RUN } else { FULL_RUN }, "{part:?}");
        }
        let longest = LAB_PROGRAMS.iter().map(|(_, budget)| *budget).fold(LAB_PROGRAM, Duration::max);
        assert!(longest < Part::LabTests.budget().0);
        assert!(longest < Duration::from_secs(LAB_TIMEOUT_S), "a program over its budget is not killed yet");
        assert_eq!(lab_budget("lab_vkms"), LAB_PROGRAM);
    }

    #[test]
    fn the_budget_itself_is_kept_and_a_nanosecond_more_is_not() {
        let mut ledger = Ledger::new(1.0);
        assert!(ledger.part(Part::Fmt, minutes(1)));
        assert!(!ledger.part(Part::Fmt, minutes(1) + Duration::from_nanos(1)));
        assert_eq!(ledger.overruns().count(), 1);
    }

    #[test]
    fn an_overrun_names_the_part_its_time_its_budget_and_what_to_do() {
        let mut ledger = Ledger::new(1.0);
        ledger.part(Part::Setup, S);
        ledger.part(Part::UnitTests, 301 * S);
        ledger.lab_program("lab_vkms", "lab tests/lab_vkms", 125 * S);
        assert!(!ledger.run(true, minutes(50) + S));
        let told: Vec<String> = ledger.overruns().map(Timing::to_string).collect();
        assert_eq!(
            told,
            [
                "unit-tests took 301.0 s of 300 s: lower the cases of a property test; `--all` runs more of them",
                "lab tests/lab_vkms took 125.0 s of 120 s: split it, or move repetitions to `cargo xtask test --all`",
                "the whole run took 3001.0 s of 3000 s: see which parts take longest; what does not fit goes into `--all`",
            ]
        );
    }

    #[test]
    fn a_slower_machine_gets_more_and_the_full_run_too() {
        let mut ledger = Ledger::new(2.0);
        assert!(ledger.part(Part::Fmt, minutes(2)));
        assert_eq!(ledger.last(), "120.0 s of 120 s");
        assert!(ledger.run(true, minutes(70)));
        assert!(Ledger::new(1.0).run(false, minutes(70)));
    }

    #[test]
    fn parts_run_in_the_order_of_the_list() {
        let ordinary: Vec<bool> = Part::all().iter().map(|part| part.is_ordinary()).collect();
        assert!(ordinary.is_sorted_by(|a, b| a >= b), "the ordinary ones come first");
        assert_eq!(Part::BenchKms.name(), "bench-kms");
    }
}
