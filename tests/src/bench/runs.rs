//! What the benchmarks' runs have in common: demo clients started and ended, and a compositor's
//! system calls counted.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use super::judge::PerFrame;
use super::strace::{Calls, count};
use crate::compositor::Compositor;
use crate::demo::ClientReport;
use crate::error::{Error, Result};
use crate::time::poll_until;

/// Policy under which the demo client's sw_sync fences may go to the display while they are
/// pending.
pub const TRUSTING: [&str; 4] = ["--fence-policy", "trusted", "--trust", "sw_sync"];

/// Starts the demo client; its report is read by [`finish`].
pub fn client(compositor: &Compositor, frames: u64, args: &[&str]) -> Result<Child> {
    let frames = frames.to_string();
    let mut command = compositor.demo_client(&["--frames", &frames])?;
    command.args(args).stdout(Stdio::piped()).spawn().map_err(Error::io("start the demo client"))
}

/// Waits for a client's end and reads its report.
pub fn finish(mut child: Child, patience: Duration) -> Result<ClientReport> {
    if !poll_until(patience, || !matches!(child.try_wait(), Ok(None))) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(Error::Timeout("the demo client to end".into()));
    }
    let out = child.wait_with_output().map_err(Error::io("read the client's report"))?;
    if !out.status.success() {
        return Err(Error::Other(format!("the demo client ended with {}", out.status)));
    }
    serde_json::from_slice(&out.stdout).map_err(Error::other("the client's report"))
}

/// A counter of `syncline msg status`.
pub fn counter(compositor: &Compositor, name: &str) -> Result<u64> {
    let status = compositor.status()?;
    status["counters"][name].as_u64().ok_or_else(|| Error::Missing(format!("{name} in the status")))
}

fn wall() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64())
}

/// The system calls of a compositor under strace, between two answers to how many frames it has
/// shown.
#[derive(Debug)]
pub struct Watched {
    /// After the first answer and before the second question: what answering takes is not among
    /// them.
    pub calls: Calls,
    /// From the first question to the second answer.
    pub with_answers: Calls,
    /// Frames between the answers.
    pub frames: u64,
}

impl Watched {
    /// All calls, for each frame.
    pub fn per_frame(&self) -> PerFrame {
        PerFrame { count: self.calls.total, frames: self.frames }
    }
}

/// Watches the compositor's system calls for `span`.
pub fn watch(compositor: &Compositor, span: Duration) -> Result<Watched> {
    watch_while(compositor, || {
        std::thread::sleep(span);
        Ok(())
    })
}

/// The same while `work` is done.
pub fn watch_while(compositor: &Compositor, work: impl FnOnce() -> Result<()>) -> Result<Watched> {
    let log = compositor.scratch("strace.log");
    let mut strace = Command::new("strace")
        .args(["-f", "-ttt", "-qq", "-p", &compositor.process().0.to_string(), "-o"])
        .arg(&log)
        .stderr(Stdio::null())
        .spawn()
        .map_err(Error::io("start strace"))?;
    std::thread::sleep(Duration::from_millis(1000));
    let asked = wall();
    let first = counter(compositor, "frames")?;
    let from = wall();
    let done = work();
    let to = wall();
    let last = counter(compositor, "frames")?;
    let answered = wall();
    let pid = rustix::process::Pid::from_child(&strace);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).map_err(Error::call("end strace"))?;
    strace.wait().map_err(Error::io("wait for strace"))?;
    done?;
    let text = fs::read_to_string(&log).map_err(Error::io("read the log of strace"))?;
    let calls = count(&text, from, to);
    if calls.total == 0 {
        return Err(Error::Missing("system calls in the log of strace: may it attach to processes here?".into()));
    }
    Ok(Watched { calls, with_answers: count(&text, asked, answered), frames: last - first })
}
