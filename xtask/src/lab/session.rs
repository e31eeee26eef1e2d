//! The host's side of one run: starts a guest, gives it the job, passes the streams on, and says
//! how it ended.
//!
//! Never waits without a limit: a guest that hangs is killed when its timeout is over.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ChildStdin;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::klog::{self, KernelLog};
use super::machine::Machine;
use super::wire::{self, Job, Kind};
use super::{Options, STATUS_LAB_FAILED, STATUS_TIMED_OUT, failure, guest_system};
use crate::error::{Context, Result};
use crate::paths;

/// Where the command's streams lead.
pub struct Streams {
    /// Its standard input; `None` is at its end from the start.
    pub stdin: Option<Box<dyn Read + Send>>,
    /// Its standard output.
    pub stdout: Box<dyn Write>,
    /// Its standard error.
    pub stderr: Box<dyn Write>,
}

impl Streams {
    /// Those of this process.
    pub fn inherit() -> Self {
        Self { stdin: Some(Box::new(io::stdin())), stdout: Box::new(io::stdout()), stderr: Box::new(io::stderr()) }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The command ended, with this status.
    Exited(i32),
    /// The watchdog ended the guest.
    TimedOut,
    /// The guest ended, or never came up; why.
    Died(String),
}

/// How a run ended, with the kernel's log where that is of interest.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// The kernel's log.
    pub log: String,
    /// Where the log was written; only after a failure or a warning of the kernel.
    pub log_file: Option<PathBuf>,
}

impl Outcome {
    /// The exit status for the caller of xtask.
    pub fn exit_status(&self) -> u8 {
        match self.end {
            End::Exited(status) => u8::try_from(status).unwrap_or(u8::MAX),
            End::TimedOut => STATUS_TIMED_OUT,
            End::Died(_) => STATUS_LAB_FAILED,
        }
    }

    /// One to a few lines on standard error about what went wrong; nothing if nothing did.
    pub fn explain(&self, options: &Options) {
        let Some(file) = &self.log_file else { return };
        let file = file.display();
        let tail = || klog::tail(&self.log, 20);
        match &self.end {
            End::Exited(0) => {}
            End::Exited(status) => {
                eprintln!("lab: the command ended with status {status}; log of the guest's kernel: {file}")
            }
            End::TimedOut => eprintln!(
                "lab: {:?} did not end within {} s, the guest was killed; the last of its kernel's log ({file}):\n{}",
                options.command.join(" "),
                options.timeout,
                tail()
            ),
            End::Died(why) => {
                eprintln!("lab: the guest died: {why}; the last of its kernel's log ({file}):\n{}", tail())
            }
        }
        if let (End::Exited(_), Some(line)) = (&self.end, klog::complaint(&self.log)) {
            eprintln!("lab: the guest's kernel complained: {line}; its log: {file}");
        }
    }
}

/// What the reader of the wire reports.
enum Event {
    Ready,
    Frame(Kind, Vec<u8>),
    Closed(String),
}

/// Runs the command of `options` in a new guest.
pub fn run(kernel: &Path, options: &Options, mut streams: Streams) -> Result<Outcome> {
    let log = KernelLog::default();
    let job = serde_json::to_vec(&job(options)?).context("write down the job")?;
    let (mut machine, to_guest, from_guest) = Machine::start(kernel, options, &log)?;
    let (sender, events) = mpsc::channel();
    thread::spawn({
        let log = log.clone();
        move || read_wire(from_guest, &log, &sender)
    });
    let end = follow(&events, options.patience(), to_guest, &job, &mut streams)?;
    let by_itself = machine.end();
    let end = match end {
        End::Died(why) => End::Died(by_itself.map_or(why.clone(), |status| format!("{why} ({status})"))),
        other => other,
    };
    let log = machine.log().text();
    let interesting = end != End::Exited(0) || klog::complaint(&log).is_some();
    let log_file = if interesting { Some(machine.log().save(&paths::lab_cache()?.join("log"))?) } else { None };
    Ok(Outcome { end, log, log_file })
}

/// Passes frames on until the run has ended, one way or another.
fn follow(
    events: &Receiver<Event>,
    patience: Duration,
    to: ChildStdin,
    job: &[u8],
    streams: &mut Streams,
) -> Result<End> {
    let deadline = Instant::now() + patience;
    let mut to_guest = Some(to);
    loop {
        match events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Event::Ready) => {
                if let Some(mut to) = to_guest.take() {
                    wire::send(&mut to, Kind::Job, job).context("send the job to the guest")?;
                    let stdin = streams.stdin.take();
                    thread::spawn(move || feed(stdin, to));
                }
            }
            Ok(Event::Frame(Kind::Stdout, bytes)) => pass_on(&mut streams.stdout, &bytes, "output")?,
            Ok(Event::Frame(Kind::Stderr, bytes)) => pass_on(&mut streams.stderr, &bytes, "error")?,
            Ok(Event::Frame(Kind::Exit, bytes)) => {
                return Ok(match <[u8; 4]>::try_from(bytes.as_slice()) {
                    Ok(status) => End::Exited(i32::from_le_bytes(status)),
                    Err(_) => End::Died("it sent a garbled exit status".to_owned()),
                });
            }
            Ok(Event::Frame(Kind::Failed, bytes)) => {
                return Ok(End::Died(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Ok(Event::Frame(kind, _)) => {
                return Ok(End::Died(format!("it sent a frame that only the host sends ({kind:?})")));
            }
            Ok(Event::Closed(why)) => return Ok(End::Died(why)),
            Err(RecvTimeoutError::Timeout) => return Ok(End::TimedOut),
            Err(RecvTimeoutError::Disconnected) => return Ok(End::Died("its wire closed".to_owned())),
        }
    }
}

fn pass_on(to: &mut impl Write, bytes: &[u8], name: &str) -> Result<()> {
    let written = to.write_all(bytes).and_then(|()| to.flush());
    written.map_err(|why| {
        let error = failure(format!("cannot pass on the command's standard {name}: {why}"));
        // 128 + SIGPIPE, as if the command had written there itself.
        if why.kind() == io::ErrorKind::BrokenPipe { error.status(141) } else { error }
    })
}

fn read_wire(mut from: impl Read, log: &KernelLog, events: &Sender<Event>) {
    let mut from = io::BufReader::new(&mut from);
    match wire::await_greeting(&mut from) {
        Ok(chatter) => log.append(&chatter),
        Err(chatter) => {
            log.append(&chatter);
            let _ = events.send(Event::Closed("it ended before it could take a command".to_owned()));
            return;
        }
    }
    let mut next = Event::Ready;
    loop {
        let last = matches!(next, Event::Closed(_));
        if events.send(next).is_err() || last {
            return;
        }
        next = match wire::receive(&mut from) {
            Ok(Some((kind, payload))) => Event::Frame(kind, payload),
            Ok(None) => Event::Closed("it ended before the command did".to_owned()),
            Err(why) => Event::Closed(format!("its wire broke: {why}")),
        };
    }
}

/// Passes standard input on until it ends, then tells the guest. Keeps the wire open: the guest
/// would end with it.
fn feed(stdin: Option<Box<dyn Read + Send>>, mut to: ChildStdin) {
    let mut buffer = [0; 1024];
    if let Some(mut stdin) = stdin {
        while let Ok(n @ 1..) = stdin.read(&mut buffer) {
            if wire::send(&mut to, Kind::Stdin, &buffer[..n]).is_err() {
                return;
            }
        }
    }
    if wire::send(&mut to, Kind::Stdin, b"").is_ok() {
        loop {
            thread::park();
        }
    }
}

fn job(options: &Options) -> Result<Job> {
    let here = std::env::current_dir().context("find the working directory")?;
    let cwd = options.cwd.as_ref().map_or_else(|| here.clone(), |cwd| here.join(cwd));
    let cwd = cwd.to_str().ok_or_else(|| failure("the working directory's path is not UTF-8"))?.to_owned();
    let mut env = guest_environment(
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
    );
    env.extend(options.env.iter().cloned());
    // What was built here is found by its name: `cargo xtask lab -- syncline doctor`.
    if !options.env.iter().any(|(name, _)| name == "PATH") {
        env.entry("PATH".to_owned()).and_modify(|path| *path = own_programs_first(path, &paths::target()));
    }
    Ok(Job { command: options.command.clone(), cwd, env })
}

/// `path` after the folders of this workspace's programs, of which the debug one is the first.
fn own_programs_first(path: &str, target: &Path) -> String {
    let own = ["debug", "release"].map(|profile| target.join(profile).display().to_string());
    format!("{}:{path}", own.join(":"))
}

/// The caller's environment without what names the host's sessions, sockets and jobs.
fn guest_environment(host: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    const NOT_THERE: [&str; 12] = [
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "WAYLAND_SOCKET",
        "WAYLAND_DEBUG_SOCKET",
        "XAUTHORITY",
        "DBUS_SESSION_BUS_ADDRESS",
        "SSH_AUTH_SOCK",
        "LISTEN_FDS",
        "NOTIFY_SOCKET",
        "MAKEFLAGS",
        "CARGO_MAKEFLAGS",
        "CARGO_MANIFEST_DIR",
    ];
    // Cargo describes xtask itself to what it runs; a test in the guest would take that for its own
    // package.
    let of_xtask = |name: &str| {
        ["CARGO_PKG_", "CARGO_BIN_", "CARGO_MANIFEST_", "XDG_SESSION_", "XDG_SEAT", "XDG_VTNR"]
            .iter()
            .any(|p| name.starts_with(p))
    };
    let mut env: BTreeMap<String, String> =
        host.filter(|(name, _)| !NOT_THERE.contains(&name.as_str()) && !of_xtask(name)).collect();
    env.insert("XDG_RUNTIME_DIR".to_owned(), guest_system::RUNTIME_DIR.to_owned());
    env.entry("PATH".to_owned())
        .or_insert_with(|| "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    env.entry("HOME".to_owned()).or_insert_with(|| "/".to_owned());
    env.insert("SYNCLINE_IN_LAB".to_owned(), "1".to_owned());
    env.insert("SYNCLINE_LAB_USER".to_owned(), format!("{}:{}", guest_system::SEAT_USER, guest_system::SEAT_UID));
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_the_callers_without_his_session() {
        let host = [
            ("PATH", "/x"),
            ("WAYLAND_DISPLAY", "wayland-1"),
            ("CARGO_PKG_NAME", "xtask"),
            ("XDG_RUNTIME_DIR", "/run/user/7"),
            ("LANG", "C"),
        ];
        let env = guest_environment(host.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let names: Vec<&str> = env.keys().map(String::as_str).collect();
        assert_eq!(names, ["HOME", "LANG", "PATH", "SYNCLINE_IN_LAB", "SYNCLINE_LAB_USER", "XDG_RUNTIME_DIR"]);
        assert_eq!(env["XDG_RUNTIME_DIR"], guest_system::RUNTIME_DIR);
        assert_eq!(env["PATH"], "/x");
    }

    #[test]
    fn programs_built_here_come_first() {
        assert_eq!(own_programs_first("/usr/bin", Path::new("/t")), "/t/debug:/t/release:/usr/bin");
    }

    #[test]
    fn a_silent_guest_times_out_and_a_closed_wire_is_a_death() {
        let mut streams = Streams { stdin: None, stdout: Box::new(io::sink()), stderr: Box::new(io::sink()) };
        let mut cat = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let (sender, events) = mpsc::channel();
        let end = follow(&events, Duration::from_millis(20), cat.stdin.take().unwrap(), b"{}", &mut streams).unwrap();
        assert_eq!(end, End::TimedOut);
        cat.wait().unwrap();
        let mut cat = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        drop(sender);
        let end = follow(&events, Duration::from_secs(5), cat.stdin.take().unwrap(), b"{}", &mut streams).unwrap();
        assert!(matches!(end, End::Died(_)));
        cat.wait().unwrap();
    }
}
