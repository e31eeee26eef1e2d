//! The trace: every step of every frame, as Chrome/Perfetto events.
//!
//! The file has one event per line in Chrome's JSON *array* format, so a trace is readable up to
//! the last line even after a crash. Lines are made where the event happens, and written by a
//! separate thread: the frame path never waits for a disk. Without `--trace` every function returns
//! at once.
//!
//! Timestamps are CLOCK_MONOTONIC in microseconds. Process 1 is the compositor; threads 1–99 are
//! outputs, 100 and up are surfaces.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Mutex, OnceLock,
        mpsc::{Sender, channel},
    },
    thread::JoinHandle,
};

use fence::Ns;
use kms::PlaneId;
use serde::Serialize;

use crate::system::{
    error::{Context, Error},
    id::{OutputId, SurfaceId},
};

static TRACE: OnceLock<Trace> = OnceLock::new();

struct Trace {
    lines: Mutex<Option<Sender<String>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Starts writing to `path`. May be called once in a process.
pub fn start(path: &Path) -> Result<(), Error> {
    let mut file = File::create(path).context(format!("cannot create the trace {}", path.display()))?;
    let (lines, incoming) = channel::<String>();
    let writer = std::thread::Builder::new().name("trace".into()).spawn(move || {
        let mut out = String::from("[\n");
        while let Ok(line) = incoming.recv() {
            out.push_str(&line);
            out.push_str(",\n");
            while let Ok(line) = incoming.try_recv() {
                out.push_str(&line);
                out.push_str(",\n");
            }
            if let Err(error) = file.write_all(out.as_bytes()) {
                tracing::warn!("the trace ends here: {error}");
                return;
            }
            out.clear();
        }
        out.push_str("{}]\n");
        file.write_all(out.as_bytes()).ok();
    });
    let writer = writer.context("cannot start the thread of the trace")?;
    let trace = Trace { lines: Mutex::new(Some(lines)), writer: Mutex::new(Some(writer)) };
    TRACE.set(trace).map_err(|_| Error::setup("trace", "started twice"))
}

/// Closes the array and waits until everything is written.
pub fn finish() {
    let Some(trace) = TRACE.get() else { return };
    trace.lines.lock().expect("not poisoned").take();
    if let Some(writer) = trace.writer.lock().expect("not poisoned").take() {
        writer.join().ok();
    }
}

/// Whether there is a trace. Build the arguments of an event only if there is.
pub fn enabled() -> bool {
    TRACE.get().is_some()
}

#[derive(Serialize)]
struct Event<'a, A> {
    name: &'a str,
    ph: &'a str,
    pid: u32,
    tid: u32,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'a str>,
    args: A,
}

fn us(ns: Ns) -> f64 {
    ns as f64 / 1000.0
}

fn emit<A: Serialize>(event: &Event<'_, A>) {
    let Some(trace) = TRACE.get() else { return };
    let Ok(line) = serde_json::to_string(event) else { return };
    if let Some(lines) = trace.lines.lock().expect("not poisoned").as_ref() {
        lines.send(line).ok();
    }
}

fn instant<A: Serialize>(name: &str, tid: u32, at: Ns, args: A) {
    emit(&Event { name, ph: "i", pid: 1, tid, ts: us(at), dur: None, s: Some("t"), args });
}

fn span<A: Serialize>(name: &str, tid: u32, from: Ns, to: Ns, args: A) {
    emit(&Event { name, ph: "X", pid: 1, tid, ts: us(from), dur: Some(us(to.saturating_sub(from))), s: None, args });
}

/// Names a thread of the trace.
pub fn name(tid: u32, name: &str) {
    let args = serde_json::json!({ "name": name });
    emit(&Event { name: "thread_name", ph: "M", pid: 1, tid, ts: 0.0, dur: None, s: None, args });
}

/// A client committed a buffer.
pub fn commit(
    now: Ns,
    pid: Option<i32>,
    surface: SurfaceId,
    commit: u64,
    buffer: u64,
    (acquire, release): (&'static str, &'static str),
    point: Option<u64>,
) {
    if commit == 1 {
        name(surface.0, &format!("surface {surface} (client {})", pid.unwrap_or(0)));
    }
    instant(
        "commit",
        surface.0,
        now,
        serde_json::json!({ "surface": surface, "client_pid": pid, "commit": commit, "buffer": buffer,
            "acquire": acquire, "release": release, "point": point }),
    );
}

/// An acquire that was resolved, superseded or handed over.
#[derive(Serialize)]
pub struct AcquireEvent {
    pub surface: SurfaceId,
    pub commit: u64,
    #[serde(skip)]
    pub from: Ns,
    #[serde(skip)]
    pub to: Ns,
    pub state: &'static str,
    pub mode: &'static str,
    pub driver: Option<String>,
    pub signal_ns: Option<Ns>,
    pub error: Option<String>,
}

/// Traces an [`AcquireEvent`].
pub fn acquire(event: AcquireEvent) {
    span("acquire", event.surface.0, event.from, event.to, &event);
}

/// The state of a pending acquire.
#[derive(Serialize)]
pub struct AcquirePending {
    pub surface: SurfaceId,
    pub commit: u64,
    #[serde(flatten)]
    pub report: fence::AcquireReport,
}

/// Traces an [`AcquirePending`]: after the commit, and when a point has materialised.
pub fn acquire_pending(now: Ns, event: AcquirePending) {
    instant("acquire_pending", event.surface.0, now, &event);
}

/// The watchdog has reported a commit.
pub fn watchdog(now: Ns, surface: SurfaceId, hit: &impl Serialize) {
    instant("watchdog", surface.0, now, hit);
}

/// A buffer was not released at the end of the session.
pub fn unreleased(now: Ns, surface: SurfaceId, buffer: &impl Serialize) {
    instant("unreleased", surface.0, now, buffer);
}

/// A commit of a surface that a frame shows.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ShownCommit {
    pub surface: SurfaceId,
    pub commit: u64,
}

/// An output latched a frame.
pub fn latch(now: Ns, output: OutputId, frame: u64, vblank: Ns, surfaces: &[ShownCommit]) {
    let args = serde_json::json!({ "output": output, "frame": frame, "vblank_ns": vblank, "surfaces": surfaces });
    instant("latch", output.0, now, args);
}

/// What a plane shows.
#[derive(Debug, Clone, Serialize)]
pub struct PlaneEvent {
    pub plane: PlaneId,
    pub kind: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub shown: Option<ShownCommit>,
    pub in_fence: bool,
}

/// An atomic commit, from the call to its return.
pub fn kms_commit(
    from: Ns,
    to: Ns,
    output: OutputId,
    frame: u64,
    planes: &[PlaneEvent],
    out_fence: bool,
    errno: Option<i32>,
) {
    let args = serde_json::json!({ "output": output, "frame": frame, "planes": planes, "out_fence": out_fence,
        "errno": errno });
    span("kms_commit", output.0, from, to, args);
}

/// A frame was refused or has not flipped; `step` is the remedy (see `kms::recover`).
pub fn recover(now: Ns, output: OutputId, frame: u64, step: &str, errno: Option<i32>) {
    if enabled() {
        instant(
            "recover",
            output.0,
            now,
            serde_json::json!({ "output": output, "frame": frame, "step": step, "errno": errno }),
        );
    }
}

/// A commit that turns an output off (after `frame`) or on (with `frame`) was accepted.
pub fn power(now: Ns, output: OutputId, frame: u64, on: bool) {
    if enabled() {
        instant("power", output.0, now, serde_json::json!({ "output": output, "frame": frame, "on": on }));
    }
}

/// A frame is on the screen; `cause` says what was late if it missed vblanks.
pub fn flip(now: Ns, output: OutputId, frame: u64, seq: u64, time: Ns, missed: u64, cause: Option<&str>) {
    let args = serde_json::json!({ "output": output, "frame": frame, "seq": seq, "time_ns": time, "missed": missed,
        "cause": cause });
    instant("flip", output.0, now, args);
}

/// The OUT_FENCE of a frame signalled.
pub fn out_fence(now: Ns, output: OutputId, frame: u64, signalled: Ns, flipped: Ns) {
    let lag = signalled as i64 - flipped as i64;
    let args = serde_json::json!({ "output": output, "frame": frame, "signal_ns": signalled, "lag_ns": lag });
    instant("out_fence", output.0, now, args);
}

/// The release of a buffer to its client.
#[derive(Serialize)]
pub struct Release {
    pub surface: SurfaceId,
    pub commit: u64,
    pub kind: &'static str,
    pub when: &'static str,
    pub frame: Option<u64>,
    pub users: usize,
    pub error: Option<String>,
}

/// Traces a [`Release`].
pub fn release(event: Release) {
    if enabled() {
        instant("release", event.surface.0, crate::system::clock::now(), &event);
    }
}

/// The CRC of a frame: the value read and the prediction.
#[derive(Serialize)]
pub struct CrcEvent {
    pub output: OutputId,
    pub frame: u64,
    pub crtc_frame: Option<u32>,
    pub read: Option<u32>,
    pub predicted: Option<u32>,
    pub verdict: &'static str,
}

/// Traces a [`CrcEvent`].
pub fn crc(now: Ns, event: CrcEvent) {
    instant("crc", event.output.0, now, &event);
}

/// The screen changed while a frame was on it (see [`crate::crc::change`]).
pub fn crc_change(now: Ns, output: OutputId, change: &impl Serialize) {
    if enabled() {
        instant("crc_change", output.0, now, change);
    }
}
