//! `cargo xtask demo` and `cargo xtask bench`: build the programs in release, and run them in the
//! lab or on a display of this machine.
//!
//! The programs print their own results and verdicts; this passes their exit status on.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::error::{Context, Error, Result};
use crate::lab::persona::Persona;
use crate::lab::session::{self, Streams};
use crate::lab::{self, kernel};
use crate::test::artifacts::Built;
use crate::{paths, setup};

/// After so many seconds the guest is killed. The demo takes 600 frames at 60 Hz and a report; a
/// benchmark several such runs, up to three times each.
const TIMEOUT_S: u64 = 1200;

/// The benchmark that is run in virtual time, where its figures are exact, and then in real time.
const IN_BOTH_TIMES: &str = "kms";

/// The benchmark that is a bench target of the fence crate and needs no compositor.
const OF_FENCES: &str = "fence";

/// The benchmark that is a bench target of the kms crate: arithmetic, which needs no lab.
const OF_CRCS: &str = "crc";

/// The benchmark with a part that is a bench target of the compositor: arithmetic, too.
const WITH_LAYOUT: (&str, &str) = ("desktop", "layout");

/// Arguments of `cargo xtask demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoOptions {
    /// Folder for trace.json, screenshot.png and report.html
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    out: PathBuf,
    /// Run on this device of the machine instead of in the lab
    #[arg(long, value_name = "/dev/dri/cardN")]
    device: Option<PathBuf>,
    /// Run the lab in real time. The default is virtual time, which is exact whatever else this
    /// machine does
    #[arg(long, conflicts_with = "device")]
    real_time: bool,
    /// Let the lab's displays behave as those of other hardware
    #[arg(long, value_enum, conflicts_with = "device")]
    persona: Vec<Persona>,
    #[command(flatten)]
    setup: setup::Options,
}

impl DemoOptions {
    /// The demo in the lab's virtual time on displays like these, which leaves its files in `out`.
    pub fn in_lab(out: PathBuf, persona: &[Persona]) -> Self {
        let (persona, setup) = (persona.to_vec(), setup::Options::default());
        Self { out, device: None, real_time: false, persona, setup }
    }
}

/// Arguments of `cargo xtask bench`.
#[derive(Debug, Clone, Args)]
pub struct BenchOptions {
    /// Let the lab's displays behave as those of other hardware
    #[arg(long, value_enum)]
    persona: Vec<Persona>,
    /// Which benchmark; without one they are listed
    name: Option<String>,
    /// Passed on to it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

impl BenchOptions {
    /// A benchmark with its own defaults, on displays like these.
    pub fn named(name: &str, persona: &[Persona]) -> Self {
        Self { name: Some(name.to_owned()), rest: Vec::new(), persona: persona.to_vec() }
    }
}

/// Builds and runs the demo; its exit status.
pub fn demo(options: &DemoOptions) -> Result<u8> {
    setup::ensure(&options.setup)?;
    let bin = build_release(&[])?;
    std::fs::create_dir_all(&options.out).context(format_args!("create {}", options.out.display()))?;
    let out = options.out.canonicalize().context(format_args!("find {}", options.out.display()))?;
    let mut arguments = vec!["--out".to_owned(), out.display().to_string()];
    let guest = Guest { virtual_time: !options.real_time, persona: &options.persona };
    let Some(device) = &options.device else { return in_lab(&bin, "syncline-demo", arguments, guest) };
    arguments.extend(["--device".to_owned(), device.display().to_string()]);
    let mut command = Command::new(bin.join("syncline-demo"));
    command.args(arguments).envs(programs(&bin));
    let status = command.status().context(format_args!("run {}", bin.join("syncline-demo").display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Arguments of `cargo xtask picture`.
#[derive(Debug, Clone, Args)]
pub struct PictureOptions {
    /// The file
    #[arg(long, default_value = "docs/desktop.png")]
    out: PathBuf,
}

/// Draws a picture of a desktop, on a headless display; its exit status.
pub fn picture(options: &PictureOptions) -> Result<u8> {
    setup::ensure(&setup::Options::default())?;
    let bin = build_release(&[])?;
    let mut command = Command::new(program_in(&bin, "syncline-picture")?);
    let status = command.arg("--out").arg(&options.out).envs(programs(&bin)).status();
    Ok(u8::from(!status.context("run syncline-picture")?.success()))
}

/// Builds and runs a benchmark in the lab; its exit status.
pub fn bench(options: &BenchOptions) -> Result<u8> {
    setup::ensure(&setup::Options::default())?;
    let real = Guest { virtual_time: false, persona: &options.persona };
    if options.name.as_deref() == Some(OF_FENCES) {
        return run_in_lab(&bench_target("syncline-fence", OF_FENCES)?, options.rest.clone(), real, Vec::new());
    }
    if options.name.as_deref() == Some(OF_CRCS) {
        return run_here(&bench_target("syncline-kms", OF_CRCS)?, &options.rest);
    }
    let counting = options.name.as_deref() == Some(IN_BOTH_TIMES);
    let bin = build_release(if counting { &["--features", "syncline/count-allocations"] } else { &[] })?;
    let arguments: Vec<String> = options.name.iter().chain(&options.rest).cloned().collect();
    if options.name.as_deref() == Some(WITH_LAYOUT.0) {
        let in_lab = in_lab(&bin, "syncline-bench", arguments, real)?;
        return Ok(in_lab.max(run_here(&bench_target("syncline", WITH_LAYOUT.1)?, &[])?));
    }
    if !counting {
        return in_lab(&bin, "syncline-bench", arguments, real);
    }
    let with_exact_limits = arguments.iter().cloned().chain(["--virtual-time".to_owned()]).collect();
    let exact = in_lab(&bin, "syncline-bench", with_exact_limits, Guest { virtual_time: true, ..real })?;
    Ok(exact.max(in_lab(&bin, "syncline-bench", arguments, real)?))
}

/// Runs a benchmark on this machine; 1 if a limit is missed.
fn run_here(bench: &Path, arguments: &[String]) -> Result<u8> {
    let status = Command::new(bench).args(arguments).status();
    Ok(u8::from(!status.context(format_args!("run {}", bench.display()))?.success()))
}

/// Builds a package's own benchmark with the bench profile; its path.
fn bench_target(package: &str, name: &str) -> Result<PathBuf> {
    let mut built = Built::default();
    built.add(&["--profile", "bench", "--package", package, "--bench", name])?;
    if let Some(failure) = built.failures.pop() {
        return Err(failure);
    }
    let bench = built.artifacts.into_iter().find(|artifact| artifact.name == name);
    let bench = bench.ok_or_else(|| Error::new(format!("the build did not create the benchmark {name}")))?;
    Ok(bench.executable)
}

/// Builds the release programs of the compositor and of the tests; returns their folder.
pub fn build_release(features: &[&str]) -> Result<PathBuf> {
    let mut arguments = vec!["build", "--release", "--package", "syncline", "--package", "syncline-tests", "--bins"];
    arguments.extend(features);
    let status = Command::new(paths::cargo())
        .args(&arguments)
        .current_dir(paths::workspace())
        .status()
        .context("run cargo build")?;
    if !status.success() {
        return Err(Error::new(format!("cargo {} failed ({status})", arguments.join(" "))));
    }
    Ok(paths::target().join("release"))
}

/// What the machine is like in which a program runs.
#[derive(Clone, Copy)]
struct Guest<'a> {
    virtual_time: bool,
    persona: &'a [Persona],
}

fn in_lab(bin: &Path, program: &str, arguments: Vec<String>, guest: Guest<'_>) -> Result<u8> {
    run_in_lab(&program_in(bin, program)?, arguments, guest, programs(bin))
}

/// A program that was built into the folder.
pub fn program_in(bin: &Path, program: &str) -> Result<PathBuf> {
    let program = bin.join(program);
    if program.exists() {
        return Ok(program);
    }
    Err(Error::new(format!("the build did not create {}", program.display()))
        .hint("is the program in this checkout's tests/ package?"))
}

fn run_in_lab(program: &Path, arguments: Vec<String>, guest: Guest<'_>, env: Vec<(String, String)>) -> Result<u8> {
    let kernel = kernel::ready()?;
    let mut options =
        lab::Options::for_command(std::iter::once(program.display().to_string()).chain(arguments).collect());
    options.timeout = TIMEOUT_S;
    options.virtual_time = guest.virtual_time;
    options.persona.extend(guest.persona);
    options.env.extend(env);
    let outcome = session::run(&kernel, &options, Streams::inherit())?;
    outcome.explain(&options);
    Ok(outcome.exit_status())
}

/// The variables by which the programs find each other.
pub fn programs(bin: &Path) -> Vec<(String, String)> {
    let found = [("SYNCLINE_BIN", "syncline"), ("SYNCLINE_DEMO_CLIENT", "syncline-demo-client")].into_iter();
    let path = |(variable, name): (&str, &str)| Some((variable.to_owned(), bin.join(name).to_str()?.to_owned()));
    found.filter_map(path).filter(|(_, path)| Path::new(path).exists()).collect()
}
