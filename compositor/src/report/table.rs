//! A [`FencesReport`] as text: three tables, ages in milliseconds, columns aligned.

use std::fmt::Write;

use crate::report::fences::{BufferUser, FencesReport, Owner, WaitsFor};

/// The report as text that ends with a line break.
pub fn render(report: &FencesReport) -> String {
    let mut out = String::new();
    let acquires = report.acquires.iter().map(|a| {
        let mut row = owner(&a.owner);
        let waits = match a.waits_for {
            WaitsFor::Submit => "submit",
            WaitsFor::Signal => "signal",
            WaitsFor::Parent => "parent",
            WaitsFor::Latch => "latch",
            WaitsFor::Hardware => "hardware",
        };
        let predicted = a.predicted_in_ns.map(|ns| format!("{:+.1}", ns as f64 / 1e6));
        row.extend([
            a.state.clone(),
            ms(a.age_ns),
            name(&a.driver),
            name(&a.timeline),
            number(a.point),
            predicted.unwrap_or_else(|| "-".to_owned()),
            waits.to_owned(),
        ]);
        row
    });
    const ACQUIRES: [&str; 10] = [
        "surface",
        "client",
        "commit",
        "state",
        "age ms",
        "driver",
        "timeline",
        "point",
        "expected in ms",
        "waits for",
    ];
    table(&mut out, "pending acquire fences", &ACQUIRES, acquires.collect());
    let buffers = report.buffers.iter().map(|b| {
        let users: Vec<String> = b.users.iter().map(user).collect();
        let mut row = owner(&b.owner);
        row.extend([b.buffer.to_string(), b.kind.clone(), number(b.point), ms(b.age_ns), users.join(", ")]);
        row
    });
    const BUFFERS: [&str; 8] = ["surface", "client", "commit", "buffer", "release", "point", "age ms", "used by"];
    table(&mut out, "unreleased buffers", &BUFFERS, buffers.collect());
    let hits = report.recent_hits.iter().map(|h| {
        let mut row = owner(&h.owner);
        row.extend([ms(report.now_ns.saturating_sub(h.at_ns)), h.request.clone(), h.report.clone()]);
        row
    });
    let title = format!("watchdog: {} hits, limit {} ms", report.watchdog_hits, report.watchdog_ms);
    table(&mut out, &title, &["surface", "client", "commit", "ms ago", "request", "report"], hits.collect());
    out
}

fn owner(owner: &Owner) -> Vec<String> {
    let client = match (&owner.client_name, owner.client_pid) {
        (Some(name), Some(pid)) => format!("{name} ({pid})"),
        (None, Some(pid)) => pid.to_string(),
        _ => "-".to_owned(),
    };
    vec![owner.surface.to_string(), client, owner.commit.to_string()]
}

fn user(user: &BufferUser) -> String {
    match user {
        BufferUser::Acquire => "its acquire fence".to_owned(),
        BufferUser::Surface => "the surface".to_owned(),
        BufferUser::Plane { output, plane, plane_kind } => format!("{plane_kind} plane {plane} of {output}"),
        BufferUser::UntilFlip { output, frame } => format!("{output} until the flip of frame {frame}"),
        BufferUser::Render => "a render pass".to_owned(),
        BufferUser::Capture => "a capture".to_owned(),
        BufferUser::Crc { output: Some(output) } => format!("the CRC check of {output}"),
        BufferUser::Crc { output: None } => "a CRC check".to_owned(),
        BufferUser::Transaction => "a transaction".to_owned(),
    }
}

fn ms(ns: u64) -> String {
    format!("{:.1}", ns as f64 / 1e6)
}

/// A name that a client or driver has chosen, without control characters.
fn name(text: &str) -> String {
    match text.is_empty() {
        true => "-".to_owned(),
        false => text.chars().map(|c| if c.is_control() { '?' } else { c }).collect(),
    }
}

fn number(value: Option<u64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// Adds a titled table, or a line that says that it has no rows. Numbers are aligned right, words
/// left; the last column is not padded.
pub fn table(out: &mut String, title: &str, head: &[&str], rows: Vec<Vec<String>>) {
    let end = if out.is_empty() { "" } else { "\n" };
    writeln!(out, "{end}{title}{}", if rows.is_empty() { ": none" } else { "" }).expect("a string takes all");
    if rows.is_empty() {
        return;
    }
    let wide = |i: usize| rows.iter().map(|row| row[i].chars().count()).chain([head[i].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(wide).collect();
    let is_number = |i: usize| rows.iter().all(|row| row[i] == "-" || row[i].parse::<f64>().is_ok());
    let head = head.iter().map(|text| (*text).to_owned()).collect();
    for row in std::iter::once(&head).chain(&rows) {
        let mut line = String::new();
        for (i, cell) in row.iter().enumerate() {
            let width = widths[i];
            match is_number(i) {
                true => write!(line, "  {cell:>width$}").expect("a string takes all"),
                false => write!(line, "  {cell:<width$}").expect("a string takes all"),
            }
        }
        writeln!(out, "{}", line.trim_end()).expect("a string takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fences::PendingAcquire;
    use crate::system::id::SurfaceId;

    #[test]
    fn empty_tables_are_one_line_each() {
        let report = FencesReport {
            now_ns: 0,
            acquires: vec![],
            buffers: vec![],
            watchdog_ms: 2000,
            watchdog_hits: 0,
            recent_hits: vec![],
        };
        let expected =
            "pending acquire fences: none\n\nunreleased buffers: none\n\nwatchdog: 0 hits, limit 2000 ms: none\n";
        assert_eq!(render(&report), expected);
    }

    #[test]
    fn columns_are_aligned_and_foreign_names_harmless() {
        let acquire = |surface, name: &str, age_ns, point| PendingAcquire {
            owner: Owner { surface, commit: 7, client_pid: Some(42), client_name: Some("game".into()) },
            state: "pending".into(),
            age_ns,
            driver: "sw_sync".into(),
            timeline: name.into(),
            point,
            predicted_in_ns: point.map(|_| -1_500_000),
            waits_for: WaitsFor::Signal,
            taken_back: 0,
        };
        let report = FencesReport {
            now_ns: 0,
            acquires: vec![
                acquire(SurfaceId(100), "a\x1b[2J", 1_000_000, Some(3)),
                acquire(SurfaceId(1001), "timeline", 123_456_789, None),
            ],
            buffers: vec![],
            watchdog_ms: 2000,
            watchdog_hits: 0,
            recent_hits: vec![],
        };
        let text = render(&report);
        let lines: Vec<&str> = text.lines().take(4).collect();
        let expected = [
            "pending acquire fences",
            "  surface  client     commit  state    age ms  driver   timeline  point  expected in ms  waits for",
            "      100  game (42)       7  pending     1.0  sw_sync  a?[2J         3            -1.5  signal",
            "     1001  game (42)       7  pending   123.5  sw_sync  timeline      -               -  signal",
        ];
        assert_eq!(lines, expected);
    }
}
