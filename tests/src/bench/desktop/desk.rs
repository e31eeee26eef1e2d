//! The desktop that is measured: a compositor with a configuration, a bar, and windows of `wl_shm`
//! that change only when they are asked for another size.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::bench::runs::TRUSTING;
use crate::client::buffer::{Buffer, Source};
use crate::client::layer::Bar;
use crate::client::window::{Commit, Toplevel, Wish};
use crate::client::{Client, PATIENCE};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::lab;
use crate::time::{after, now};
use crate::user;

use super::options::Options;

/// The display.
const SCREEN: &str = "1024x768";
/// What the user has configured.
const TILING: &str = "[desktop]\nlayout = \"tiling\"\ngap = 8\nouter-gap = 8\n";
const BAR: u32 = 24;
/// A desktop that has not changed for so long is at rest.
const REST: Duration = Duration::from_millis(400);

/// A desktop; its clients live as long as it does.
pub struct Desk {
    pub compositor: Compositor,
    people: Client,
    windows: Vec<(Toplevel, Buffer, (u32, u32))>,
    bar: Option<Bar>,
    _config: TempDir,
}

impl Desk {
    /// An empty desktop that tiles, with further arguments of `syncline run`.
    pub fn new(options: &Options, args: &[&str]) -> Result<Desk> {
        let config = user::folder()?;
        let file = config.path().join("config.toml");
        std::fs::write(&file, TILING).map_err(Error::io("write the configuration"))?;
        let card = lab::find_card(options.device.as_deref())?;
        let file = file.to_string_lossy();
        let own = ["--mode", SCREEN, "--config", &file, "--set", "desktop.ring-width=2"];
        let args: Vec<&str> = TRUSTING.iter().chain(&own).chain(args).copied().collect();
        let compositor = Compositor::start_on(&card, &args)?;
        let people = compositor.client()?;
        Ok(Desk { compositor, people, windows: Vec::new(), bar: None, _config: config })
    }

    /// Shows a bar at the top.
    pub fn bar(&mut self) -> Result<()> {
        self.bar = Some(self.people.bar(BAR, |bytes| bytes.fill(0x60))?);
        Ok(())
    }

    /// Opens so many windows more on the workspace that is shown, and lets all of them come to rest.
    pub fn windows(&mut self, count: usize) -> Result<()> {
        for n in 0..count {
            let window = self.people.toplevel(&Wish { app_id: "still", fullscreen: false })?;
            let (size, shade) = (window.size(&self.people, (200, 150)), (16 * n % 200) as u8);
            let buffer = picture(&mut self.people, size, shade)?;
            self.windows.push((window, buffer, size));
            if let Some((window, buffer, _)) = self.windows.last_mut() {
                window.commit(&mut self.people, &Commit { buffer: Some(buffer), ..Commit::default() })?;
            }
            self.people.roundtrip()?;
        }
        self.rest()
    }

    /// Answers configures until none has come for a while.
    pub fn rest(&mut self) -> Result<()> {
        let (deadline, mut quiet_until) = (after(PATIENCE), after(REST));
        while now() < quiet_until {
            if now() >= deadline {
                return Err(Error::Timeout("the windows to come to rest".into()));
            }
            self.people.idle(Duration::from_millis(20))?;
            for (window, buffer, size) in &mut self.windows {
                let wanted = window.size(&self.people, *size);
                if wanted != *size {
                    let old = std::mem::replace(buffer, picture(&mut self.people, wanted, 0x40)?);
                    *size = wanted;
                    window.commit(&mut self.people, &Commit { buffer: Some(buffer), ..Commit::default() })?;
                    old.wl.destroy();
                    quiet_until = after(REST);
                } else if window.is_behind(&self.people) {
                    // Another state, or the size that it has.
                    window.commit(&mut self.people, &Commit::default())?;
                }
            }
        }
        Ok(())
    }

    /// Serves the connection of the windows for a while; they commit nothing.
    pub fn idle(&mut self, time: Duration) -> Result<()> {
        self.people.idle(time)
    }

    /// The frames after the one with this serial number, oldest first.
    pub fn frames_after(&self, serial: u64) -> Result<Vec<Value>> {
        let out = self.compositor.msg(&["frames", "--json"])?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let frames = text.lines().map(serde_json::from_str::<Value>);
        let frames = frames.collect::<std::result::Result<Vec<_>, _>>().map_err(Error::other("msg frames"))?;
        Ok(frames.into_iter().filter(|frame| frame["serial"].as_u64() > Some(serial)).collect())
    }

    /// The serial number of the newest frame; 0 before the first.
    pub fn newest(&self) -> Result<u64> {
        Ok(self.frames_after(0)?.last().and_then(|frame| frame["serial"].as_u64()).unwrap_or(0))
    }
}

/// A buffer of one shade.
fn picture(client: &mut Client, (width, height): (u32, u32), shade: u8) -> Result<Buffer> {
    let (buffer, mut pixels) = client.buffer(Source::Shm, width, height)?;
    pixels.write(|bytes| bytes.fill(shade))?;
    Ok(buffer)
}
