//! Heap allocations of a frame: from latch to commit and at the flip, messages to clients apart.
//!
//! Counted by a compositor that is built for it; `cargo xtask bench kms` builds such a one.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::runs::{client, counter, finish};
use crate::error::Result;

/// One row for each way of a frame in the steady state.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let ways: [(&str, &[&str]); 2] = [
        ("heap allocations a frame, ready fences", &["--plain"]),
        ("heap allocations a frame, late fences", &["--lead-ms", "2"]),
    ];
    ways.into_iter().map(|(what, args)| row(options, what, args)).collect()
}

fn row(options: &Options, what: &'static str, args: &[&str]) -> Result<Row> {
    let compositor = options.compositor(&[])?;
    let child = client(&compositor, 400, args)?;
    std::thread::sleep(Duration::from_secs(2));
    let count = || Ok((counter(&compositor, "frames")?, counter(&compositor, "frame_allocations")?));
    let (frames, allocations) = count()?;
    std::thread::sleep(Duration::from_secs(3));
    let after = count()?;
    finish(child, Duration::from_secs(60))?;
    compositor.stop()?;
    let (frames, allocations) = (after.0 - frames, after.1 - allocations);
    // The plane assignment of the first frames alone takes hundreds: none at all means that nobody counted.
    let counted = after.1 > 0;
    let each = allocations as f64 / frames.max(1) as f64;
    Ok(Row {
        what,
        others: &["", ""],
        limit: "0".into(),
        figures: vec![if counted { format!("{each:.2}") } else { "not counted".into() }],
        kept: counted && allocations == 0,
    })
}
