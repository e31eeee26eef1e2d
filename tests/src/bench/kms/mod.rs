//! `kms`: what the display's side of the compositor achieves, against limits.
//!
//! It is run twice: in virtual time, where computing takes no time and the figures show the logic
//! exactly, and in real time, judged against a control. `--virtual-time` only says which limits
//! apply; the lab decides which time passes.

mod allocations;
mod cutoff;
mod idle;
mod options;
mod photon;
mod windows;

use std::time::Duration;

pub use options::Options;

use super::control::Control;
use super::judge::{attempts, one_each};
use super::runs::{client, finish, watch};
use super::strace::Calls;
use super::{Row, table};
use crate::demo::record::Spread;
use crate::error::Result;

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let mut rows = cutoff::rows(options)?;
    rows.push(materialised(options)?);
    rows.extend(windows::rows(options)?);
    rows.push(photon::row(options)?);
    rows.extend(idle::rows(options)?);
    rows.extend(allocations::rows(options)?);
    if !options.virtual_time {
        rows.extend(calls(options)?);
    }
    let time = if options.virtual_time { "virtual time" } else { "real time" };
    print!("{}", table(&[time, "sway 1.12", "KWin 6.7", "limit", "Syncline", ""], &rows));
    Ok(rows.iter().all(|row| row.kept))
}

/// How long before the flip that frees a buffer its release point has its fence. In virtual time 99
/// of 100 keep the limit. In real time the middle one does, less what the middle sleeper was late
/// by: the latch is a wake-up, too.
fn materialised(options: &Options) -> Result<Row> {
    const LIMIT_MS: f64 = 1.0;
    let measure = || {
        options.controlled(60, || {
            let compositor = options.compositor(&[])?;
            let report = finish(client(&compositor, 120, &["--lead-ms", "8"])?, Duration::from_secs(60))?;
            compositor.stop()?;
            Ok(report.materialised_ahead_ms)
        })
    };
    let limit = |control: &Control| LIMIT_MS - control.median_ms;
    let kept = |(control, ahead): &(Control, Spread)| {
        let judged = if options.virtual_time { ahead.p1 } else { ahead.median };
        ahead.count > 0 && judged >= limit(control)
    };
    let measured = attempts(options.attempts(), measure, kept)?;
    let (control, ahead) = &measured;
    Ok(Row {
        what: "release points exist before the flip, ms (median; 1 of 100 later)",
        others: &["", ""],
        limit: format!("≥ {:.2}", limit(control)),
        figures: vec![format!("{:.2}; {:.2}", ahead.median, ahead.p1)],
        kept: kept(&measured),
    })
}

/// Atomic ioctls of a frame in the steady state: exactly one, tests included.
fn calls(options: &Options) -> Result<Vec<Row>> {
    let compositor = options.compositor(&[])?;
    let child = client(&compositor, 700, &["--plain"])?;
    std::thread::sleep(Duration::from_millis(1500));
    let watched = watch(&compositor, Duration::from_secs(4))?;
    finish(child, Duration::from_secs(90))?;
    compositor.stop()?;
    let atomic = |calls: &Calls| calls.by_name.get("DRM_IOCTL_MODE_ATOMIC").copied().unwrap_or(0);
    let (inside, outside) = (atomic(&watched.calls), atomic(&watched.with_answers));
    Ok(vec![Row {
        what: "atomic ioctls, tests included, and frames",
        others: &["", ""],
        limit: "1 each".into(),
        figures: vec![format!("{inside} to {outside}, {}", watched.frames)],
        kept: one_each(inside, outside, watched.frames),
    }])
}
