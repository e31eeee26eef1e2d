//! Runs test programs: on this machine, or each in a guest of its own, as many side by side as
//! there are CPUs.
//!
//! Never decides what an output means; that is [`super::libtest`].

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::artifacts::Artifact;
use crate::error::{Context, Result};
use crate::lab::persona::Persona;
use crate::lab::session::{self, End, Streams};
use crate::lab::{self, klog};

/// A test program that is to run in the lab.
#[derive(Debug, Clone)]
pub struct LabProgram {
    /// The program.
    pub test: Artifact,
    /// Only tests whose name contains this.
    pub filter: Option<String>,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
    /// Seconds after which the guest is killed.
    pub timeout: u64,
    /// What the guest's displays are like, if not as the kernel has them.
    pub persona: Option<Persona>,
}

impl LabProgram {
    /// All lab tests of a program.
    pub fn new(test: Artifact, timeout: u64) -> Self {
        Self { test, filter: None, env: Vec::new(), timeout, persona: None }
    }

    /// Its name in the output.
    pub fn label(&self) -> String {
        match self.persona {
            None => format!("lab {}", self.test.label()),
            Some(persona) => format!("lab {}, {}", self.test.label(), persona.name()),
        }
    }
}

/// What came of one program in the lab.
#[derive(Debug)]
pub struct Run {
    /// Everything that it printed.
    pub output: String,
    /// Why it did not end by itself, if so.
    pub broken: Option<String>,
    /// How long it took, the guest's start included.
    pub took: Duration,
}

/// Runs a program on this machine as cargo would, and returns its output; its exit status is in its
/// summary.
pub fn here(test: &Artifact, arguments: &[&str], env: &[(&str, &str)]) -> Result<String> {
    let output = Command::new(&test.executable)
        .args(arguments)
        .current_dir(&test.package)
        .env("CARGO_MANIFEST_DIR", &test.package)
        .envs(env.iter().copied())
        .output()
        .context(format_args!("run {}", test.executable.display()))?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        text.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

/// Runs each program in a guest of its own and reports each as it ends. `programs` are those that
/// the tests start.
pub fn in_lab<'g>(
    kernel: &Path,
    programs: &[Artifact],
    lab_programs: &'g [LabProgram],
    mut report: impl FnMut(&'g LabProgram, Run),
) {
    let side_by_side = thread::available_parallelism().map_or(1, |n| n.get()).min(lab_programs.len());
    let queue = Mutex::new(lab_programs.iter());
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..side_by_side {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while let Some(program) = queue.lock().ok().and_then(|mut queue| queue.next()) {
                    if sender.send((program, one(kernel, programs, program))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        for (program, run) in results {
            report(program, run);
        }
    });
}

fn one(kernel: &Path, programs: &[Artifact], program: &LabProgram) -> Run {
    let (begun, test) = (Instant::now(), &program.test);
    let mut command = vec![test.executable.display().to_string()];
    command.extend(["--ignored", "--test-threads=1", "--show-output"].map(str::to_owned));
    command.extend(program.filter.clone());
    let mut lab = lab::Options::for_command(command);
    lab.timeout = program.timeout;
    lab.virtual_time = test.is_exact();
    lab.persona.extend(program.persona);
    lab.env.push(("CARGO_MANIFEST_DIR".to_owned(), test.package.display().to_string()));
    lab.env.extend(program.env.iter().cloned());
    lab.cwd = Some(test.package.clone());
    lab.env.extend(self::programs(programs));
    let output = Shared::default();
    let streams = Streams { stdin: None, stdout: Box::new(output.clone()), stderr: Box::new(output.clone()) };
    let broken = match session::run(kernel, &lab, streams) {
        Err(why) => Some(why.to_string()),
        Ok(outcome) => {
            let log = outcome
                .log_file
                .map(|file| format!("; log of the guest's kernel: {}", file.display()))
                .unwrap_or_default();
            match outcome.end {
                // The harness ends with 101 after a failed test.
                End::Exited(0 | 101) => {
                    klog::complaint(&outcome.log).map(|line| format!("the guest's kernel warned: {line}{log}"))
                }
                End::Exited(status) => Some(format!("it ended with status {status}{log}")),
                End::TimedOut => Some(format!("it did not end within {} s{log}", lab.timeout)),
                End::Died(why) => Some(format!("the guest died: {why}{log}")),
            }
        }
    };
    Run { output: output.text(), broken, took: begun.elapsed() }
}

/// The variables by which tests find the programs that they start.
pub fn programs(built: &[Artifact]) -> Vec<(String, String)> {
    let names = [("SYNCLINE_BIN", "syncline"), ("SYNCLINE_DEMO_CLIENT", "syncline-demo-client")].into_iter();
    let found = |program| built.iter().find(|artifact| !artifact.is_test && artifact.name == program);
    names
        .filter_map(|(variable, program)| Some((variable.to_owned(), found(program)?.executable.display().to_string())))
        .collect()
}

/// A buffer that two streams write to.
#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        self.0.lock().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.lock() {
            Ok(mut all) => all.extend_from_slice(bytes),
            Err(_) => return Err(io::Error::other("the buffer's lock is poisoned")),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
