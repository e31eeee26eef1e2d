//! `hostile`: what another client keeps of its frame rate beside a bad client, and how much memory
//! the bad one costs the compositor.
//!
//! Each measurement has a compositor of its own. A scenario is compared with the control of the same
//! round, in which the same animated window is alone ([`sample`](super::scale)); the median of the
//! rounds counts. Memory is the most that was resident, less what was in the control. Where a limit
//! ends the bad client, that is expected and stated, and the largest number that is allowed is a
//! scenario, too.

mod amounts;
mod bad;
mod fences;
mod measure;
mod options;
mod pictures;
mod scenarios;
mod waits;

pub use options::{Options, Part};

use super::scale::sample::{Sample, in_turn, median, times, up};
use super::{Row, table};
use crate::error::Result;
use measure::Measured;
use options::Way;
use scenarios::{Ends, Scenario};

/// What is kept of the frame rate.
const RATE: f64 = 0.95;
/// MiB of resident memory that a bad client may cost.
const MEMORY: f64 = 64.0;

/// How often a scenario that exceeds a limit is measured, each time with a new control: noise makes
/// a figure worse and never better.
const ATTEMPTS: usize = 3;

/// Measures, prints the table, and says whether all limits are kept.
pub fn run(options: &Options) -> Result<bool> {
    measure::raise_descriptors()?;
    let card = options.card()?;
    let bad: Vec<Scenario> = scenarios::all().into_iter().filter(|of| options.wants(of.part)).collect();
    let mut rows: Vec<Option<Row>> = vec![None; bad.len()];
    let mut controls = Vec::new();
    for attempt in 1..=ATTEMPTS {
        let over: Vec<usize> = (0..bad.len()).filter(|at| rows[*at].as_ref().is_none_or(|row| !row.kept)).collect();
        let ways = [Way::Planes, Way::Pixman, Way::Gles];
        let ways: Vec<Way> = ways.into_iter().filter(|way| over.iter().any(|at| bad[*at].way == *way)).collect();
        let again = over.iter().map(|at| (bad[*at].way, Some(&bad[*at])));
        let all: Vec<_> = ways.iter().map(|way| (*way, None)).chain(again).collect();
        let measured =
            in_turn(options.in_rounds(), &all, |(way, of)| measure::measure(&card, *way, *of, options.frames))?;
        let (alone, beside) = measured.split_at(ways.len());
        for (at, of) in over.iter().zip(beside) {
            let control = ways.iter().position(|way| *way == bad[*at].way).map_or(&[][..], |way| &alone[way]);
            rows[*at] = Some(row(&bad[*at], of, control));
        }
        if attempt == 1 {
            controls.extend(ways.iter().zip(alone).map(|(way, of)| control(*way, of)));
        }
    }
    let rows: Vec<Row> = controls.into_iter().chain(rows.into_iter().flatten()).collect();
    print!("{}", table(&["hostile, real time", "limit", "fps", "MiB", "", ""], &rows));
    Ok(rows.iter().all(|row| row.kept))
}

fn control(way: Way, of: &[Measured]) -> Row {
    let what = match way {
        Way::Planes => "control: an animated window, on a plane where there is one",
        Way::Pixman => "control: an animated window, pixman",
        Way::Gles => "control: an animated window, GLES",
    };
    let fps = median(of.iter().map(|of| of.sample.fps()));
    Row {
        what,
        others: &[],
        limit: "–".into(),
        figures: vec![format!("{fps:.1}"), format!("({})", up(mib(of))), "–".into()],
        kept: true,
    }
}

fn row(scenario: &Scenario, of: &[Measured], control: &[Measured]) -> Row {
    let rate = |of: &Measured| Sample::fps(&of.sample);
    let (fps, kept_rate) = (median(of.iter().map(rate)), times(of, control, rate));
    let memory = mib(of) - mib(control);
    let ended = of.iter().find_map(|of| of.ended.clone());
    // Each time, and for the reason that is expected.
    let as_expected = of.iter().all(|of| scenario.ends.is(of.ended.as_deref()));
    let ends = match scenario.ends {
        Ends::Never => "",
        Ends::By(_) => ", ended",
        Ends::IfAhead(_) => ", ended if ahead",
    };
    Row {
        what: scenario.what,
        others: &[],
        limit: format!("≥ {RATE} ×, ≤ {MEMORY:.0} MiB{ends}"),
        figures: vec![
            format!("{fps:.1}: {:.3} ×", (kept_rate * 1000.0).floor() / 1000.0),
            up(memory.max(0.0)),
            ended.unwrap_or_else(|| "lives".into()),
        ],
        kept: kept_rate >= RATE && memory <= MEMORY && as_expected,
    }
}

/// By how much resident memory grew.
fn mib(of: &[Measured]) -> f64 {
    median(of.iter().map(|of| of.grown_kib as f64)) / 1024.0
}
