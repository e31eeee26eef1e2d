//! `frame`: one fullscreen client with explicit fences at the output's full rate.
//!
//! Twice: with fences that have signalled at the commit, and with fences that signal late. Each in two runs, because
//! counting system calls slows the compositor down: one for missed frames, CPU time and memory, one under strace.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::runs::{TRUSTING, client, finish, watch};
use super::strace::Calls;
use super::{Row, table};
use crate::compositor::Compositor;
use crate::error::Result;
use crate::lab;
use crate::time::now;

/// Options of `frame`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Frames to show.
    #[arg(long, default_value_t = 600)]
    pub frames: u64,
    /// The card; found by itself where it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Do not count system calls.
    #[arg(long)]
    pub no_strace: bool,
    /// Print each system call's number.
    #[arg(long)]
    pub verbose: bool,
}

/// When the late fences signal before the vblank, in turn.
const LATE_LEADS_MS: &str = "10,6,2";

/// Limits of a frame.
const CALLS: f64 = 30.0;
const CPU_MS: f64 = 1.0;
const RSS_MIB: f64 = 60.0;

/// What one kind of client cost.
struct Figures {
    missed: u64,
    presented: u64,
    cpu_ms: f64,
    rss_mib: f64,
    calls: Option<(Calls, u64)>,
}

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let ready = measure(options, &["--plain"])?;
    let late = measure(options, &["--lead-ms", LATE_LEADS_MS])?;
    let all = [&ready, &late];
    let each = |f: &dyn Fn(&Figures) -> String| all.iter().map(|x| f(x)).collect::<Vec<_>>();
    let calls = |f: &Figures| f.calls.as_ref().map(|(calls, frames)| calls.total as f64 / (*frames).max(1) as f64);
    let rows = [
        Row {
            what: "missed vblanks",
            others: &["", ""],
            limit: "0".into(),
            figures: each(&|f| format!("{} of {}", f.missed, f.presented)),
            kept: all.iter().all(|f| f.missed == 0 && f.presented >= options.frames),
        },
        Row {
            what: "system calls a frame",
            others: &["51", "44"],
            limit: format!("≤ {CALLS:.0}"),
            figures: each(&|f| calls(f).map_or("–".into(), |n| format!("{n:.1}"))),
            kept: options.no_strace || all.iter().all(|f| calls(f).is_some_and(|n| n <= CALLS)),
        },
        Row {
            what: "CPU ms a frame",
            others: &["", ""],
            limit: format!("≤ {CPU_MS:.1}"),
            figures: each(&|f| format!("{:.2}", f.cpu_ms)),
            kept: all.iter().all(|f| f.cpu_ms <= CPU_MS),
        },
        Row {
            what: "resident MiB",
            others: &["103", "204"],
            limit: format!("< {RSS_MIB:.0}"),
            figures: each(&|f| format!("{:.1}", f.rss_mib)),
            kept: all.iter().all(|f| f.rss_mib < RSS_MIB),
        },
    ];
    let heads = ["one fullscreen client", "sway 1.12", "KWin 6.7", "limit", "ready fences", "late fences", ""];
    print!("{}", table(&heads, &rows));
    println!("sway and KWin: measured earlier on the same kernel and client, given here as reference");
    if options.verbose {
        for (name, figures) in [("ready", &ready), ("late", &late)] {
            print_calls(name, figures);
        }
    }
    Ok(rows.iter().all(|row| row.kept))
}

fn print_calls(name: &str, figures: &Figures) {
    let Some((calls, frames)) = &figures.calls else { return };
    println!("system calls a frame, {name} fences ({frames} frames):");
    let mut all: Vec<(&String, &u64)> = calls.by_name.iter().collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    for (name, n) in all {
        println!("  {:6.2}  {name}", *n as f64 / (*frames).max(1) as f64);
    }
}

fn measure(options: &Options, client_args: &[&str]) -> Result<Figures> {
    let card = lab::find_card(options.device.as_deref())?;
    let compositor = Compositor::start_on(&card, &TRUSTING)?;
    let process = compositor.process();
    let child = client(&compositor, options.frames, client_args)?;
    // Past the warm-up and well before the end, so that only frames are counted.
    let span = Duration::from_millis(options.frames * 1000 / 60);
    std::thread::sleep(Duration::from_millis(1200));
    let (cpu, time) = (process.cpu_ns()?, now());
    std::thread::sleep(span.mul_f64(0.75));
    let (cpu, time) = (process.cpu_ns()? - cpu, now() - time);
    let rss = process.rss_kib()?;
    let report = finish(child, span * 3 + Duration::from_secs(20))?;
    compositor.stop()?;
    let frames = time as f64 / 1e9 * report.fps;
    let calls = if options.no_strace { None } else { Some(trace_calls(options, client_args)?) };
    Ok(Figures {
        missed: report.missed_vblanks,
        presented: report.presented,
        cpu_ms: cpu as f64 / 1e6 / frames.max(1.0),
        rss_mib: rss as f64 / 1024.0,
        calls,
    })
}

/// The second run: strace watches for a few seconds.
fn trace_calls(options: &Options, client_args: &[&str]) -> Result<(Calls, u64)> {
    let card = lab::find_card(options.device.as_deref())?;
    let compositor = Compositor::start_on(&card, &TRUSTING)?;
    let child = client(&compositor, 900, client_args)?;
    std::thread::sleep(Duration::from_millis(1500));
    let counted = watch(&compositor, Duration::from_secs(5))?;
    finish(child, Duration::from_secs(90))?;
    compositor.stop()?;
    Ok(counted)
}
