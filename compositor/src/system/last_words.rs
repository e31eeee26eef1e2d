//! What is written when the session cannot go on: a panic, or a loop that stands.
//!
//! It goes to the log and to `crash.txt` among the user's state, with the last lines of the log. Whoever ends the
//! process then gives the console back by that: the seat manager notices that its connection is closed, and puts
//! the terminal back into text mode. Writing may wait for whatever the loop waits for, such as a log that nobody
//! reads; so it has a thread, and a second.

use std::{
    fs,
    panic::PanicHookInfo,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, mpsc},
    time::Duration,
};

use crate::system::{pulse::Pulse, recent_log, state_file::StateFile};

/// The exit status of a session that has panicked; EX_SOFTWARE of `sysexits.h`.
pub const CRASHED: u8 = 70;

/// How long the last words may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// The last panic of any thread.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// From now on a panic goes to the log, also one that is caught, and is remembered for [`panicked`].
pub fn note_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let thread = std::thread::current();
        let payload = info.payload();
        let text =
            payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let what = text.unwrap_or("a value that is no text");
        let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
        let says = format!("thread {} panicked{place}: {what}", thread.name().unwrap_or("?"));
        tracing::error!("{says}");
        // With RUST_BACKTRACE=1 only.
        let trace = std::backtrace::Backtrace::capture();
        let trace = match trace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("\n{trace}"),
            _ => String::new(),
        };
        if !trace.is_empty() {
            eprintln!("{trace}");
        }
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{says}{trace}"));
    }));
}

/// The loop has panicked and is gone.
pub fn panicked(pulse: &Pulse) {
    let panic = PANIC.lock().unwrap_or_else(PoisonError::into_inner).take();
    let panic = panic.unwrap_or_else(|| "a panic of which nothing is known".to_owned());
    say(format!("The session has ended because of a mistake in it; it was handling {}.\n{panic}", pulse.words()));
}

/// The loop stands. Ends the process, unless somebody debugs it.
pub fn stands(pulse: &Pulse) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if is_traced(&status) {
        tracing::error!("the loop has stood for ten seconds; a debugger is attached, so the session goes on");
        return;
    }
    let (task, known) = (std::process::id(), |name: &str| {
        let text = fs::read_to_string(format!("/proc/self/task/{}/{name}", std::process::id()));
        text.unwrap_or_default().trim().to_owned()
    });
    let call = in_call(&known("syscall"), |fd| fs::read_link(format!("/proc/self/fd/{fd}")).ok());
    say(format!(
        "The loop has stood for ten seconds, so the session ends and gives the console back. It was handling {}. \
         Thread {task} is in state {}, {call}; in the kernel: {}.",
        pulse.words(),
        state_of(&known("stat")),
        Some(known("wchan")).filter(|place| !place.is_empty() && place != "0").unwrap_or_else(|| "-".to_owned()),
    ));
    std::process::abort();
}

/// What the last session of this user has written that could not go on. Error: why there is nothing.
pub fn written() -> Result<String, String> {
    let file = StateFile::of_user("crash.txt").ok_or("this user has no home")?;
    let text = file.read().map_err(|error| error.to_string())?;
    text.ok_or_else(|| "no session has written any".to_owned())
}

/// Writes the last words, for a second at most.
fn say(text: String) {
    let (done, wait) = mpsc::channel();
    let write = move || {
        tracing::error!("{text}");
        if let Some(file) = StateFile::of_user("crash.txt") {
            let all = format!("{text}\n\nThe last lines of the log:\n{}", recent_log::text());
            match write(file.path(), &all) {
                Ok(()) => tracing::error!("this is in {}, with the last lines of the log", file.path().display()),
                Err(error) => tracing::error!("{} could not be written: {error}", file.path().display()),
            }
        }
        // Nobody may wait any more.
        done.send(()).ok();
    };
    if std::thread::Builder::new().name("last words".into()).spawn(write).is_ok() {
        wait.recv_timeout(PATIENCE).ok();
    }
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    fs::write(path, text)
}

/// Whether a debugger is attached to a process with this `/proc/PID/status`.
fn is_traced(status: &str) -> bool {
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}

/// The letter of the state in `/proc/PID/stat`: behind the name, which may have any character.
fn state_of(stat: &str) -> &str {
    stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or("?")
}

/// The system call of `/proc/PID/syscall`, and the file that an ioctl is for.
fn in_call(call: &str, file: impl Fn(u64) -> Option<PathBuf>) -> String {
    let mut words = call.split_whitespace();
    let number = match words.next() {
        None => return "in a call that is not known".to_owned(),
        Some("running") => return "not in a system call".to_owned(),
        Some("-1") => return "in the kernel, without a system call".to_owned(),
        Some(number) => number,
    };
    let first = words.next().and_then(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok());
    match first.filter(|_| number.parse() == Ok(libc::SYS_ioctl)) {
        Some(fd) => {
            let path = file(fd).map_or_else(|| "?".to_owned(), |path| path.display().to_string());
            format!("in an ioctl of {path}")
        }
        None => format!("in system call {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debugger_is_seen() {
        assert!(!is_traced("Name:\tsyncline\nTracerPid:\t0\n"));
        assert!(is_traced("Name:\tsyncline\nTracerPid:\t4711\n"));
        assert!(!is_traced(""));
    }

    #[test]
    fn the_state_stands_behind_a_name_that_may_be_anything() {
        for (stat, state) in [("1 (syncline) S 0", "S"), ("1 (a) R (b)) D 0", "D"), ("", "?"), ("1 (x)", "?")] {
            assert_eq!(state_of(stat), state, "{stat}");
        }
    }

    #[test]
    fn the_file_of_an_ioctl_is_named() {
        let file = |fd| (fd == 12).then(|| PathBuf::from("/dev/dri/card0"));
        let ioctl = format!("{} 0xc 0x1", libc::SYS_ioctl);
        for (call, says) in [
            (ioctl.as_str(), "in an ioctl of /dev/dri/card0"),
            ("9999 0xc 0x1", "in system call 9999"),
            ("running", "not in a system call"),
            ("-1 0x7 0x8", "in the kernel, without a system call"),
            ("", "in a call that is not known"),
        ] {
            assert_eq!(in_call(call, file), says);
        }
    }
}
