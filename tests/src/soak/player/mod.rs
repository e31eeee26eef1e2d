//! One client of a soak: it does anything that a client may do, in bursts, until it has made its
//! commits. Then it says goodbye, vanishes or falls silent; or it is killed before.
//!
//! It never breaks a rule, so a protocol error is an error of the compositor.

mod face;
mod fences;
mod window;

use std::fs::File;
use std::time::Duration;

use wayland_client::protocol::wl_surface::WlSurface;

use super::options::{End, Part};
use super::tally::{Deed, Tally};
use crate::client::Client;
use crate::client::seat::Seat;
use crate::client::sync::open_sync_device;
use crate::client::timing::Managers;
use crate::error::{Error, Result};
use face::{Face, Kit};
use fences::Fences;
use window::Window;

/// Requests that are sent at once.
const BURST: usize = 12;
/// Windows at a time.
const WINDOWS: usize = 2;
/// Answers that are kept.
const ANSWERS: usize = 512;

struct Player {
    kit: Kit,
    windows: Vec<Window>,
    seat: Option<Seat>,
    /// Its image of the pointer, and the pointer's visit at which it was set.
    cursor: Option<(Face, u32)>,
    timing: Option<Managers>,
    file: File,
}

/// Is a client, to its end.
pub fn run(options: &Part) -> Result<()> {
    let mut rng = fastrand::Rng::with_seed(options.seed);
    let file = File::create(&options.tally).map_err(Error::io(format!("create {}", options.tally.display())))?;
    let mut client = Client::connect(&options.socket)?;
    let seat = rng.bool().then(|| client.seat()).transpose()?;
    let timing = rng.bool().then(|| client.timing()).transpose()?;
    let kit = Kit { client, device: open_sync_device()?, rng, fences: Fences::default(), tally: Tally::default() };
    let mut player = Player { kit, windows: Vec::new(), seat, cursor: None, timing, file };
    while player.kit.tally.of(Deed::Commit) < options.commits {
        player.burst()?;
        player.pause()?;
    }
    player.end(options.end)
}

impl Player {
    fn burst(&mut self) -> Result<()> {
        let kit = &mut self.kit;
        for _ in 0..kit.rng.usize(1..=BURST) {
            let count = self.windows.len();
            if count == 0 || (count < WINDOWS && kit.rng.u32(0..100) == 0) {
                self.windows.push(Window::open(kit, self.timing.as_ref())?);
            } else if kit.rng.u32(0..400) == 0 {
                self.windows.swap_remove(kit.rng.usize(0..count)).close();
            } else {
                self.windows[kit.rng.usize(0..count)].act(kit)?;
            }
        }
        self.point()?;
        self.kit.client.flush()?;
        self.kit.tally.write(&self.file)
    }

    /// Shows an image of its own where the pointer is.
    fn point(&mut self) -> Result<()> {
        let kit = &mut self.kit;
        let Some(seat) = &self.seat else { return Ok(()) };
        let visit = kit.client.state.input.enter_serial;
        if kit.client.state.input.pointer_focus.is_none() {
            return Ok(());
        }
        let (face, set) = match &mut self.cursor {
            Some(cursor) => cursor,
            None => {
                let side = kit.rng.u32(1..64);
                self.cursor.insert((Face::create(kit, (side, side))?, 0))
            }
        };
        if *set != visit {
            seat.pointer.set_cursor(visit, Some(&face.surface), 0, 0);
            *set = visit;
            kit.tally.did(Deed::Cursor);
        }
        face.commit(kit)
    }

    /// Lets time pass: computing takes none.
    fn pause(&mut self) -> Result<()> {
        let kit = &mut self.kit;
        kit.client.idle(Duration::from_millis(kit.rng.u64(1..25)))?;
        kit.fences.turn()?;
        self.windows.iter_mut().for_each(|window| window.heed(&self.kit));
        let state = &mut self.kit.client.state;
        if state.callbacks.len() + state.feedback.len() + state.input.heard.len() > ANSWERS {
            state.callbacks.clear();
            state.feedback.clear();
            state.input.heard.clear();
        }
        Ok(())
    }

    fn end(mut self, end: End) -> Result<()> {
        match end {
            End::Vanish => self.kit.tally.did(Deed::Vanish),
            End::Bye => {
                self.windows.drain(..).for_each(Window::close);
                if let Some((face, _)) = self.cursor.take() {
                    face.destroy();
                }
                self.kit.client.roundtrip()?;
                self.kit.tally.did(Deed::Bye);
            }
            End::Mute => {
                self.kit.tally.did(Deed::Mute);
                self.kit.tally.write(&self.file)?;
                return self.fall_silent();
            }
        }
        self.kit.tally.write(&self.file)
    }

    /// Goes on for a while without reading a word, then waits to be killed. What it does not read
    /// may be its end before.
    fn fall_silent(mut self) -> Result<()> {
        let surfaces: Vec<WlSurface> = self.windows.iter().map(Window::surface).cloned().collect();
        for _ in 0..200 {
            for surface in &surfaces {
                let token = self.kit.client.state.token();
                surface.frame(&self.kit.client.qh(), token);
                surface.damage_buffer(0, 0, 1, 1);
                surface.commit();
                self.kit.tally.did(Deed::Commit);
            }
            if self.kit.client.flush().is_err() {
                return Ok(());
            }
            self.kit.tally.write(&self.file)?;
            std::thread::sleep(Duration::from_millis(20));
        }
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }
}
