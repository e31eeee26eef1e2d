//! Clients whose commits wait for a time that never comes, and clients with popups of popups.

use wayland_client::protocol::wl_surface::WlSurface;
use wayland_protocols::xdg::shell::client::{xdg_popup::XdgPopup, xdg_surface::XdgSurface};

use super::bad::{Bad, SPOT, Stop, TICK, corner_window, heard};
use crate::client::buffer::{Buffer, Source};
use crate::client::timing::Timing;
use crate::client::window::{Commit, Toplevel};
use crate::client::{Client, PATIENCE};
use crate::compositor::Compositor;
use crate::error::Result;
use crate::time::S;

/// The second in which a time in nanoseconds has no room in 64 bits any more: in the year 2554, if
/// the clock began in 1970.
const YEAR_2554: u64 = u64::MAX / S + 1;

/// A client with commits that are to be shown in the year 2554.
pub struct Year2554 {
    client: Client,
    window: Toplevel,
    buffer: Buffer,
    timing: Timing,
    commits: usize,
}

impl Year2554 {
    /// A client with a window that is on the screen. It will have so many commits that wait.
    pub fn open(compositor: &Compositor, commits: usize) -> Result<Year2554> {
        let mut client = compositor.client()?;
        let mut window = corner_window(&mut client)?;
        let buffer = show(&mut client, &mut window)?;
        let timing = client.timing()?.of(&client, &window.surface);
        Ok(Year2554 { client, window, buffer, timing, commits })
    }
}

impl Bad for Year2554 {
    fn act(&mut self, stop: &Stop) -> Result<()> {
        self.timing.timer.set_timestamp((YEAR_2554 >> 32) as u32, YEAR_2554 as u32, 0);
        for _ in 0..self.commits {
            self.window.commit(&mut self.client, &Commit { buffer: Some(&self.buffer), ..Commit::default() })?;
        }
        self.client.roundtrip()?;
        while !stop.is_set() {
            self.client.idle(TICK)?;
        }
        Ok(())
    }
}

/// A client that opens a chain of popups, each the parent of the next, and closes it; again and
/// again.
pub struct Popups {
    client: Client,
    window: Toplevel,
    buffer: Buffer,
    levels: usize,
}

type Popup = (WlSurface, XdgSurface, XdgPopup);

impl Popups {
    /// A client with a window that is on the screen.
    pub fn open(compositor: &Compositor, levels: usize) -> Result<Popups> {
        let mut client = compositor.client()?;
        let mut window = corner_window(&mut client)?;
        let buffer = show(&mut client, &mut window)?;
        Ok(Popups { client, window, buffer, levels })
    }

    fn popup(&mut self, parent: &XdgSurface) -> Result<Popup> {
        let (qh, token) = (self.client.qh(), self.client.state.token());
        let base = self.client.state.bound.wm_base()?;
        let positioner = base.create_positioner(&qh, ());
        positioner.set_size(SPOT.size.0 as i32, SPOT.size.1 as i32);
        positioner.set_anchor_rect(0, 0, 1, 1);
        let surface = self.client.state.bound.compositor()?.create_surface(&qh, ());
        let xdg = base.get_xdg_surface(&surface, &qh, token);
        let popup = xdg.get_popup(Some(parent), &positioner, &qh, token);
        positioner.destroy();
        surface.commit();
        let configured = |state: &crate::client::State| state.windows.get(&token).and_then(|window| window.serial);
        self.client.wait_for("a popup's configure", PATIENCE, |state| configured(state).is_some())?;
        if let Some(serial) = configured(&self.client.state) {
            xdg.ack_configure(serial);
        }
        surface.attach(Some(&self.buffer.wl), 0, 0);
        surface.damage_buffer(0, 0, SPOT.size.0 as i32, SPOT.size.1 as i32);
        surface.commit();
        self.client.flush()?;
        Ok((surface, xdg, popup))
    }
}

impl Bad for Popups {
    fn act(&mut self, stop: &Stop) -> Result<()> {
        loop {
            let mut chain: Vec<Popup> = Vec::new();
            for _ in 0..self.levels {
                let parent = chain.last().map_or(&self.window.xdg, |(_, xdg, _)| xdg).clone();
                chain.push(self.popup(&parent)?);
            }
            self.client.roundtrip()?;
            self.client.idle(TICK)?;
            for (surface, xdg, popup) in chain.into_iter().rev() {
                popup.destroy();
                xdg.destroy();
                surface.destroy();
            }
            if stop.is_set() {
                return self.client.roundtrip();
            }
        }
    }
}

/// Shows a picture in a window.
fn show(client: &mut Client, window: &mut Toplevel) -> Result<Buffer> {
    let (buffer, mut pixels) = client.buffer(Source::Shm, SPOT.size.0, SPOT.size.1)?;
    pixels.write(|bytes| bytes.fill(0x80))?;
    let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
    let frame = window.commit(client, &commit)?.frame;
    heard(client, frame)?;
    Ok(buffer)
}
