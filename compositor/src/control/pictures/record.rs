//! `syncline msg record`: one picture after the other into a file or a pipe.
//!
//! The next picture is asked for before the last one is written, so the session can draw it meanwhile. Who
//! writes slowly gets fewer pictures, each with its right time. The end, whatever its reason, leaves a valid
//! file.

use std::{
    fs::File,
    io::{BufWriter, ErrorKind, IsTerminal, Write, stdout},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use camera::{Camera, Film, Shown, View};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use crate::{
    control::{args::RecordArgs, connection::Connection, pictures::Shot},
    system::error::{Context, Error},
};

/// Records. Errors: nothing can be captured or written, or what was captured is gone; then the file has all up to that.
pub fn record(socket: &str, args: &RecordArgs) -> Result<(), Error> {
    let stop = stopped_by_signals()?;
    let shot = Shot::of(&args.of, &mut Connection::connect(socket)?)?;
    let mut camera = shot.camera(socket, args.pointer)?;
    let (begun, until) = (now(), args.seconds.map(|seconds| Instant::now() + seconds));
    let failed = |error: &camera::Error| shot.error(error);
    camera.ask().map_err(|error| failed(&error))?;
    let Some(first) = camera.picture(until, &stop).map_err(|error| failed(&error))? else { return Ok(()) };
    let view = shot.view(camera.size(), first.transform)?;
    let name = args.file.display().to_string();
    let to = BufWriter::with_capacity(1 << 20, open(args)?);
    let usual = (1e9 / shot.refresh_hz.max(1.0)) as u64;
    // The first picture may have been there for long.
    let start = first.time.max(begun);
    let mut reel = Reel { start, last: None, pictures: 0, view, film: None };
    reel.film = Film::new(to, view, usual).map(Some).or_else(closed).context(&name)?;
    let end = reel.wind(&mut camera, first, until, &stop).context(&name)?;
    eprintln!("syncline: {} pictures, {:.3} s", reel.pictures, reel.last.unwrap_or_default() as f64 / 1e9);
    end.map_or(Ok(()), |error| Err(Error::setup("the recording has ended", failed(&error))))
}

/// What is being written.
struct Reel<W: Write> {
    /// When the recording begins.
    start: u64,
    /// That of the last one, from there.
    last: Option<u64>,
    pictures: u64,
    view: View,
    /// `None`: nobody reads it any more.
    film: Option<Film<W>>,
}

impl<W: Write> Reel<W> {
    /// Writes pictures until the end. Returns why it came early, if it did.
    fn wind(
        &mut self,
        camera: &mut Camera,
        first: Shown,
        until: Option<Instant>,
        stop: &AtomicBool,
    ) -> std::io::Result<Option<camera::Error>> {
        let (transform, width) = (first.transform, camera.size().0);
        let mut shown = first;
        let why = loop {
            if let Err(error) = camera.ask() {
                break Some(error);
            }
            let changes = self.last.is_none() || shown.damage.iter().any(|part| self.view.shows(*part, width));
            if changes {
                self.add(shown.time, camera)?;
            }
            if self.film.is_none() || stop.load(Ordering::Relaxed) {
                break None;
            }
            match camera.picture(until, stop) {
                Ok(Some(next)) if next.transform != transform => break Some(camera::Error::Resized),
                Ok(Some(next)) => shown = next,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        // The last picture is shown until now.
        self.add(now(), camera)?;
        Ok(why)
    }

    /// Writes the camera's picture, which is shown from `time` on.
    fn add(&mut self, time: u64, camera: &Camera) -> std::io::Result<()> {
        const LEAST: u64 = 1_000;
        let time = time.saturating_sub(self.start).max(self.last.map_or(0, |last| last + LEAST));
        let Some(film) = &mut self.film else { return Ok(()) };
        match film.add(time, camera.pixels()) {
            Ok(()) => (self.last, self.pictures) = (Some(time), self.pictures + 1),
            Err(error) => self.film = closed(error)?,
        }
        Ok(())
    }
}

/// Nanoseconds of the clock of flips.
fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(now.tv_nsec as u64)
}

/// A reader that has all it wants is an end, and no error.
fn closed<T>(error: std::io::Error) -> std::io::Result<Option<T>> {
    if error.kind() == ErrorKind::BrokenPipe { Ok(None) } else { Err(error) }
}

fn open(args: &RecordArgs) -> Result<Box<dyn Write>, Error> {
    if args.file.as_os_str() != "-" {
        let name = args.file.display().to_string();
        return Ok(Box::new(File::create(&args.file).context(name)?));
    }
    if stdout().is_terminal() {
        return Err(Error::setup("standard output", "is a terminal; write into a pipe or a file"));
    }
    Ok(Box::new(stdout().lock()))
}

/// Is set by Ctrl-C and the like; the second one ends the process at once.
fn stopped_by_signals() -> Result<Arc<AtomicBool>, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, 1, stop.clone()).context("signals")?;
        flag::register(signal, stop.clone()).context("signals")?;
    }
    Ok(stop)
}
