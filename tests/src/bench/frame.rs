//! `frame`: one fullscreen client with explicit fences at the output's full rate.
//!
//! Twice: with fences that have signalled at the commit, and with fences that signal late. Each in
//! two runs, because counting system calls slows the compositor down: one for missed frames, CPU
//! time and memory, with a control around it, and one under strace.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::control::Control;
use super::judge::{ATTEMPTS, PerFrame, attempts};
use super::runs::{TRUSTING, Watched, client, finish, watch};
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
    /// The card; found automatically if it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Do not count system calls.
    #[arg(long)]
    pub no_strace: bool,
    /// Print how often each system call was made.
    #[arg(long)]
    pub verbose: bool,
}

/// When the late fences signal before the vblank, in turn.
pub(super) const LATE_LEADS_MS: &str = "10,6,2";

/// System calls of a frame.
const CALLS: u64 = 30;
/// CPU time of a frame on an idle machine.
const CPU_MS: f64 = 1.0;
const RSS_MIB: f64 = 60.0;

/// What one kind of client cost.
struct Figures {
    control: Control,
    /// Vblanks missed, but not those that the client itself missed by signalling a fence too late.
    missed: u64,
    presented: u64,
    discarded: u64,
    cpu_ms: f64,
    rss_mib: f64,
    watched: Option<Watched>,
}

impl Figures {
    fn missed_allowed(&self, options: &Options) -> u64 {
        self.control.allowed(options.frames)
    }

    fn in_time(&self, options: &Options) -> bool {
        self.missed <= self.missed_allowed(options) && self.presented + self.discarded >= options.frames
    }

    fn cpu_limit(&self) -> f64 {
        CPU_MS * self.control.slowdown()
    }

    fn calls(&self) -> Option<PerFrame> {
        self.watched.as_ref().map(Watched::per_frame)
    }
}

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let kept = |f: &Figures| f.in_time(options) && f.cpu_ms <= f.cpu_limit();
    let measure = |args: &[&str]| -> Result<Figures> {
        let mut figures = attempts(ATTEMPTS, || measure(options, args), kept)?;
        if !options.no_strace {
            figures.watched = Some(trace_calls(&lab::find_card(options.device.as_deref())?, args)?);
        }
        Ok(figures)
    };
    let (ready, late) = (measure(&["--plain"])?, measure(&["--lead-ms", LATE_LEADS_MS])?);
    let all = [&ready, &late];
    let each = |f: &dyn Fn(&Figures) -> String| all.iter().map(|x| f(x)).collect::<Vec<_>>();
    let rows = [
        Row {
            what: "control: late of sleepers, µs a system call",
            others: &["", ""],
            limit: "–".into(),
            figures: each(&|f| format!("{} of {}, {:.1}", f.control.late, f.control.of, f.control.call_ns / 1e3)),
            kept: true,
        },
        Row {
            what: "missed vblanks",
            others: &["", ""],
            limit: "by the control".into(),
            figures: each(&|f| format!("{} of {} (≤ {})", f.missed, f.presented, f.missed_allowed(options))),
            kept: all.iter().all(|f| f.in_time(options)),
        },
        Row {
            what: "system calls a frame",
            others: &["51", "44"],
            limit: format!("≤ {CALLS}"),
            figures: each(&|f| f.calls().map_or("–".into(), |calls| calls.to_string())),
            kept: options.no_strace || all.iter().all(|f| f.calls().is_some_and(|calls| calls.at_most(CALLS))),
        },
        Row {
            what: "CPU ms a frame",
            others: &["", ""],
            limit: "by the control".into(),
            figures: each(&|f| format!("{:.2} (≤ {:.2})", f.cpu_ms, f.cpu_limit())),
            kept: all.iter().all(|f| f.cpu_ms <= f.cpu_limit()),
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
    println!("sway and KWin: measured earlier, with the same kernel and client; not measured here");
    if options.verbose {
        for (name, figures) in [("ready fences", &ready), ("late fences", &late)] {
            if let Some(watched) = &figures.watched {
                print_calls(name, watched);
            }
        }
    }
    Ok(rows.iter().all(|row| row.kept))
}

/// Prints how often each system call was made for a frame.
pub(super) fn print_calls(name: &str, Watched { calls, frames, .. }: &Watched) {
    println!("system calls a frame, {name} ({frames} frames):");
    let mut all: Vec<(&String, &u64)> = calls.by_name.iter().collect();
    all.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    for (name, n) in all {
        println!("  {:6.2}  {name}", *n as f64 / (*frames).max(1) as f64);
    }
}

fn measure(options: &Options, client_args: &[&str]) -> Result<Figures> {
    let (control, figures) = Control::around(options.frames, || without_strace(options, client_args));
    Ok(Figures { control, ..figures? })
}

/// The first run.
fn without_strace(options: &Options, client_args: &[&str]) -> Result<Figures> {
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
    Ok(Figures {
        control: Control::NONE,
        missed: report.missed_vblanks.saturating_sub(report.missed_by_signals),
        presented: report.presented,
        discarded: report.discarded,
        cpu_ms: cpu as f64 / 1e6 / frames.max(1.0),
        rss_mib: rss as f64 / 1024.0,
        watched: None,
    })
}

/// The second run: strace watches for a few seconds.
pub(super) fn trace_calls(card: &Path, client_args: &[&str]) -> Result<Watched> {
    let compositor = Compositor::start_on(card, &TRUSTING)?;
    let child = client(&compositor, 900, client_args)?;
    std::thread::sleep(Duration::from_millis(1500));
    let counted = watch(&compositor, Duration::from_secs(5))?;
    finish(child, Duration::from_secs(90))?;
    compositor.stop()?;
    Ok(counted)
}
