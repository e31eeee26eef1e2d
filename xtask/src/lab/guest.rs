//! The first process in the guest (PID 1): prepares the system, runs the command, reports, and
//! waits to be killed.
//!
//! It is this same binary, started by the kernel as `xtask lab-guest` from the host's file system.
//! The order is: mounts → raw serial line → greeting → job → udevd and seatd → command → sync →
//! exit frame. It never powers off: the host kills the guest when it has read the exit frame, which
//! is both faster and free of the races of a shutdown.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, WaitOptions};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::wire::{self, Job, Kind};
use super::{guest_apps, guest_services, guest_system};
use crate::error::{Context, Error, Result};

/// The guest's end of the wire.
const LINE: &str = "/dev/ttyS0";

/// Write end of the wire, shared by the pumps; a frame is written whole.
type Line = Arc<Mutex<File>>;

/// Runs as PID 1 and never returns to a shell: a PID 1 that ends is a kernel panic, which the host
/// would see as one.
pub fn main() -> Result<()> {
    if rustix::process::getpid().as_raw_nonzero().get() != 1 {
        return Err(Error::new(
            "lab-guest is what the lab's kernel starts first; run `cargo xtask lab -- CMD` instead",
        ));
    }
    guest_system::mount_all()?;
    let mut from_host = open_line()?;
    let line = Arc::new(Mutex::new(from_host.try_clone().context("duplicate the serial line")?));
    write_greeting(&line)?;
    let (kind, payload) = match run(&mut from_host, &line) {
        Ok(status) => (Kind::Exit, status.to_le_bytes().to_vec()),
        Err(error) => (Kind::Failed, error.to_string().into_bytes()),
    };
    guest_system::end_everything();
    send(&line, kind, &payload)?;
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

/// Takes the job, runs it to its end with all of its output sent, and leaves the file systems
/// synced.
fn run(from_host: &mut File, line: &Line) -> Result<i32> {
    let job = match wire::receive(from_host).context("read the job from the host")? {
        Some((Kind::Job, payload)) => serde_json::from_slice::<Job>(&payload).context("understand the job")?,
        other => {
            return Err(Error::new(format!("expected a job from the host, got {:?}", other.map(|(kind, _)| kind))));
        }
    };
    guest_services::start_all()?;
    if let Some(root) = job.env.get(guest_apps::VARIABLE) {
        guest_apps::mount_root(Path::new(root))?;
    }

    let [program, arguments @ ..] = job.command.as_slice() else {
        return Err(Error::new("the job has no command"));
    };
    let spawned = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(&job.env)
        .current_dir(&job.cwd)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(why) => {
            // As a shell does it: 127 not found, 126 found but not to be run.
            let message = format!("lab: cannot run {program} in {}: {why}\n", job.cwd);
            send(line, Kind::Stderr, message.as_bytes())?;
            return Ok(if why.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 });
        }
    };
    let pumps = [
        child.stdout.take().map(|from| pump(from, line.clone(), Kind::Stdout)),
        child.stderr.take().map(|from| pump(from, line.clone(), Kind::Stderr)),
    ];
    if let (Some(mut to), Ok(mut from)) = (child.stdin.take(), from_host.try_clone()) {
        thread::spawn(move || {
            while let Ok(Some((Kind::Stdin, bytes))) = wire::receive(&mut from) {
                if bytes.is_empty() || to.write_all(&bytes).is_err() {
                    break;
                }
            }
        });
    }
    let status = reap_until(Pid::from_child(&child))?;
    // What the command left behind would hold its pipes open for ever.
    guest_system::end_everything();
    for pump in pumps.into_iter().flatten() {
        let _ = pump.join();
    }
    Ok(status)
}

/// Copies one stream of the command into frames until its end.
fn pump(mut from: impl Read + Send + 'static, line: Line, kind: Kind) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => {
                    if send(&line, kind, &buffer[..n]).is_err() {
                        break;
                    }
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    })
}

/// Waits as PID 1 must, for any process, until the command's own status is there: its exit code, or
/// 128 + the signal.
fn reap_until(command: Pid) -> Result<i32> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => {
                return Ok(status
                    .exit_status()
                    .or_else(|| status.terminating_signal().map(|s| 128 + s))
                    .unwrap_or(255));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(Error::new(format!("cannot wait for the command: {why}"))),
        }
    }
}

/// Opens the serial line in raw mode, since it carries binary frames.
fn open_line() -> Result<File> {
    let line = File::options().read(true).write(true).open(LINE).context(format_args!("open {LINE}"))?;
    let mut mode = tcgetattr(&line).context(format_args!("read the mode of {LINE}"))?;
    mode.make_raw();
    tcsetattr(&line, OptionalActions::Now, &mode).context(format_args!("set {LINE} to raw"))?;
    Ok(line)
}

fn write_greeting(line: &Line) -> Result<()> {
    let mut line = line.lock().map_err(|_| Error::new("the serial line's lock is poisoned"))?;
    line.write_all(wire::GREETING).context("greet the host")
}

fn send(line: &Line, kind: Kind, payload: &[u8]) -> Result<()> {
    let mut line = line.lock().map_err(|_| Error::new("the serial line's lock is poisoned"))?;
    wire::send(&mut *line, kind, payload).context("write to the host")
}
