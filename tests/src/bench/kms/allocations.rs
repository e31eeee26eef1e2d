//! Heap allocations of a frame: from latch to commit and at the flip, messages to clients apart.
//!
//! Counted by a compositor with the feature `count-allocations`, which `cargo xtask bench kms`
//! builds.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::judge::PerFrame;
use crate::bench::runs::{client, counter, finish};
use crate::error::Result;

/// A row for each kind of frame in the steady state.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    // A commit that waited for its fence is applied within the latch, for which Smithay's
    // transactions allocate.
    let ready = row(options, "heap allocations a frame, ready fences", &["--plain"], true)?;
    let late = row(options, "heap allocations a frame, commits applied in the latch", &["--lead-ms", "2"], false)?;
    Ok(vec![ready, late])
}

fn row(options: &Options, what: &'static str, args: &[&str], limited: bool) -> Result<Row> {
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
    // Assigning planes to the first frames alone takes hundreds: none at all means that this
    // compositor does not count.
    let counted = after.1 > 0;
    let each = PerFrame { count: allocations, frames };
    Ok(Row {
        what,
        others: &["", ""],
        limit: if limited { "0" } else { "–" }.into(),
        figures: vec![if counted { each.to_string() } else { "not counted".into() }],
        kept: counted && frames > 0 && (each.at_most(0) || !limited),
    })
}
