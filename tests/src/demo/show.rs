//! `syncline-demo`: runs `syncline` and the demo client on one card, and judges what the trace
//! says.
//!
//! It leaves four files in `--out`: `trace.json`, `screenshot.png`, `report.html`, `syncline.log`.
//! It changes nothing else, and it never judges by what the programs print, only by the trace, the
//! client's report and exit statuses.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use clap::Parser;

use super::ClientReport;
use super::run::expected_duration;
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::lab;
use crate::report::{self, Page};
use crate::time::poll_until;
use crate::trace::Trace;
use crate::trace::analysis::{Summary, Verdict, judge};
use crate::trace::timeline::{excerpt, journeys};
use crate::user;

/// Shows late fences on a real display, reads the display's CRCs, and reports.
#[derive(Debug, Clone, Parser)]
#[command(name = "syncline-demo", version)]
pub struct Options {
    /// Folder for the report; made where it does not exist.
    #[arg(long, default_value = "demo-out")]
    pub out: PathBuf,
    /// The card; found by itself where it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Frames to show.
    #[arg(long, default_value_t = 600)]
    pub frames: u64,
    /// Further arguments for the demo client.
    #[arg(long, value_delimiter = ' ', allow_hyphen_values = true)]
    pub client_args: Vec<String>,
}

/// Runs it all; prints the table and the verdict.
pub fn run(options: &Options) -> Result<Verdict> {
    let out = &options.out;
    fs::create_dir_all(out).map_err(Error::io(format!("make the folder {}", out.display())))?;
    let out = fs::canonicalize(out).map_err(Error::io(format!("find the folder {}", out.display())))?;
    let card = lab::find_card(options.device.as_deref())?;
    // What the compositor writes, and which may be another user's than `out`.
    let scratch = user::folder()?;
    let trace_path = scratch.path().join("trace.json");
    for old in ["trace.json", "screenshot.png", "report.html", "syncline.log"] {
        let _ = fs::remove_file(out.join(old));
    }
    let trace_arg = trace_path.to_string_lossy();
    let args = ["--crc", "--trace", &trace_arg, "--fence-policy", "trusted", "--trust", "sw_sync"];
    let mut compositor = Compositor::start_on(&card, &args)?;
    let screenshot = scratch.path().join("screenshot.png");
    let client = session(&compositor, options, &screenshot);
    let quit = compositor.msg(&["quit"]).and_then(|_| compositor.wait(Duration::from_secs(20)));
    let _ = fs::write(out.join("syncline.log"), compositor.log());
    for written in [&trace_path, &screenshot] {
        let _ = fs::copy(written, out.join(written.file_name().unwrap_or_default()));
    }
    let status = quit?;
    if !status.success() {
        eprintln!("syncline-demo: syncline ended with {status}; its log is {}", out.join("syncline.log").display());
    }
    if let Err(e) = &client {
        eprintln!("syncline-demo: the client: {e}");
    }
    let trace = Trace::read(&trace_path)?;
    let summary = Summary::of(&trace);
    let client = client.ok();
    let mut verdict = judge(&summary, client.as_ref(), options.frames);
    if !status.success() {
        verdict = Verdict { pass: false, line: format!("verdict: FAIL — syncline ended with {status}") };
    }
    write_report(&out, &card, &trace, &summary, client.as_ref(), &verdict)?;
    print_table(&summary.rows(client.as_ref()));
    Ok(verdict)
}

/// The client's run, with the screenshot in its midst.
fn session(compositor: &Compositor, options: &Options, screenshot: &Path) -> Result<ClientReport> {
    let frames = options.frames.to_string();
    let mut command = compositor.demo_client(&["--frames", &frames])?;
    let given = super::Options::from_args(&["--frames", &frames]);
    command.args(&options.client_args).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(Error::io("start the demo client"))?;
    wait_for_half(compositor, &mut child, options.frames + given.warmup);
    let shot = compositor.msg(&["screenshot", &screenshot.to_string_lossy()])?;
    if !shot.status.success() {
        eprintln!("syncline-demo: no screenshot: {}", String::from_utf8_lossy(&shot.stderr).trim());
    }
    finish(&mut child, expected_duration(&given))
}

/// Waits until half of the frames are shown. At the full rate it asks the compositor only once,
/// because asking takes time away from the frames.
fn wait_for_half(compositor: &Compositor, child: &mut Child, frames: u64) {
    std::thread::sleep(Duration::from_millis(frames * 1000 / 110));
    let shown = || compositor.status().ok().and_then(|s| s["counters"]["frames"].as_u64()).unwrap_or(u64::MAX);
    while shown() < frames / 2 && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Waits for the client and reads its report.
fn finish(child: &mut Child, patience: Duration) -> Result<ClientReport> {
    let mut status = None;
    if !poll_until(patience, || {
        status = child.try_wait().ok().flatten();
        status.is_some()
    }) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(Error::Timeout("the demo client to end".into()));
    }
    let (mut text, mut errors) = (String::new(), String::new());
    if let Some(out) = &mut child.stdout {
        out.read_to_string(&mut text).map_err(Error::io("read the client's report"))?;
    }
    if let Some(err) = &mut child.stderr {
        let _ = err.read_to_string(&mut errors);
    }
    match status {
        Some(status) if status.success() => {
            serde_json::from_str(text.trim()).map_err(Error::other("the client's report"))
        }
        _ => Err(Error::Other(errors.trim().to_owned())),
    }
}

fn write_report(
    out: &Path,
    card: &Path,
    trace: &Trace,
    summary: &Summary,
    client: Option<&ClientReport>,
    verdict: &Verdict,
) -> Result<()> {
    let journeys = excerpt(&journeys(trace), 6);
    let screenshot = fs::read(out.join("screenshot.png")).ok();
    let kernel = rustix::system::uname();
    let size = client.map(|c| format!(", {}×{} at {:.2} Hz", c.width, c.height, 1000.0 / c.refresh_ms.max(1e-3)));
    let page = Page {
        verdict,
        rows: &summary.rows(client),
        journeys: &journeys,
        screenshot: screenshot.as_deref(),
        subtitle: &format!(
            "syncline {} on {}{}, Linux {}",
            env!("CARGO_PKG_VERSION"),
            card.display(),
            size.unwrap_or_default(),
            kernel.release().to_string_lossy()
        ),
    };
    let path = out.join("report.html");
    fs::write(&path, report::page(&page)).map_err(Error::io(format!("write {}", path.display())))
}

fn print_table(rows: &[(&'static str, String)]) {
    let width = rows.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
    for (what, value) in rows {
        println!("{what:<width$}  {value}");
    }
}
