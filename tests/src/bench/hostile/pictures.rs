//! Clients with pictures that are much work: damage of thousands of rectangles, a pixel scaled to
//! more than any screen, cursor images of ever new sizes.

use std::time::Duration;

use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::wp::viewporter::client::wp_viewport::WpViewport;

use super::bad::{AT_ONCE, Bad, SPOT, Stop, corner_window, heard};
use crate::bench::scale::animated::SCREEN;
use crate::client::buffer::{Buffer, Source};
use crate::client::seat::Seat;
use crate::client::shm::{Memory, Place, Pool, memory};
use crate::client::window::{Commit, Toplevel};
use crate::client::{Client, PATIENCE};
use crate::compositor::Compositor;
use crate::error::Result;
use crate::uinput::Mouse;

/// A window as large as the display.
const LARGE: (u32, u32) = (SCREEN.0 as u32, SCREEN.1 as u32);
/// Its damage.
const RECTS: i32 = 3000;
/// What a pixel is scaled to.
const VAST: i32 = 70_000;
/// Cursor images in a turn, the largest of them, and the time from one to the next.
const IMAGES: i32 = 500;
const LARGEST: i32 = 511;
const NEXT: Duration = Duration::from_millis(2);
/// A push of the mouse that ends in a corner of the desktop, wherever it began.
const FAR: i32 = 9000;

/// Whether a client waits for the frame that shows its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It waits for its frame callback.
    Frames,
    /// It waits only until the compositor has handled the commit.
    Unpaced,
}

/// A client whose commits damage three thousand rectangles of a window of shared
/// memory as large as the display.
pub struct Damage {
    client: Client,
    window: Toplevel,
    buffers: [Buffer; 2],
    pace: Pace,
}

impl Damage {
    /// A client with a window that is on the screen.
    pub fn open(compositor: &Compositor, pace: Pace) -> Result<Damage> {
        let mut client = compositor.client()?;
        let window = corner_window(&mut client)?;
        let buffers = [picture(&mut client, LARGE)?, picture(&mut client, LARGE)?];
        let mut damage = Damage { client, window, buffers, pace };
        damage.commit(0, Pace::Frames)?;
        Ok(damage)
    }

    fn commit(&mut self, at: usize, pace: Pace) -> Result<()> {
        for rect in 0..RECTS {
            let (x, y) = (rect % 60 * (LARGE.0 as i32 / 60), rect / 60 * (LARGE.1 as i32 / 60));
            self.window.surface.damage_buffer(x, y, 8, 8);
            if rect % AT_ONCE as i32 == 0 {
                self.client.flush()?;
            }
        }
        let all = Some((0, 0, 1, 1));
        let commit = Commit { buffer: Some(&self.buffers[at % 2]), damage: all, frame: true, ..Commit::default() };
        let frame = self.window.commit(&mut self.client, &commit)?.frame;
        match pace {
            Pace::Frames => heard(&mut self.client, frame),
            Pace::Unpaced => self.client.roundtrip(),
        }
    }
}

impl Bad for Damage {
    fn act(&mut self, stop: &Stop) -> Result<()> {
        let mut at = 0;
        while !stop.is_set() {
            at += 1;
            self.commit(at, self.pace)?;
        }
        Ok(())
    }
}

/// A client that shows one pixel, scaled to more than any screen.
pub struct Viewport {
    client: Client,
    window: Toplevel,
    buffers: [Buffer; 2],
    viewport: WpViewport,
}

impl Viewport {
    /// A client with a window that shows a picture as it is.
    pub fn open(compositor: &Compositor) -> Result<Viewport> {
        let mut client = compositor.client()?;
        let mut window = corner_window(&mut client)?;
        let buffers = [picture(&mut client, SPOT.size)?, picture(&mut client, SPOT.size)?];
        let viewport = client.state.bound.viewporter()?.get_viewport(&window.surface, &client.qh(), ());
        let commit = Commit { buffer: Some(&buffers[0]), frame: true, ..Commit::default() };
        let frame = window.commit(&mut client, &commit)?.frame;
        heard(&mut client, frame)?;
        Ok(Viewport { client, window, buffers, viewport })
    }
}

impl Bad for Viewport {
    fn act(&mut self, stop: &Stop) -> Result<()> {
        let mut at = 0;
        while !stop.is_set() {
            at += 1;
            // Another pixel each time.
            self.viewport.set_source(f64::from(at % 64), 0., 1., 1.);
            self.viewport.set_destination(VAST, VAST);
            let buffer = Some(&self.buffers[at as usize % 2]);
            let commit = Commit { buffer, frame: true, ..Commit::default() };
            let frame = self.window.commit(&mut self.client, &commit)?.frame;
            heard(&mut self.client, frame)?;
        }
        Ok(())
    }
}

/// A client that has the pointer, and changes its image hundreds of times.
pub struct Cursor {
    client: Client,
    seat: Seat,
    surface: WlSurface,
    pool: Pool,
    _mouse: Mouse,
    _window: Toplevel,
}

impl Cursor {
    /// A client with a window under the pointer.
    pub fn open(compositor: &Compositor, mouse: Mouse) -> Result<Cursor> {
        let mut client = compositor.client()?;
        let seat = client.seat()?;
        let mut window = corner_window(&mut client)?;
        let picture = picture(&mut client, SPOT.size)?;
        let commit = Commit { buffer: Some(&picture), frame: true, ..Commit::default() };
        let frame = window.commit(&mut client, &commit)?.frame;
        heard(&mut client, frame)?;
        mouse.by(-FAR, -FAR)?;
        mouse.by(40, 40)?;
        client.wait_for("the pointer to enter", PATIENCE, |state| state.input.pointer_focus.is_some())?;
        let surface = client.state.bound.compositor()?.create_surface(&client.qh(), ());
        let len = LARGEST * LARGEST * 4;
        let pool = client.pool(memory(Memory::Sealable, len as usize)?, len)?;
        pool.fill(0, len as usize, 0x80)?;
        Ok(Cursor { client, seat, surface, pool, _mouse: mouse, _window: window })
    }
}

impl Bad for Cursor {
    fn act(&mut self, stop: &Stop) -> Result<()> {
        let odd = |at: i32, step: i32| at * step % (LARGEST / 2 + 1) * 2 + 1;
        let mut at = 0;
        while at < IMAGES || !stop.is_set() {
            at += 1;
            let image = Place::packed(0, odd(at, 7), odd(at, 29));
            let buffer = self.pool.buffer(&mut self.client, image)?;
            self.surface.attach(Some(&buffer.wl), 0, 0);
            self.surface.damage_buffer(0, 0, image.width, image.height);
            self.surface.commit();
            self.seat.pointer.set_cursor(self.client.state.input.enter_serial, Some(&self.surface), 0, 0);
            buffer.wl.destroy();
            self.client.flush()?;
            self.client.idle(NEXT)?;
        }
        Ok(())
    }
}

fn picture(client: &mut Client, (width, height): (u32, u32)) -> Result<Buffer> {
    let (buffer, mut pixels) = client.buffer(Source::Shm, width, height)?;
    pixels.write(|bytes| bytes.fill(0x80))?;
    Ok(buffer)
}
