//! `capture`: what it costs the compositor that somebody captures each frame of a display, by copy into shared
//! memory or by writeback into a dma-buf, beside the frames themselves, and whether a client's frames come late
//! for it.
//!
//! The client and the camera are in this process, so their own work is not counted. Each measurement has a
//! compositor of its own; control and scenario are measured in turn ([`super::scale`]).

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use camera::{Camera, Subject};
use clap::Args;

use super::judge::{ATTEMPTS, attempts};
use super::runs::counter;
use super::scale::animated::{Animated, SCREEN, Spot};
use super::scale::compositing;
use super::scale::sample::{Rounds, Sample, in_turn, median, up};
use super::{Row, table};
use crate::client::buffer::{Source, allocate};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::lab;

/// What a frame that is captured by copy may cost, in composited frames.
const TIMES: f64 = 1.0;
/// CPU time of a frame that is captured by writeback, ms.
const WRITTEN_MS: f64 = 0.3;
/// Which part of its frame rate the client keeps.
const RATE: f64 = 0.98;
/// The client's window: all of the display, so that all of it changes.
const WINDOW: Spot = Spot { screen: SCREEN, at: (0, 0), size: (SCREEN.0 as u32, SCREEN.1 as u32) };

/// Options of `capture`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How often both are measured, in turn; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Frames of one measurement, at 60 Hz.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..))]
    pub frames: u64,
    /// The card; found automatically if it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Print each round.
    #[arg(long)]
    pub verbose: bool,
}

/// How frames are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Not at all.
    Alone,
    /// Into shared memory.
    Copied,
    /// The display puts them into a dma-buf.
    Written,
}

/// One measurement.
#[derive(Debug)]
struct Measured {
    sample: Sample,
    /// Vblanks that the compositor has missed.
    missed: u64,
    /// Pictures for each frame of the client.
    captured: f64,
    /// Those that the display has written, for each frame of the client.
    written: f64,
}

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let rows = attempts(ATTEMPTS, || rows(options), |rows| rows.iter().all(|row| row.kept))?;
    print!("{}", table(&["capture, real time", "limit", "Syncline", ""], &rows));
    Ok(rows.iter().all(|row| row.kept))
}

fn rows(options: &Options) -> Result<Vec<Row>> {
    let rounds = Rounds { count: options.rounds, verbose: options.verbose };
    let measured = in_turn(rounds, &[Way::Alone, Way::Copied, Way::Written], |way| measure(options, *way))?;
    let [alone, copied, written] = &measured[..] else { return Err(Error::Missing("a scenario".into())) };
    let middle = |of: &[Measured], figure: fn(&Measured) -> f64| median(of.iter().map(figure));
    let cpu = |of: &Measured| of.sample.cpu_ms();
    let further = median(alone.iter().zip(copied).map(|(alone, copied)| (cpu(copied) - cpu(alone)) / cpu(alone)));
    let more = median(alone.iter().zip(written).map(|(alone, written)| cpu(written) - cpu(alone)));
    let fps_alone = middle(alone, |of| of.sample.fps());
    let missed_alone = middle(alone, |of| of.missed as f64);
    let row = |what, limit: String, figure: String, kept| Row { what, others: &[], limit, figures: vec![figure], kept };
    let mut rows = vec![
        row(
            "a captured frame by copy, in composited ones",
            format!("{TIMES:.1} ×"),
            format!("{} × of {} ms", up(further), up(middle(alone, |of| of.sample.cpu_ms()))),
            further <= TIMES,
        ),
        row(
            "a captured frame by writeback",
            format!("{WRITTEN_MS} ms"),
            format!("{} ms", up(more.max(0.0))),
            more <= WRITTEN_MS && middle(written, |of| of.written) >= RATE,
        ),
    ];
    let what = [
        ("copy: pictures for each frame", "copy: frame rate of the client", "copy: vblanks missed"),
        ("writeback: pictures for each frame", "writeback: frame rate of the client", "writeback: vblanks missed"),
    ];
    for ((pictures, rate, late), of) in what.into_iter().zip([copied, written]) {
        let (captured, fps) = (middle(of, |of| of.captured), middle(of, |of| of.sample.fps()));
        let missed = middle(of, |of| of.missed as f64);
        rows.extend([
            row(pictures, format!("≥ {RATE}"), format!("{captured:.2}"), captured >= RATE),
            row(rate, format!("≥ {RATE} ×"), format!("{fps:.1}; alone {fps_alone:.1} fps"), fps >= RATE * fps_alone),
            row(late, "as alone".to_owned(), format!("{missed}; alone {missed_alone}"), missed <= missed_alone),
        ]);
    }
    Ok(rows)
}

fn measure(options: &Options, way: Way) -> Result<Measured> {
    let card = lab::find_card(options.device.as_deref())?;
    let compositor = compositing(&card, "pixman", SCREEN, &[])?;
    let mut animated = Animated::new(&compositor)?;
    animated.open(&WINDOW)?;
    let (stop, taken) = (AtomicBool::new(false), AtomicU64::new(0));
    let (sample, missed, taken, written) = std::thread::scope(|scope| {
        let camera = (way != Way::Alone).then(|| {
            let (socket, of) = (compositor.socket_path(), Subject::Output(output(&compositor)?));
            let camera = match way {
                Way::Written => Camera::open_into(&socket, &of, false, &memory),
                Way::Alone | Way::Copied => Camera::open(&socket, &of, false),
            };
            let camera = camera.map_err(Error::other("open a camera"))?;
            Ok(scope.spawn(|| film(camera, &stop, &taken)))
        });
        let camera = camera.transpose()?;
        let measured = (|| {
            animated.warm_up()?;
            let (missed, before) = (counter(&compositor, "missed")?, taken.load(Ordering::Relaxed));
            let written = counter(&compositor, "written_pictures")?;
            let sample = animated.measure(compositor.process(), options.frames)?;
            let taken = taken.load(Ordering::Relaxed) - before;
            let written = counter(&compositor, "written_pictures")? - written;
            Ok((sample, counter(&compositor, "missed")? - missed, taken, written))
        })();
        stop.store(true, Ordering::Relaxed);
        if let Some(camera) = camera {
            camera.join().map_err(|_| Error::Other("the camera's thread has panicked".into()))??;
        }
        measured
    })?;
    compositor.stop()?;
    let frames = sample.shown.iter().sum::<u64>().max(1) as f64;
    let (captured, written) = (taken as f64 / frames, written as f64 / frames);
    Ok(Measured { sample, missed, captured, written })
}

/// A dma-buf for a picture.
fn memory(width: u32, height: u32) -> std::result::Result<OwnedFd, camera::Error> {
    let len = (width as usize * height as usize * 4).next_multiple_of(4096);
    allocate(Source::Auto, len).map_err(|error| camera::Error::Refused(error.to_string()))
}

/// Takes one picture after the other, and counts them.
fn film(mut camera: Camera, stop: &AtomicBool, taken: &AtomicU64) -> Result<()> {
    const TURN: Duration = Duration::from_millis(100);
    let error = Error::other("capture a frame");
    let mut film = || -> std::result::Result<(), camera::Error> {
        camera.ask()?;
        while !stop.load(Ordering::Relaxed) {
            if camera.picture(Some(Instant::now() + TURN), stop)?.is_some() {
                taken.fetch_add(1, Ordering::Relaxed);
                camera.ask()?;
            }
        }
        Ok(())
    };
    film().map_err(error)
}

/// The connector of the first display.
fn output(compositor: &Compositor) -> Result<String> {
    let status = compositor.status()?;
    let name = status["outputs"][0]["name"].as_str();
    name.map(str::to_owned).ok_or_else(|| Error::Missing("a display".into()))
}
