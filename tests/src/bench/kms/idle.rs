//! A desktop on which nothing happens: no commit and no wake-up.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::runs::counter;
use crate::client::actor::Actor;
use crate::error::Result;

/// How long nothing happens.
const SPAN: Duration = Duration::from_secs(5);

/// The rows: frames and wake-ups a second while a client shows a still picture.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let compositor = options.compositor(&[])?;
    let mut actor = Actor::new(&compositor, "still", None)?;
    actor.show(1)?;
    std::thread::sleep(Duration::from_secs(1));
    let frames = counter(&compositor, "frames")?;
    // Past the work that the question itself made.
    std::thread::sleep(Duration::from_millis(200));
    let process = compositor.process();
    let wakeups = process.wakeups()?;
    std::thread::sleep(SPAN);
    let wakeups = process.wakeups()? - wakeups;
    let frames = counter(&compositor, "frames")? - frames;
    actor.destroy()?;
    compositor.stop()?;
    let row = |what, n: u64| Row {
        what,
        others: &["", ""],
        limit: "0".into(),
        figures: vec![format!("{:.1}", n as f64 / SPAN.as_secs_f64())],
        kept: n == 0,
    };
    Ok(vec![row("idle: commits a second", frames), row("idle: wake-ups a second", wakeups)])
}
