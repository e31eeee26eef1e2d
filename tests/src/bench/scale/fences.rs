//! System calls a frame of a fullscreen client with explicit fences: the runs of [`frame`] under
//! strace, with the limits that are aimed at here.

use crate::bench::frame::{self, LATE_LEADS_MS};
use crate::bench::{Row, runs::Watched};
use crate::error::Result;

use super::options::Options;

/// The rows: fences that have signalled at the commit, and late ones.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let ready = row(options, "fullscreen, ready fences: system calls a frame", 18, &["--plain"])?;
    let late = row(options, "fullscreen, late fences: system calls a frame", 20, &["--lead-ms", LATE_LEADS_MS])?;
    Ok(vec![ready, late])
}

fn row(options: &Options, what: &'static str, limit: u64, client: &[&str]) -> Result<Row> {
    let watched: Watched = frame::trace_calls(&options.card()?, client)?;
    if options.verbose {
        frame::print_calls(what, &watched);
    }
    let calls = watched.per_frame();
    Ok(Row {
        what,
        others: &[],
        limit: format!("≤ {limit}"),
        figures: vec![calls.to_string()],
        kept: calls.at_most(limit),
    })
}
