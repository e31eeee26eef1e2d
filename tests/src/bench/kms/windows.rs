//! Many animated windows: each at the output's rate, and no vblank missed.
//!
//! Sixteen of them take a good part of the lab's one CPU, clients included. In real time, on a machine that is so
//! much slower than the idle one of the limits that none of it is left, nobody could show more: what is lost
//! in the proportion of the control's system calls is allowed for then, and the row says so.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::control::Control;
use crate::bench::judge::{attempts, rate};
use crate::bench::runs::{client, counter, finish};
use crate::error::Result;
use crate::proc::machine_ticks;

/// How many windows at once.
const COUNTS: [usize; 3] = [1, 4, 16];
/// Frames a second of the slowest client, on an output of 60 Hz.
const SLOWEST_FPS: f64 = 59.0;

/// A CPU that worked for more of the time had none left.
const FULL: f64 = 0.95;

/// What one run showed.
struct Shown {
    /// The part of the time that the machine's CPU worked.
    busy: f64,
    /// Vblanks that the output missed.
    missed: u64,
    /// Frames a second of the slowest client.
    slowest: f64,
}

/// A row for each number of windows.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let names =
        ["1 animated window: missed, fps", "4 animated windows: missed, fps", "16 animated windows: missed, fps"];
    COUNTS.iter().zip(names).map(|(count, what)| row(options, *count, what)).collect()
}

fn row(options: &Options, count: usize, what: &'static str) -> Result<Row> {
    // Misses that the control allows for, and the rate of a client that misses as many beyond those
    // of a quiet machine.
    let kept = |(control, shown): &(Control, Shown)| {
        let (missed, slowest) = limits(options, control, shown.busy);
        shown.missed <= missed && shown.slowest > slowest
    };
    let measured = attempts(options.attempts(), || options.controlled(options.frames, || show(options, count)), kept)?;
    let (control, shown) = &measured;
    let (missed, slowest) = limits(options, control, shown.busy);
    let full = if shown.busy > FULL { format!(", CPU full, {:.2} ×", control.slowdown()) } else { String::new() };
    let control = if options.virtual_time { String::new() } else { format!(" (control: {}{full})", control.late) };
    Ok(Row {
        what,
        others: &["", ""],
        limit: format!("≤ {missed}, > {slowest:.1}"),
        figures: vec![format!("{}, {:.1}{control}", shown.missed, shown.slowest)],
        kept: kept(&measured),
    })
}

/// The most vblanks that may be missed, and the lowest rate: by the control's late sleepers, and by its slower
/// calls where the CPU was full.
fn limits(options: &Options, control: &Control, busy: f64) -> (u64, f64) {
    let frames = options.frames;
    let missed = control.allowed(frames);
    let quiet = Control { late: 0, ..*control }.allowed(frames);
    let slowest = rate(SLOWEST_FPS, frames, missed - quiet);
    let slower = if busy > FULL && !options.virtual_time { control.slowdown() } else { 1.0 };
    let lost = (frames as f64 * (1.0 - 1.0 / slower)).floor() as u64;
    (missed + lost, slowest / slower)
}

fn show(options: &Options, count: usize) -> Result<Shown> {
    let compositor = options.compositor(&["--mode", "1024x768"])?;
    let clients = (0..count).map(|i| {
        let hue = (i * 16 % 256).to_string();
        client(&compositor, options.frames, &["--plain", "--windowed", "160x120", "--hue", &hue])
    });
    let clients = clients.collect::<Result<Vec<_>>>()?;
    // Starting up is over, and the end is not there yet.
    std::thread::sleep(Duration::from_secs(2));
    let (missed, (worked, time)) = (counter(&compositor, "missed")?, machine_ticks()?);
    let span = Duration::from_millis(options.frames * 1000 / 60);
    std::thread::sleep(span.saturating_sub(Duration::from_secs(3)));
    let missed = counter(&compositor, "missed")? - missed;
    let now = machine_ticks()?;
    let busy = now.0.saturating_sub(worked) as f64 / now.1.saturating_sub(time).max(1) as f64;
    let mut slowest = f64::INFINITY;
    for client in clients {
        slowest = slowest.min(finish(client, span * 3 + Duration::from_secs(20))?.fps);
    }
    compositor.stop()?;
    Ok(Shown { busy, missed, slowest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_slow_machine_without_time_to_spare_may_show_less() {
        let options = Options { virtual_time: false, frames: 600, device: None };
        let control = Control { late: 0, of: 600, median_ms: 0.1, call_ns: 10_000.0 };
        let (missed, slowest) = limits(&options, &control, 0.5);
        assert!(missed < 10 && slowest == SLOWEST_FPS);
        assert_eq!(limits(&options, &control, 1.0), (missed + 300, SLOWEST_FPS / 2.0));
        let quick = Control { call_ns: 4_000.0, ..control };
        assert_eq!(limits(&options, &quick, 1.0), (missed, SLOWEST_FPS), "the machine is not slow");
        let exact = Options { virtual_time: true, ..options };
        assert_eq!(limits(&exact, &Control::NONE, 1.0), (0, SLOWEST_FPS));
    }
}
