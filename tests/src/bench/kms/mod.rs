//! `kms`: what the display's side of the compositor achieves, against limits.
//!
//! It is run twice: in virtual time, where computing takes none and the figures show the logic exactly, and in the lab's
//! real time. `--virtual-time` only says which limits hold; the lab decides how time goes.

mod allocations;
mod control;
mod cutoff;
mod idle;
mod options;
mod photon;
mod windows;

use std::time::Duration;

pub use options::Options;

use super::runs::{client, finish, watch};
use super::{Row, table};
use crate::error::Result;

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    let mut rows = cutoff::rows(options)?;
    rows.push(materialised(options)?);
    let late = control::late(options);
    if !options.virtual_time {
        rows.push(control::row(options, late));
    }
    rows.extend(windows::rows(options, late)?);
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

/// How long before the flip that frees a buffer its release point has its fence.
fn materialised(options: &Options) -> Result<Row> {
    let compositor = options.compositor(&[])?;
    let report = finish(client(&compositor, 120, &["--lead-ms", "8"])?, Duration::from_secs(60))?;
    compositor.stop()?;
    let ahead = report.materialised_ahead_ms;
    // The few releases around the start and the end come from no replacing frame.
    Ok(Row {
        what: "release points exist before the flip, ms (median; 1 of 100 later)",
        others: &["", ""],
        limit: "≥ 1.0".into(),
        figures: vec![format!("{:.2}; {:.2}", ahead.median, ahead.p1)],
        kept: ahead.count > 0 && if options.virtual_time { ahead.p1 >= 1.0 } else { ahead.median >= 1.0 },
    })
}

/// Atomic ioctls and all system calls of a frame, in the steady state.
fn calls(options: &Options) -> Result<Vec<Row>> {
    let compositor = options.compositor(&[])?;
    let child = client(&compositor, 700, &["--plain"])?;
    std::thread::sleep(Duration::from_millis(1500));
    let (calls, frames) = watch(&compositor, Duration::from_secs(4))?;
    finish(child, Duration::from_secs(90))?;
    compositor.stop()?;
    let atomic = calls.by_name.get("DRM_IOCTL_MODE_ATOMIC").copied().unwrap_or(0);
    let per_frame = atomic as f64 / frames.max(1) as f64;
    Ok(vec![Row {
        what: "atomic ioctls a frame, tests included",
        others: &["", ""],
        limit: "1.00".into(),
        figures: vec![format!("{per_frame:.2}")],
        // The span cuts a frame at either end.
        kept: atomic.abs_diff(frames) <= 2,
    }])
}
