//! How long the layout takes to place many windows: all of those of an output, whose working area has
//! changed, as when a bar comes.
//!
//! Prints one line a figure: name, value, limit, verdict; the exit status is 1 if a limit is missed. A
//! figure is the fastest of many rounds by the thread's CPU time: other programs make it slower, and
//! never faster. The limits are those of an idle machine.

use std::process::ExitCode;

use rustix::time::{ClockId, clock_gettime};
use syncline::layout::{
    Layout,
    geometry::{Rect, Size},
    options::{Mode, Options},
    window::NewWindow,
    workspace::OutputName,
};

const WINDOWS: usize = 200;
const ROUNDS: usize = 500;
const LIMIT_US: f64 = 50.0;

fn main() -> ExitCode {
    let modes = [("200 windows in 3 columns", Mode::Tiling), ("200 floating windows", Mode::Floating)];
    let kept = modes.map(|(name, mode)| {
        let fastest = fastest_us(mode);
        let verdict = if fastest <= LIMIT_US { "ok" } else { "MISSED" };
        println!("{name:<44} {fastest:>8.1} µs    limit ≤ {LIMIT_US:.0} {verdict}");
        fastest <= LIMIT_US
    });
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The fastest of all rounds, each of which moves every window.
fn fastest_us(mode: Mode) -> f64 {
    let mut layout = Layout::new(Options { mode, gap: 8, outer_gap: 8, ..Options::default() });
    let (output, area) = (OutputName::from("DP-1"), Rect { x: 0, y: 0, w: 3840, h: 2160 });
    layout.set_output(&output, area, area);
    for _ in 0..WINDOWS {
        let window = layout.add(NewWindow::default());
        layout.map(window, Size { w: 640, h: 480 }, true);
    }
    layout.arrange();
    let mut fastest = f64::INFINITY;
    for round in 0..ROUNDS {
        let bar = 24 + round as i32 % 2;
        layout.set_output(&output, area, Rect { y: bar, h: area.h - bar, ..area });
        let begun = cpu_ns();
        layout.arrange();
        fastest = fastest.min((cpu_ns() - begun) as f64 / 1e3);
    }
    fastest
}

fn cpu_ns() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
