//! A window that is shown by a plane stays there beside a bar.

use super::desk::Desk;
use super::options::Options;
use crate::bench::Row;
use crate::client::actor::Actor;
use crate::error::Result;

/// Frames of the window, after as many that are not counted: the planes are assigned in these.
const FRAMES: u64 = 40;
/// The window that the others leave room for.
const SIZE: (u32, u32) = (320, 240);

/// The rows: in how many frames one animated window was on a plane, alone, and beside a bar and a
/// window that do not change.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let row = |what, beside| {
        let (direct, frames) = direct(options, beside)?;
        Ok(Row {
            what,
            others: &[],
            limit: format!("{FRAMES} of {FRAMES}"),
            figures: vec![format!("{direct} of {frames}")],
            kept: (direct, frames) == (FRAMES as usize, FRAMES as usize),
        })
    };
    Ok(vec![
        row("one animated window: frames on a plane", false)?,
        row("the same beside a bar and a window, with rings", true)?,
    ])
}

/// In how many frames the animated window was on a plane, of how many while it committed its last ones.
fn direct(options: &Options, beside: bool) -> Result<(usize, usize)> {
    let mut desk = Desk::new(options, &[])?;
    if beside {
        desk.bar()?;
        desk.windows(1)?;
    }
    let mut actor = Actor::new(&desk.compositor, "animated", Some(SIZE))?;
    for frame in 0..FRAMES {
        actor.show(frame)?;
        if frame == FRAMES / 2 {
            // The other window has become smaller meanwhile.
            desk.rest()?;
        }
    }
    let serial = desk.newest()?;
    for frame in FRAMES..2 * FRAMES {
        actor.show(frame)?;
    }
    let frames = desk.frames_after(serial)?;
    actor.destroy()?;
    desk.compositor.stop()?;
    // Nothing else has a buffer that a plane could show.
    Ok((frames.iter().filter(|frame| frame["zero_copy"] == true).count(), frames.len()))
}
