//! Windows that commit a frame whenever the compositor asks for one, and what the compositor spends
//! meanwhile.
//!
//! Their buffers are dma-bufs that are written once: drawing is not measured. All windows belong to
//! one client, which counts the frames itself: asking the compositor would cost it CPU time.

use std::time::Duration;

use super::sample::{Sample, ms};
use crate::client::Client;
use crate::client::buffer::{Buffer, Source};
use crate::client::window::{Commit, Toplevel, Wish};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::proc::Process;
use crate::time::{after, now};

/// How long a compositor with ten thousand surfaces may take for a frame.
pub const STALL: Duration = Duration::from_secs(120);
/// Frames after which imports and the choices that a compositor makes once are over.
const WARM_UP: u64 = 20;
/// Frames of which the cost is known well enough, however long they take.
const FEWEST: u64 = 4;
/// Frames of the first window in a block of a sample.
const BLOCK: u64 = 6;

/// The mode of the displays, where windows are small.
pub const SCREEN: (i32, i32) = (1024, 768);
/// The animated window beside which something happens.
pub const SMALL: Spot = Spot { screen: SCREEN, at: (480, 352), size: (64, 64) };

/// Where a window lies on a display, in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    /// The display's size.
    pub screen: (i32, i32),
    /// The window's corner.
    pub at: (i32, i32),
    /// The window's size.
    pub size: (u32, u32),
}

impl Spot {
    /// Puts a window there that shows nothing yet. A new window is placed by its geometry: one as
    /// large as the display has its corner at that of the display. A geometry is clamped to the
    /// window's surfaces: two that show `corner` lie beside the display's corners, where nobody sees
    /// them.
    pub fn place(&self, client: &Client, window: &Toplevel, corner: &Buffer) -> Result<()> {
        let ((x, y), (width, height)) = (self.at, self.screen);
        window.xdg.set_window_geometry(-x, -y, width, height);
        for (x, y) in [(-x - 1, -y - 1), (width - x, height - y)] {
            let (qh, bound) = (client.qh(), &client.state.bound);
            let surface = bound.compositor()?.create_surface(&qh, ());
            bound.subcompositor()?.get_subsurface(&surface, &window.surface, &qh, ()).set_position(x, y);
            surface.attach(Some(&corner.wl), 0, 0);
            surface.commit();
        }
        Ok(())
    }
}

/// A picture of one pixel, for [`Spot::place`].
pub fn corner(client: &mut Client) -> Result<Buffer> {
    client.buffer(Source::Shm, 1, 1).map(|(buffer, _)| buffer)
}

struct Moving {
    window: Toplevel,
    buffers: [Buffer; 2],
    /// How often each buffer was committed.
    uses: [u32; 2],
    callback: Option<u64>,
    shown: u64,
}

/// A client with animated windows.
pub struct Animated {
    client: Client,
    corner: Buffer,
    windows: Vec<Moving>,
}

impl Animated {
    /// A client without windows yet.
    pub fn new(compositor: &Compositor) -> Result<Animated> {
        let mut client = compositor.client()?;
        let corner = corner(&mut client)?;
        Ok(Animated { client, corner, windows: Vec::new() })
    }

    /// Opens a window and waits until it is on the screen.
    pub fn open(&mut self, spot: &Spot) -> Result<()> {
        let window = self.client.toplevel(&Wish { app_id: "animated", fullscreen: false })?;
        spot.place(&self.client, &window, &self.corner)?;
        let buffers = [self.buffer(spot.size, 0x40)?, self.buffer(spot.size, 0x60)?];
        self.windows.push(Moving { window, buffers, uses: [0, 0], callback: None, shown: 0 });
        self.frames(1)
    }

    /// Shows so many frames of all windows that what happens once is over.
    pub fn warm_up(&mut self) -> Result<()> {
        self.frames(WARM_UP)
    }

    fn buffer(&mut self, (width, height): (u32, u32), value: u8) -> Result<Buffer> {
        let (buffer, mut pixels) = self.client.buffer(Source::Auto, width, height)?;
        pixels.write(|bytes| bytes.fill(value))?;
        Ok(buffer)
    }

    /// Runs until the newest window has shown so many further frames.
    pub fn frames(&mut self, frames: u64) -> Result<()> {
        let newest = self.windows.len() - 1;
        let until = self.windows[newest].shown + frames;
        self.run(|windows| windows[newest].shown >= until)
    }

    /// What the process spends in the time of `frames` frames at 60 Hz, and for [`FEWEST`] at least.
    pub fn measure(&mut self, process: Process, frames: u64) -> Result<Sample> {
        let mut end = None;
        self.measure_until(process, |shown| {
            let end = *end.get_or_insert_with(|| after(Duration::from_millis(frames * 1000 / 60)));
            shown >= FEWEST && now() >= end
        })
    }

    /// The same until `done`, which is given the frames so far. Begins and ends with a frame of the
    /// first window.
    pub fn measure_until(&mut self, process: Process, mut done: impl FnMut(u64) -> bool) -> Result<Sample> {
        let first = self.windows[0].shown;
        self.run(|windows| windows[0].shown > first)?;
        let (cpu, begun) = (process.cpu_ns()?, now());
        let before: Vec<u64> = self.windows.iter().map(|moving| moving.shown).collect();
        let (mut over, mut blocks, mut block) = (None, Vec::new(), (before[0], cpu));
        let end = loop {
            self.run(|windows| {
                let shown = windows[0].shown;
                if over.is_none() && done(shown - before[0]) {
                    over = Some(shown);
                }
                shown >= block.0 + BLOCK || over.is_some_and(|at| shown > at)
            })?;
            let (shown, spent) = (self.windows[0].shown, process.cpu_ns()?);
            if shown >= block.0 + BLOCK || blocks.is_empty() {
                blocks.push(ms((spent - block.1) as f64, shown - block.0));
                block = (shown, spent);
            }
            if over.is_some_and(|at| shown > at) {
                break spent;
            }
        };
        let (cpu_ns, span) = (end - cpu, now() - begun);
        let shown = self.windows.iter().zip(before).map(|(moving, before)| moving.shown - before).collect();
        Ok(Sample { cpu_ns, span, shown, blocks })
    }

    fn run(&mut self, mut done: impl FnMut(&[Moving]) -> bool) -> Result<()> {
        let mut patience = after(STALL);
        loop {
            for moving in &mut self.windows {
                if moving.step(&mut self.client)? {
                    patience = after(STALL);
                }
            }
            if done(&self.windows) {
                return Ok(());
            }
            if now() >= patience {
                return Err(Error::Timeout("a frame callback or a buffer of an animated window".into()));
            }
            self.client.turn(&[], after(Duration::from_millis(100)))?;
        }
    }
}

impl Moving {
    /// Counts a frame that was shown and commits the next one; whether it did either.
    fn step(&mut self, client: &mut Client) -> Result<bool> {
        let heard = self.callback.is_some_and(|token| client.state.callbacks.remove(&token).is_some());
        if heard {
            self.callback = None;
            self.shown += 1;
        }
        if self.callback.is_some() {
            return Ok(false);
        }
        let at = usize::from(self.uses[0] > self.uses[1]);
        let buffer = &self.buffers[at];
        if client.state.released.get(&buffer.token).copied().unwrap_or(0) < self.uses[at] {
            return Ok(heard);
        }
        let commit = Commit { buffer: Some(buffer), frame: true, ..Commit::default() };
        self.callback = self.window.commit(client, &commit)?.frame;
        self.uses[at] += 1;
        Ok(true)
    }
}
