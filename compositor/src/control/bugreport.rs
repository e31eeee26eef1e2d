//! `syncline bugreport`: collects what is known of this machine and of a running session in one tar
//! file, and lists what is in it.
//!
//! It changes nothing, and needs no session and no right: what cannot be had is a line that says
//! why. Titles of windows and names of applications are left out unless they are asked for.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::Args;
use serde_json::Value;
use tools::{doctor, kernel, kernel_log::KernelLog, kernel_trace::KernelTrace};

use crate::{
    control::{connection::Connection, request::Request},
    crc::{frames::Page, status::CrcRequest},
    system::{
        error::{Context, Error},
        last_words,
    },
};

/// How long the kernel's events of a running session are recorded.
const RECORDED: Duration = Duration::from_secs(2);

#[derive(Debug, Args)]
pub struct BugreportArgs {
    /// File to write. Default: syncline-bugreport-TIME.tar in this folder.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Include titles of windows and names of their applications.
    #[arg(long)]
    pub with_titles: bool,
    /// Wayland socket name of the session. Default: $WAYLAND_DISPLAY.
    #[arg(long, env = "WAYLAND_DISPLAY", value_name = "NAME")]
    pub socket: Option<String>,
}

/// A file of the report.
struct Part {
    name: &'static str,
    what: &'static str,
    /// Or why it cannot be had, in one line.
    content: Result<String, String>,
}

/// Collects, writes and lists. Returns the exit status.
pub fn run(args: &BugreportArgs) -> Result<u8, Error> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let name = format!("syncline-bugreport-{seconds}");
    let path = args.out.clone().unwrap_or_else(|| format!("{name}.tar").into());
    // Before anything is collected, so that a wrong path is said at once.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let file = file.context(format!("cannot create {}", path.display()))?;
    let parts = collect(args);
    let contents = contents(&parts, args.with_titles);
    write(file, &name, seconds, &parts, &contents).context(format!("cannot write {}", path.display()))?;
    print!("{}:\n{contents}", path.display());
    Ok(0)
}

fn collect(args: &BugreportArgs) -> Vec<Part> {
    let part = |name, what, content| Part { name, what, content };
    let doctor = doctor::report().map_err(|error| error.to_string());
    let json = doctor.as_ref().map(|report| report.json.clone()).map_err(String::clone);
    let mut parts = vec![
        part("versions.txt", "versions of syncline, kernel and system, and the environment of Wayland", Ok(versions())),
        part("doctor.txt", "what this machine can do: syncline doctor", doctor.map(|report| report.text)),
        part("doctor.json", "the same with all facts, EDIDs with serial numbers among them", json),
    ];
    parts.extend(session(args));
    parts.push(part("crash.txt", "the last words of the last session that could not go on", last_words::written()));
    let log = KernelLog::whole().and_then(|mut log| log.read());
    parts.push(part("dmesg.txt", "the last lines that the kernel has logged", log));
    parts.push(part("state.txt", "what the kernel says of planes, CRTCs and connectors", display_states()));
    parts
}

/// What the session says, and what the kernel records of it.
fn session(args: &BugreportArgs) -> Vec<Part> {
    let name = args
        .socket
        .as_deref()
        .ok_or_else(|| "no session: WAYLAND_DISPLAY is not set; name it with --socket".to_owned());
    let connected = name.and_then(|name| Connection::connect(name).map_err(|error| format!("no session: {error}")));
    // First: what the session says then is of the same time.
    let trace = connected.as_ref().map_err(String::clone).and_then(|_| recorded());
    // A connection each: one that a session has closed ends one part only.
    let ask = |request: &Request| -> Result<Value, String> {
        connected.as_ref().map_err(String::clone)?;
        let name = args.socket.as_deref().unwrap_or_default();
        let answer = Connection::connect(name).and_then(|mut session| session.ask(request));
        answer.map_err(|error| error.to_string())
    };
    let pretty = |value: Value| serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(|e| e.to_string());
    let dump = |request| ask(&request).and_then(pretty);
    let log = ask(&Request::Log).map(|answer| answer["lines"].as_str().unwrap_or_default().to_owned());
    let part = |name, what, content| Part { name, what, content };
    let windows = match args.with_titles {
        true => "the windows, with titles and names of applications",
        false => "the windows, without titles and names of applications",
    };
    vec![
        part("log.txt", "the last lines of the session's log, with names of programs", log),
        part("status.json", "state and counters of the session", dump(Request::Status)),
        part("windows.json", windows, dump(Request::Windows { titles: args.with_titles })),
        part("buffers.json", "the dma-bufs of clients", dump(Request::Buffers)),
        part("fences.json", "fences that are waited for, and the reports of the watchdog", dump(Request::Fences)),
        part("clients.json", "clients with what they use, by name and number of the process", dump(Request::Clients)),
        part("crc.json", "display CRCs, and what they said", dump(Request::Crc(CrcRequest::Status { output: None }))),
        part("frames.json", "the last frames of each display: a line each", frames(&ask)),
        part("trace.txt", "drm and dma_fence events of the kernel in two seconds of the session", trace),
    ]
}

/// All frames that the session remembers, a line each.
fn frames(ask: &impl Fn(&Request) -> Result<Value, String>) -> Result<String, String> {
    let (mut text, mut after) = (String::new(), 0);
    loop {
        let answer = ask(&Request::Frames { after, output: None, settled: false })?;
        let page: Page = serde_json::from_value(answer).map_err(|error| error.to_string())?;
        for frame in &page.frames {
            text.push_str(&serde_json::to_string(frame).map_err(|error| error.to_string())?);
            text.push('\n');
        }
        match page.frames.last() {
            Some(last) if page.more => after = last.serial,
            _ => return Ok(text),
        }
    }
}

fn recorded() -> Result<String, String> {
    let trace = KernelTrace::start()?;
    std::thread::sleep(RECORDED);
    trace.read()
}

fn display_states() -> Result<String, String> {
    let states = kernel::display_states()?;
    Ok(states.into_iter().map(|(card, text)| format!("dri/{card}\n{text}\n")).collect())
}

fn versions() -> String {
    let mut text = format!("syncline {}\nLinux {}\n", env!("CARGO_PKG_VERSION"), kernel::release());
    if let Ok(system) = std::fs::read_to_string("/etc/os-release") {
        text.extend(system.lines().filter(|line| line.starts_with("PRETTY_NAME=")).map(|line| format!("{line}\n")));
    }
    for name in [
        "WAYLAND_DISPLAY",
        "XDG_RUNTIME_DIR",
        "XDG_SESSION_TYPE",
        "XDG_SEAT",
        "XDG_VTNR",
        "SYNCLINE_LOG",
        "SYNCLINE_CRCD",
    ] {
        let value =
            std::env::var_os(name).map_or_else(|| "not set".into(), |value| value.to_string_lossy().into_owned());
        text.push_str(&format!("{name}: {value}\n"));
    }
    text
}

/// The list of what is in the report.
fn contents(parts: &[Part], with_titles: bool) -> String {
    let line = |part: &Part| match &part.content {
        Ok(text) => format!("  {:14} {:>7}  {}\n", part.name, size(text.len()), part.what),
        Err(why) => format!("  {:14} {:>7}  not available: {why}\n", part.name, "-"),
    };
    let titles = match with_titles {
        true => "It has titles of windows and names of applications.\n",
        false => "Titles of windows and names of applications are left out; --with-titles includes them.\n",
    };
    parts.iter().map(line).collect::<String>() + titles
}

fn size(bytes: usize) -> String {
    if bytes < 10_000 { format!("{bytes} B") } else { format!("{} KiB", bytes / 1024) }
}

fn write(file: File, folder: &str, seconds: u64, parts: &[Part], contents: &str) -> std::io::Result<()> {
    let mut tar = tar::Builder::new(file);
    let mut add = |name: &str, text: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(seconds);
        tar.append_data(&mut header, Path::new(folder).join(name), text.as_bytes())
    };
    add("contents.txt", contents)?;
    for part in parts {
        if let Ok(text) = &part.content {
            add(part.name, text)?;
        }
    }
    tar.into_inner()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_says_what_is_there_what_is_not_and_why() {
        let part = |name, content| Part { name, what: "a part", content };
        let parts = [part("log.txt", Ok("x".repeat(20_000))), part("crc.json", Err("no session".to_owned()))];
        let text = contents(&parts, false);
        assert!(text.contains("log.txt         19 KiB  a part\n"), "{text}");
        assert!(text.contains("crc.json             -  not available: no session\n"), "{text}");
        assert!(text.ends_with("--with-titles includes them.\n"), "{text}");
    }
}
