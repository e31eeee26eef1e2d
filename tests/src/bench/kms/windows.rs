//! Many animated windows: each at the output's rate, and no vblank missed.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::control::Control;
use crate::bench::judge::{attempts, rate};
use crate::bench::runs::{client, counter, finish};
use crate::error::Result;

/// How many windows at once.
const COUNTS: [usize; 3] = [1, 4, 16];
/// Frames a second of the slowest client, on an output of 60 Hz.
const SLOWEST_FPS: f64 = 59.0;

/// What one run showed.
struct Shown {
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
    let limits = |control: &Control| {
        let missed = control.allowed(options.frames);
        let quiet = Control { late: 0, ..*control }.allowed(options.frames);
        (missed, rate(SLOWEST_FPS, options.frames, missed - quiet))
    };
    let kept = |(control, shown): &(Control, Shown)| {
        let (missed, slowest) = limits(control);
        shown.missed <= missed && shown.slowest > slowest
    };
    let measured = attempts(options.attempts(), || options.controlled(options.frames, || show(options, count)), kept)?;
    let (control, shown) = &measured;
    let (missed, slowest) = limits(control);
    let control = if options.virtual_time { String::new() } else { format!(" (control: {})", control.late) };
    Ok(Row {
        what,
        others: &["", ""],
        limit: format!("≤ {missed}, > {slowest:.1}"),
        figures: vec![format!("{}, {:.1}{control}", shown.missed, shown.slowest)],
        kept: kept(&measured),
    })
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
    let missed = counter(&compositor, "missed")?;
    let span = Duration::from_millis(options.frames * 1000 / 60);
    std::thread::sleep(span.saturating_sub(Duration::from_secs(3)));
    let missed = counter(&compositor, "missed")? - missed;
    let mut slowest = f64::INFINITY;
    for client in clients {
        slowest = slowest.min(finish(client, span * 3 + Duration::from_secs(20))?.fps);
    }
    compositor.stop()?;
    Ok(Shown { missed, slowest })
}
