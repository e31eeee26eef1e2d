//! `syncline session`: keeps the Wayland socket, and starts `syncline run` with it, again if it crashes.
//!
//! ```text
//!  binds the socket ─→ run --socket-fd N ─┬─ ends by itself, or was told to ─→ the same exit status
//!        ↑                                └─ a signal, or status 70 ─→ at most 5 times in a minute ─┐
//!        └──────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Clients that connect meanwhile wait at the socket. Signals to end or to reload are handed on. It knows nothing
//! of displays, seats and the protocol, so that there is nothing in it to crash; and if it does, the compositor
//! is told to end.

use std::{
    collections::VecDeque,
    ffi::OsString,
    os::{
        fd::{AsFd, AsRawFd},
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, ExitStatus},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::FdFlags,
    process::{Pid, Signal, kill_process, set_parent_process_death_signal},
    time::Timespec,
};
use smithay::reexports::wayland_server::ListeningSocket;

use crate::{
    session::{
        args::SessionArgs,
        listening::{bind, name_of},
        recall,
    },
    system::{
        error::{Context, Error},
        ioctl,
        last_words::CRASHED,
    },
};

/// So many crashes are borne …
const MOST: usize = 5;
/// … in this time.
const WINDOW: Duration = Duration::from_secs(60);
/// A compositor that was started again and ends with an error so early has crashed, too: what the one before it
/// held may not have been free yet.
const EARLY: Duration = Duration::from_secs(5);

/// Runs until the session ends. Returns the exit status of the last compositor.
pub fn run(args: &SessionArgs) -> Result<u8, Error> {
    let socket = bind(args.socket.as_deref())?;
    let name = name_of(&socket);
    recall::begin(&name);
    let program = std::env::current_exe().context("the path of this program")?;
    let mut signals = Signals::new()?;
    let (mut crashes, mut again) = (Crashes::default(), false);
    let status = loop {
        let began = Instant::now();
        let mut child =
            command(&program, &socket, &name, &args.run, again)?.spawn().context("starting syncline run")?;
        let ended = signals.wait_for(&mut child)?;
        let why = match how(ended, signals.told, again && began.elapsed() < EARLY) {
            End::Over(status) => break status,
            End::Crash(why) => why,
        };
        match crashes.another(Instant::now()) {
            Some(delay) => {
                tracing::error!("the compositor {why}; it starts again, and clients may come back");
                if signals.sleep(delay)? {
                    break 0;
                }
            }
            None => {
                tracing::error!(
                    "the compositor {why}, {MOST} times in a minute: the session ends; what it was doing is in its log \
                     and in crash.txt in ~/.local/state/syncline"
                );
                break CRASHED;
            }
        }
        again = true;
    };
    recall::forget(&name);
    Ok(status)
}

/// `syncline run` with the socket.
fn command(
    program: &Path,
    socket: &ListeningSocket,
    name: &str,
    options: &[OsString],
    again: bool,
) -> Result<Command, Error> {
    let socket = socket.as_fd().try_clone_to_owned().context("Wayland socket")?;
    let mut command = Command::new(program);
    command.args(["run", "--session", "--socket", name, "--socket-fd", &socket.as_raw_fd().to_string()]);
    if again {
        command.arg("--restarted");
    }
    command.args(options);
    ioctl::before_exec(&mut command, move || {
        rustix::io::fcntl_setfd(&socket, FdFlags::empty())?;
        Ok(set_parent_process_death_signal(Some(Signal::TERM))?)
    });
    Ok(command)
}

/// How a compositor has ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The session is over.
    Over(u8),
    Crash(String),
}

/// `told`: it was told to end. `early`: it was started after a crash, a moment ago.
fn how(status: ExitStatus, told: bool, early: bool) -> End {
    let code = status.code().map(|code| code.clamp(0, 255) as u8);
    match (code, status.signal()) {
        (Some(code), _) if !told && (code == CRASHED || early && code == 1) => {
            End::Crash(format!("has ended with status {code}"))
        }
        (None, Some(signal)) if !told => End::Crash(format!("was ended by signal {signal}")),
        (Some(code), _) => End::Over(code),
        // As shells do.
        (None, signal) => End::Over(128_i32.saturating_add(signal.unwrap_or(0)).clamp(0, 255) as u8),
    }
}

/// The crashes of the last minute.
#[derive(Debug, Default)]
struct Crashes(VecDeque<Instant>);

impl Crashes {
    /// Another crash, at `now`: how long to wait before the next start; `None`: there were too many.
    fn another(&mut self, now: Instant) -> Option<Duration> {
        self.0.retain(|then| now.saturating_duration_since(*then) < WINDOW);
        self.0.push_back(now);
        match self.0.len() {
            1 => Some(Duration::ZERO),
            MOST.. => None,
            _ => Some(Duration::from_secs(1)),
        }
    }
}

/// Signals as bytes in socket pairs.
struct Signals {
    child: UnixStream,
    /// Those that are handed on.
    others: [(Signal, UnixStream); 3],
    /// The session was told to end.
    told: bool,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let pair = |signal: Signal| -> Result<UnixStream, Error> {
            let (ours, theirs) = UnixStream::pair().context("signals")?;
            ours.set_nonblocking(true).context("signals")?;
            signal_hook::low_level::pipe::register(signal.as_raw(), theirs).context("signals")?;
            Ok(ours)
        };
        let other = |signal| Ok::<_, Error>((signal, pair(signal)?));
        Ok(Self {
            child: pair(Signal::CHILD)?,
            others: [other(Signal::TERM)?, other(Signal::INT)?, other(Signal::HUP)?],
            told: false,
        })
    }

    /// Waits until the child has ended.
    fn wait_for(&mut self, child: &mut Child) -> Result<ExitStatus, Error> {
        loop {
            if let Some(status) = child.try_wait().context("waiting for syncline run")? {
                return Ok(status);
            }
            self.poll(None)?;
            for signal in self.taken() {
                kill_process(Pid::from_child(child), signal).ok();
            }
        }
    }

    /// Waits so long, or until the session is told to end: true.
    fn sleep(&mut self, time: Duration) -> Result<bool, Error> {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.poll(Some(left))?;
            self.taken();
            if self.told {
                return Ok(true);
            }
        }
        Ok(self.told)
    }

    fn poll(&self, limit: Option<Duration>) -> Result<(), Error> {
        let streams = self.others.iter().map(|(_, stream)| stream).chain([&self.child]);
        let mut fds: Vec<_> = streams.map(|stream| PollFd::new(stream, PollFlags::IN)).collect();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error).context("waiting for syncline run"),
        }
    }

    /// The signals that have come, each once.
    fn taken(&mut self) -> Vec<Signal> {
        use std::io::Read;
        let mut bytes = [0; 64];
        // How many there are does not matter: all children that have ended are looked at.
        let _read = self.child.read(&mut bytes);
        let mut taken = Vec::new();
        for (signal, stream) in &mut self.others {
            if stream.read(&mut bytes).is_ok_and(|read| read > 0) {
                taken.push(*signal);
            }
        }
        // What SIGHUP means, the compositor decides: if it ends, it does so with status 0.
        self.told |= taken.iter().any(|signal| *signal != Signal::HUP);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_is_a_signal_or_the_status_of_a_mistake() {
        let (exited, killed) = (|code: i32| ExitStatus::from_raw(code << 8), ExitStatus::from_raw);
        let crash = |status, told, early| matches!(how(status, told, early), End::Crash(_));
        assert!(crash(killed(9), false, false) && crash(killed(6), false, false) && crash(exited(70), false, false));
        for code in [0, 1, 2, 3, 127] {
            assert_eq!(how(exited(code), false, false), End::Over(code as u8));
        }
        assert!(crash(exited(1), false, true), "the devices were not free yet");
        assert_eq!(how(exited(0), false, true), End::Over(0));
        // Whoever has told it to end wants it to end.
        assert_eq!(how(killed(15), true, false), End::Over(143));
        assert_eq!(how(exited(70), true, false), End::Over(70));
    }

    #[test]
    fn five_crashes_in_a_minute_are_too_many() {
        let begin = Instant::now();
        let at = |second: u64| begin + Duration::from_secs(second);
        let (second, none) = (Some(Duration::from_secs(1)), Some(Duration::ZERO));
        let mut crashes = Crashes::default();
        let all: Vec<_> = [0, 10, 20, 30, 59].map(|time| crashes.another(at(time))).into();
        assert_eq!(all, [none, second, second, second, None]);
        let mut crashes = Crashes::default();
        let all: Vec<_> = [0, 10, 20, 30, 60, 70, 200].map(|time| crashes.another(at(time))).into();
        assert_eq!(all, [none, second, second, second, second, second, none], "the first ones do not count any more");
    }
}
