//! What a 4K window of shared memory costs the compositor's CPU at the display's full rate: in
//! place, and by copy, in one run.

use std::path::Path;
use std::time::Duration;

use super::Row;
use super::judge::{ATTEMPTS, attempts};
use crate::client::buffer::Buffer;
use crate::client::shm::{Memory, Place, memory};
use crate::client::window::{Commit, Wish};
use crate::client::{Client, PATIENCE};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::vkms::{Output, Vkms};

/// How many times less CPU in place.
const TIMES: f64 = 10.0;
/// Frames that are not counted, and those that are.
const FRAMES: (u32, u32) = (10, 120);
/// The largest mode of vkms, and what 4K is called.
const MODE: &str = "4096x2160";

/// The row: both ways are measured in turn, and again where noise may have made one of them dearer.
pub fn row() -> Result<Row> {
    let vkms = Vkms::builder("shm").output(Output::default()).build()?;
    let measure = || Ok((cpu_ms(vkms.card(), "")?, cpu_ms(vkms.card(), "shm = \"copy\"\n")?));
    let times = |(in_place, copied): &(f64, f64)| copied / in_place.max(0.001);
    let measured = attempts(ATTEMPTS, measure, |both| times(both) >= TIMES)?;
    let (in_place, copied) = measured;
    let times = times(&measured);
    Ok(Row {
        what: "a 4K window of wl_shm: CPU ms a frame in place, by copy",
        others: &[],
        limit: format!("{TIMES:.0} × less"),
        // Rounded down: what is below the limit is never shown as the limit.
        figures: vec![format!("{in_place:.2}, {copied:.2}: {:.1} ×", (times * 10.0).floor() / 10.0)],
        kept: times >= TIMES,
    })
}

/// CPU time of a frame of a fullscreen client with two buffers, which the client draws into only
/// once: its work is not measured.
fn cpu_ms(card: &Path, config: &str) -> Result<f64> {
    let folder = crate::user::folder()?;
    let file = folder.path().join("config.toml");
    std::fs::write(&file, config).map_err(Error::io("write a configuration"))?;
    let file = file.to_string_lossy();
    let compositor = Compositor::start_on(card, &["--config", &file, "--mode", MODE])?;
    let mut client = compositor.client()?;
    let mut window = client.toplevel(&Wish { app_id: "shm", fullscreen: true })?;
    let (width, height) = window.size(&client, (640, 480));
    let len = (width * height * 4) as i32;
    let pages = memory(Memory::Sealable, 2 * len as usize)?;
    // Once, as a client does: pages that were never written are not read in place.
    rustix::io::pwrite(&pages, &vec![0x80; 2 * len as usize], 0).map_err(Error::call("write the pixels"))?;
    let pool = client.pool(pages, 2 * len)?;
    let place = |at: i32| Place::packed(at * len, width as i32, height as i32);
    let buffers = [pool.buffer(&mut client, place(0))?, pool.buffer(&mut client, place(1))?];
    let mut uses = [0u32; 2];
    let mut show = |client: &mut Client, frames: u32| -> Result<()> {
        for _ in 0..frames {
            let at = usize::from(uses[0] > uses[1]);
            let Buffer { token, .. } = buffers[at];
            let given = uses[at];
            let back = |state: &crate::client::State| state.released.get(&token).copied().unwrap_or(0) >= given;
            client.wait_for("wl_buffer.release", PATIENCE, back)?;
            let commit = Commit { buffer: Some(&buffers[at]), frame: true, ..Commit::default() };
            let token = window.commit(client, &commit)?.frame.ok_or_else(|| Error::Missing("a callback".into()))?;
            client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token))?;
            uses[at] += 1;
        }
        Ok(())
    };
    show(&mut client, FRAMES.0)?;
    let process = compositor.process();
    let (cpu, frames) = (process.cpu_ns()?, super::runs::counter(&compositor, "frames")?);
    show(&mut client, FRAMES.1)?;
    std::thread::sleep(Duration::from_millis(50));
    let (cpu, frames) = (process.cpu_ns()? - cpu, super::runs::counter(&compositor, "frames")? - frames);
    compositor.stop()?;
    Ok(cpu as f64 / 1e6 / frames.max(1) as f64)
}
