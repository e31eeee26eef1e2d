//! One small animated window beside many surfaces that do not change: sub-surfaces of other
//! windows, or windows of their own. All of them are on the screen, none of them covers the
//! animated window.

use crate::bench::Row;
use crate::bench::runs::watch_while;
use crate::client::buffer::Buffer;
use crate::client::shm::{Memory, Place, Pool, memory};
use crate::client::window::{Commit, Toplevel, Wish};
use crate::client::{Client, State};
use crate::compositor::Compositor;
use crate::error::{Error, Result};

use super::animated::{Animated, SCREEN, SMALL, STALL, Spot, corner};
use super::options::{Options, compositing};
use super::sample::{Sample, in_turn, median, times, up};

/// Width and height of a static surface, and from one to the next.
const SIDE: i32 = 4;
const STEP: i32 = 8;
/// A byte of its pixels.
const SHADE: u8 = 0xc0;
/// Sub-surfaces of one window: with the window less than the 1024 that a tree may have.
const OF_A_WINDOW: usize = 1000;
/// Bytes of memory for a static sub-surface.
const BYTES: f64 = 4096.0;

/// What surrounds the animated window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    SubSurfaces(usize),
    Windows(usize),
}

/// A scenario: its name, and how many times the CPU time of the window alone a frame may take.
struct Scenario {
    beside: Beside,
    what: &'static str,
    times: f64,
}

const SUB_SURFACES: [Scenario; 3] = [
    Scenario { beside: Beside::SubSurfaces(100), what: "beside 100 static sub-surfaces: CPU ms, fps", times: 1.2 },
    Scenario { beside: Beside::SubSurfaces(1000), what: "beside 1 000 static sub-surfaces: CPU ms, fps", times: 1.2 },
    Scenario {
        beside: Beside::SubSurfaces(10_000),
        what: "beside 10 000 static sub-surfaces: CPU ms, fps",
        times: 2.0,
    },
];
const WINDOWS: Scenario =
    Scenario { beside: Beside::Windows(200), what: "beside 200 static windows: CPU ms, fps", times: 1.3 };

#[derive(Debug)]
struct Measured {
    sample: Sample,
    /// Resident memory that came with the static surfaces.
    grown_kib: u64,
}

/// The rows: the window alone and beside sub-surfaces, their memory and system calls.
pub fn sub_surfaces(options: &Options) -> Result<Vec<Row>> {
    let measured = beside(options, &SUB_SURFACES)?;
    let mut rows = cpu_rows(&SUB_SURFACES, &measured);
    for (scenario, of) in SUB_SURFACES.iter().zip(&measured[1..]) {
        let what = match scenario.beside {
            Beside::SubSurfaces(1000) => "resident bytes a static sub-surface, of 1 000",
            Beside::SubSurfaces(10_000) => "resident bytes a static sub-surface, of 10 000",
            _ => continue,
        };
        // What a client without any costs is not theirs.
        let grown = of.iter().zip(&measured[0]).map(|(of, alone)| of.grown_kib.saturating_sub(alone.grown_kib));
        let bytes = median(grown.map(|kib| kib as f64 * 1024.0)) / scenario.beside.count() as f64;
        rows.push(Row {
            what,
            others: &[],
            limit: format!("≤ {BYTES:.0}"),
            figures: vec![format!("{:.0}", bytes.ceil())],
            kept: bytes <= BYTES,
        });
    }
    rows.push(calls(options)?);
    Ok(rows)
}

/// The rows: the window alone and beside windows.
pub fn windows(options: &Options) -> Result<Vec<Row>> {
    let measured = beside(options, &[WINDOWS])?;
    Ok(cpu_rows(&[WINDOWS], &measured))
}

/// The measurements of the window alone, and those of each scenario.
fn beside(options: &Options, scenarios: &[Scenario]) -> Result<Vec<Vec<Measured>>> {
    let all = scenarios.iter().map(|scenario| scenario.beside);
    let all: Vec<Beside> = std::iter::once(Beside::Nothing).chain(all).collect();
    in_turn(options.in_rounds(), &all, |beside| measure(options, *beside))
}

fn cpu_rows(scenarios: &[Scenario], measured: &[Vec<Measured>]) -> Vec<Row> {
    let (alone, crowded) = (&measured[0], &measured[1..]);
    let figures =
        |of: &[Measured]| (median(of.iter().map(|m| m.sample.cpu_ms())), median(of.iter().map(|m| m.sample.fps())));
    let (cpu, fps) = figures(alone);
    let control = Row {
        what: "control: one small window alone: CPU ms a frame, fps",
        others: &[],
        limit: "–".into(),
        figures: vec![format!("{}, {fps:.1}", up(cpu))],
        kept: true,
    };
    let of = |(scenario, of): (&Scenario, &Vec<Measured>)| {
        let (cpu, fps) = figures(of);
        let times = times(of, alone, |m| m.sample.cpu_ms());
        Row {
            what: scenario.what,
            others: &[],
            limit: format!("≤ {:.1} × alone", scenario.times),
            figures: vec![format!("{}: {} ×, {fps:.1}", up(cpu), up(times))],
            kept: times <= scenario.times,
        }
    };
    std::iter::once(control).chain(scenarios.iter().zip(crowded).map(of)).collect()
}

fn measure(options: &Options, beside: Beside) -> Result<Measured> {
    let compositor = compositing(&options.card()?, "pixman", SCREEN, &[])?;
    let process = compositor.process();
    let mut animated = Animated::new(&compositor)?;
    animated.open(&SMALL)?;
    animated.warm_up()?;
    let before = process.rss_kib()?;
    let crowd = Crowd::show(&compositor, beside)?;
    animated.frames(2)?;
    let sample = animated.measure(process, options.frames)?;
    let grown_kib = process.rss_kib()?.saturating_sub(before);
    crowd.is_seen(&compositor)?;
    compositor.stop()?;
    Ok(Measured { sample, grown_kib })
}

/// System calls a frame, of the window alone and beside many sub-surfaces.
fn calls(options: &Options) -> Result<Row> {
    let of = |beside: Beside| {
        let compositor = compositing(&options.card()?, "pixman", SCREEN, &[])?;
        let mut animated = Animated::new(&compositor)?;
        animated.open(&SMALL)?;
        animated.warm_up()?;
        let _crowd = Crowd::show(&compositor, beside)?;
        let watched = watch_while(&compositor, || animated.frames(options.frames))?;
        compositor.stop()?;
        Ok::<_, Error>(watched.per_frame())
    };
    let (alone, crowded) = (of(Beside::Nothing)?, of(Beside::SubSurfaces(1000))?);
    Ok(Row {
        what: "system calls a frame, alone and beside 1 000 sub-surfaces",
        others: &[],
        limit: "–".into(),
        figures: vec![format!("{alone}, {crowded}")],
        kept: true,
    })
}

impl Beside {
    fn count(self) -> usize {
        match self {
            Beside::Nothing => 0,
            Beside::SubSurfaces(count) | Beside::Windows(count) => count,
        }
    }
}

/// Static surfaces, as long as it lives.
struct Crowd {
    client: Client,
    pool: Pool,
    corner: Buffer,
    places: Vec<(i32, i32)>,
    count: usize,
    /// The frame callback of the newest window.
    newest: Option<u64>,
}

impl Crowd {
    fn show(compositor: &Compositor, beside: Beside) -> Result<Crowd> {
        let count = beside.count();
        let mut client = compositor.client()?;
        // The windows that have the sub-surfaces show a picture, too.
        let pictures = count + count.div_ceil(OF_A_WINDOW).max(1);
        let len = pictures * (SIDE * SIDE * 4) as usize;
        let pool = client.pool(memory(Memory::Sealable, len)?, len as i32)?;
        pool.fill(0, len, SHADE)?;
        let corner = corner(&mut client)?;
        let mut crowd = Crowd { client, pool, corner, places: places(), count, newest: None };
        match beside {
            Beside::Nothing => {}
            Beside::SubSurfaces(count) => {
                for from in (0..count).step_by(OF_A_WINDOW) {
                    crowd.window(count + from / OF_A_WINDOW, from..(from + OF_A_WINDOW).min(count))?;
                }
            }
            Beside::Windows(count) => (0..count).try_for_each(|at| crowd.window(at, 0..0))?,
        }
        let newest = crowd.newest;
        let shown = |s: &State| newest.is_none_or(|token| s.callbacks.contains_key(&token));
        crowd.client.wait_for("static windows to be shown", STALL, shown)?;
        Ok(crowd)
    }

    /// Commits a window at a place, with sub-surfaces at others.
    fn window(&mut self, place: usize, children: std::ops::Range<usize>) -> Result<()> {
        let mut window = self.client.toplevel(&Wish { app_id: "static", fullscreen: false })?;
        let origin = self.places[place];
        let spot = Spot { screen: SCREEN, at: origin, size: (SIDE as u32, SIDE as u32) };
        spot.place(&self.client, &window, &self.corner)?;
        for child in children {
            self.child(&window, child, origin)?;
        }
        let buffer = self.picture(place)?;
        let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
        self.newest = window.commit(&mut self.client, &commit)?.frame;
        Ok(())
    }

    fn child(&mut self, window: &Toplevel, place: usize, origin: (i32, i32)) -> Result<()> {
        let qh = self.client.qh();
        let surface = self.client.state.bound.compositor()?.create_surface(&qh, ());
        let sub = self.client.state.bound.subcompositor()?.get_subsurface(&surface, &window.surface, &qh, ());
        let (x, y) = self.places[place];
        sub.set_position(x - origin.0, y - origin.1);
        let buffer = self.picture(place)?;
        surface.attach(Some(&buffer.wl), 0, 0);
        surface.damage_buffer(0, 0, SIDE, SIDE);
        surface.commit();
        Ok(())
    }

    fn picture(&mut self, place: usize) -> Result<Buffer> {
        let offset = place as i32 * SIDE * SIDE * 4;
        self.pool.buffer(&mut self.client, Place::packed(offset, SIDE, SIDE))
    }

    /// An error unless the screen shows all of them.
    fn is_seen(&self, compositor: &Compositor) -> Result<()> {
        let picture = compositor.screenshot()?;
        let lit = |place: &&(i32, i32)| picture.at(place.0 as usize, place.1 as usize) == [SHADE; 3];
        let seen = self.places.iter().take(self.count).filter(lit).count();
        if seen == self.count {
            return Ok(());
        }
        Err(Error::Other(format!("the screen shows {seen} of {} static surfaces", self.count)))
    }
}

/// Places for static surfaces, all over the screen but where the animated window is.
fn places() -> Vec<(i32, i32)> {
    let (left, top) = SMALL.at;
    let (right, bottom) = (left + SMALL.size.0 as i32, top + SMALL.size.1 as i32);
    let across = (0..SCREEN.1).step_by(STEP as usize).flat_map(|y| {
        let line = (0..SCREEN.0).step_by(STEP as usize);
        line.map(move |x| (x, y))
    });
    across.filter(|(x, y)| *x + SIDE <= left || *x >= right || *y + SIDE <= top || *y >= bottom).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_place_for_every_static_surface_and_its_windows() {
        let places = places();
        let most = SUB_SURFACES.iter().map(|s| s.beside.count() + s.beside.count().div_ceil(OF_A_WINDOW)).max();
        assert!(places.len() >= most.unwrap());
        assert!(places.iter().all(|(x, y)| *x + SIDE <= SCREEN.0 && *y + SIDE <= SCREEN.1));
    }
}
