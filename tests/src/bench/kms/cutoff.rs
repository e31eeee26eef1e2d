//! The latest signal of an acquire fence with which a frame still makes its vblank.
//!
//! A client commits 5 ms before its fence signals, and its fence signals at a chosen lead before
//! the vblank. Leads are tried from long to short until frames come late: at the last good lead
//! every frame was in time, or in real time as many as the machine lets a sleeper be. A frame whose
//! fence the client itself signalled a quarter of a millisecond later than intended proves nothing,
//! and is not counted.
//!
//! In real time what lies between the signal and the vblank is a wake-up and some system calls, which
//! take as long as this machine takes for them at the time: the limit is that of an idle one, times
//! the control's slowdown, plus what the middle sleeper was late by.

use std::time::Duration;

use super::Options;
use crate::bench::Row;
use crate::bench::control::Control;
use crate::bench::judge::attempts;
use crate::bench::runs::{client, finish};
use crate::error::Result;

/// Leads in ms, from long to short.
const LEADS: [f64; 12] = [4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02];
/// Frames at each lead, after those in which the compositor gets to know the client.
const FRAMES: u64 = 100;
const WARMUP: &str = "80";
/// Frames of these that may be late in real time on a machine that is never late.
const LATE_IN_REAL_TIME: u64 = FRAMES / 50;

/// The last lead with which frames were in time, `None` if not even the first; and the control of
/// the first with which they were not.
fn latest(options: &Options, compositor: &[&str], window: &[&str]) -> Result<(Option<f64>, Control)> {
    let (mut good, mut control) = (None, Control::NONE);
    for lead in LEADS {
        let measure = || options.controlled(FRAMES, || late_frames(options, lead, compositor, window));
        let kept = |(control, late): &(Control, u64)| *late <= allowed(options, control);
        let measured = attempts(options.attempts(), measure, kept)?;
        control = measured.0;
        if !kept(&measured) {
            break;
        }
        good = Some(lead);
    }
    Ok((good, control))
}

/// The lead, and in real time the control beside it.
fn figure(found: Option<f64>, control: &Control) -> String {
    let lead = found.map_or("over 4".into(), |lead| format!("{lead}"));
    match *control == Control::NONE {
        true => lead,
        false => format!("{lead} (control: {:.2} ×, {:.2} ms)", control.slowdown(), control.median_ms),
    }
}

/// The limit on a machine with this control: a lead that was tried.
fn limit_on(control: &Control, idle: f64) -> f64 {
    let exact = idle * control.slowdown() + control.median_ms;
    // Less than a step is no difference that is measured.
    LEADS.into_iter().filter(|lead| *lead <= exact).fold(idle, f64::max)
}

fn allowed(options: &Options, control: &Control) -> u64 {
    if options.virtual_time { 0 } else { control.allowed(FRAMES).max(LATE_IN_REAL_TIME) }
}

/// How many frames were late at this lead.
fn late_frames(options: &Options, lead: f64, compositor: &[&str], window: &[&str]) -> Result<u64> {
    let running = options.compositor(compositor)?;
    let text = lead.to_string();
    let args: Vec<&str> = ["--lead-ms", &text, "--warmup", WARMUP].iter().chain(window).copied().collect();
    let report = finish(client(&running, FRAMES, &args)?, Duration::from_secs(60))?;
    running.stop()?;
    let late = report.missed_vblanks.saturating_sub(report.missed_by_signals) + report.discarded;
    eprintln!(
        "  fences {lead} ms before the vblank: {late} late, {} shown; signalled {:.2} ms late (median)",
        report.presented, report.signal_late_ms.median
    );
    Ok(late)
}

/// The rows: a client's buffer on a plane, and a client whose window is rendered.
pub fn rows(options: &Options) -> Result<Vec<Row>> {
    let (on_plane, rendered) = if options.virtual_time { (0.1, 0.5) } else { (0.5, 2.0) };
    let row = |what, others, idle: f64, (found, control): (Option<f64>, Control)| {
        let limit = if options.virtual_time { idle } else { limit_on(&control, idle) };
        Row {
            what,
            others,
            limit: format!("≤ {limit}"),
            figures: vec![figure(found, &control)],
            kept: found.is_some_and(|lead| lead <= limit),
        }
    };
    let others: &[&str] = if options.virtual_time { &["1.0", "1.5"] } else { &["4", "–"] };
    eprintln!("a buffer on a plane:");
    let plane = latest(options, &[], &[])?;
    eprintln!("a rendered window:");
    let window = latest(options, &["--planes", "none"], &["--windowed", "320x240"])?;
    Ok(vec![
        row("latest signal that makes the vblank, plane, ms", others, on_plane, plane),
        row("latest signal that makes the vblank, rendered, ms", others, rendered, window),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_machine_keeps_the_limit_and_a_slow_one_gets_the_next_lead() {
        let of = |slowdown: f64, median_ms| {
            let control = Control { late: 0, of: 100, median_ms, call_ns: 5_000.0 * slowdown };
            limit_on(&control, 0.5)
        };
        assert_eq!(of(0.5, 0.0), 0.5);
        assert_eq!(of(1.0, 0.2), 0.5, "less than a step");
        assert_eq!(of(1.0, 0.25), 0.75);
        assert_eq!(of(1.4, 0.1), 0.75);
        assert_eq!(of(2.0, 0.1), 1.0);
    }
}
