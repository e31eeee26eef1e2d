//! GLES, which runs on the CPU in the lab (llvmpipe), against pixman: animated windows side by
//! side, all of them composited.

use crate::bench::Row;
use crate::bench::runs::watch_while;
use crate::compositor::Compositor;
use crate::error::{Error, Result};

use super::animated::{Animated, Spot};
use super::options::{Options, compositing};
use super::sample::{Sample, in_turn, median, times, up};

/// Windows at once.
const COUNTS: [usize; 3] = [1, 4, 16];
/// How many times the CPU time of pixman a frame may take.
const TIMES: f64 = 3.0;
/// Of how many windows the frame rate is judged, and which part of pixman's is kept.
const RATE: (usize, f64) = (4, 0.98);
const SCREEN: (i32, i32) = (1280, 1024);
/// Width and height of a window.
const SIDE: i32 = 256;

/// A renderer and a number of windows.
#[derive(Debug, Clone, Copy)]
struct Scenario(&'static str, usize);

/// The rows: CPU time and frame rate by the number of windows, and mmap.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let all: Vec<Scenario> =
        COUNTS.iter().flat_map(|count| ["pixman", "gles"].map(|name| Scenario(name, *count))).collect();
    let measured = in_turn(options.in_rounds(), &all, |scenario| measure(options, *scenario))?;
    let names = [
        "1 window of 256 × 256: CPU ms of pixman and GLES",
        "4 windows of 256 × 256: CPU ms of pixman and GLES",
        "16 windows of 256 × 256: CPU ms of pixman and GLES",
    ];
    let mut rows = Vec::new();
    for (pair, what) in measured.chunks_exact(2).zip(names) {
        let (pixman, gles) = (&pair[0], &pair[1]);
        let times = times(gles, pixman, Sample::cpu_ms);
        let cpu = |of: &[Sample]| up(median(of.iter().map(Sample::cpu_ms)));
        rows.push(Row {
            what,
            others: &[],
            limit: format!("≤ {TIMES:.1} × pixman"),
            figures: vec![format!("{}, {}: {} ×", cpu(pixman), cpu(gles), up(times))],
            kept: times <= TIMES,
        });
    }
    let names = ["1 window: fps of both", "4 windows: fps of both", "16 windows: fps of both"];
    for ((pair, what), count) in measured.chunks_exact(2).zip(names).zip(COUNTS) {
        let fps = |of: &[Sample]| median(of.iter().map(Sample::fps));
        let (pixman, gles) = (fps(&pair[0]), fps(&pair[1]));
        let judged = count == RATE.0;
        rows.push(Row {
            what,
            others: &[],
            limit: if judged { format!("≥ {:.1}: {} × pixman", pixman * RATE.1, RATE.1) } else { "–".into() },
            figures: vec![format!("{pixman:.1}, {gles:.1}")],
            kept: !judged || gles >= pixman * RATE.1,
        });
    }
    rows.push(mappings(options)?);
    Ok(rows)
}

fn start(options: &Options, Scenario(renderer, count): Scenario) -> Result<(Compositor, Animated)> {
    let compositor = compositing(&options.card()?, renderer, SCREEN, &[])?;
    let used = compositor.status()?["renderer"].as_str().map(str::to_owned);
    if used.as_deref() != Some(renderer) {
        return Err(Error::Missing(format!("the renderer {renderer}; used is {used:?}")));
    }
    let mut animated = Animated::new(&compositor)?;
    let columns = (SCREEN.0 / SIDE) as usize;
    for window in 0..count {
        let at = ((window % columns) as i32 * SIDE, (window / columns) as i32 * SIDE);
        animated.open(&Spot { screen: SCREEN, at, size: (SIDE as u32, SIDE as u32) })?;
    }
    animated.warm_up()?;
    Ok((compositor, animated))
}

fn measure(options: &Options, scenario: Scenario) -> Result<Sample> {
    let (compositor, mut animated) = start(options, scenario)?;
    let sample = animated.measure(compositor.process(), options.frames)?;
    compositor.stop()?;
    Ok(sample)
}

/// What GLES maps while the windows show their few buffers again and again.
fn mappings(options: &Options) -> Result<Row> {
    let (compositor, mut animated) = start(options, Scenario("gles", RATE.0))?;
    let watched = watch_while(&compositor, || animated.frames(options.frames))?;
    compositor.stop()?;
    let count = watched.calls.by_name.get("mmap").copied().unwrap_or(0);
    if options.verbose {
        crate::bench::frame::print_calls("4 windows, GLES", &watched);
    }
    Ok(Row {
        what: "4 windows, GLES: mmap in all frames",
        others: &[],
        limit: "0".into(),
        figures: vec![format!("{count} in {}", watched.frames)],
        kept: count == 0 && watched.frames >= options.frames / 2,
    })
}
