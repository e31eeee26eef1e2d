//! A desktop on which nothing happens: no commit and no wake-up.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::runs::counter;
use crate::client::actor::Actor;
use crate::error::Result;

/// How long nothing happens.
const SPAN: Duration = Duration::from_secs(5);
/// How often a fifth of a second is waited for the first one without a wake-up.
const SETTLING: u32 = 25;

/// The rows: frames and wake-ups while a client shows a window that does not change.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let compositor = options.compositor(&[])?;
    let mut actor = Actor::new(&compositor, "still", None)?;
    actor.show(1)?;
    std::thread::sleep(Duration::from_secs(1));
    let frames = counter(&compositor, "frames")?;
    // Past the work that the question itself made, however long the machine takes for it.
    let process = compositor.process();
    let mut wakeups = process.wakeups()?;
    for _ in 0..SETTLING {
        std::thread::sleep(Duration::from_millis(200));
        let before = std::mem::replace(&mut wakeups, process.wakeups()?);
        if wakeups == before {
            break;
        }
    }
    std::thread::sleep(SPAN);
    let wakeups = process.wakeups()? - wakeups;
    let frames = counter(&compositor, "frames")? - frames;
    actor.destroy()?;
    compositor.stop()?;
    let row =
        |what, n: u64| Row { what, others: &["", ""], limit: "0".into(), figures: vec![n.to_string()], kept: n == 0 };
    Ok(vec![row("idle: commits in 5 s", frames), row("idle: wake-ups in 5 s", wakeups)])
}
