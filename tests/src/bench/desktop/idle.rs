//! A bar and ten windows with rings that do not change: no commit, no wake-up, and how much memory.

use std::time::Duration;

use super::desk::Desk;
use super::options::Options;
use crate::bench::Row;
use crate::bench::runs::counter;
use crate::error::Result;

/// How long nothing happens.
const SPAN: Duration = Duration::from_secs(5);
/// How often a fifth of a second is waited for the first one without a wake-up.
const SETTLING: u32 = 25;
const WINDOWS: usize = 10;
const RESIDENT_MIB: u64 = 24;

/// The rows. Clients serve their connections meanwhile, so that whatever they are told is heard.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let mut desk = Desk::new(options, &["--renderer", "pixman"])?;
    desk.bar()?;
    desk.windows(WINDOWS)?;
    let frames = counter(&desk.compositor, "frames")?;
    // Past the work that the question itself made, however long the machine takes for it.
    let process = desk.compositor.process();
    let mut wakeups = process.wakeups()?;
    for _ in 0..SETTLING {
        desk.idle(Duration::from_millis(200))?;
        let before = std::mem::replace(&mut wakeups, process.wakeups()?);
        if wakeups == before {
            break;
        }
    }
    desk.idle(SPAN)?;
    let wakeups = process.wakeups()? - wakeups;
    let resident = process.rss_kib()?;
    let frames = counter(&desk.compositor, "frames")? - frames;
    desk.compositor.stop()?;
    let none = |what, count: u64| Row {
        what,
        others: &[],
        limit: "0".into(),
        figures: vec![count.to_string()],
        kept: count == 0,
    };
    let mib = format!("{}.{}", resident / 1024, resident % 1024 * 10 / 1024);
    Ok(vec![
        none("bar, ring, 10 tiled windows, idle: commits in 5 s", frames),
        none("bar, ring, 10 tiled windows, idle: wake-ups in 5 s", wakeups),
        Row {
            what: "bar, ring, 10 tiled windows, pixman: resident MiB",
            others: &[],
            limit: format!("≤ {RESIDENT_MIB}"),
            figures: vec![mib],
            kept: resident <= RESIDENT_MIB * 1024,
        },
    ])
}
