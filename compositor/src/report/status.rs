//! `syncline msg status` and `syncline msg outputs` as text: what a person wants to know first. All
//! fields are in `--json`.
//!
//! Nothing here looks anything up. A field that is missing, because the session is of another version,
//! is left out.

use std::fmt::Write;

use serde_json::Value;

use crate::report::table;

/// The text at `key`, or nothing.
fn text<'a>(of: &'a Value, key: &str) -> &'a str {
    of[key].as_str().unwrap_or("-")
}

fn number(of: &Value, key: &str) -> u64 {
    of[key].as_u64().unwrap_or(0)
}

/// "1 window", "2 windows".
fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn list(of: &Value, key: &str) -> Vec<String> {
    of[key].as_array().into_iter().flatten().map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / (1024.0 * 1024.0))
}

/// The state of a session as a page that ends with a line break.
pub fn page(status: &Value) -> String {
    let mut out = String::new();
    let mut line = |name: &str, says: String| _ = writeln!(out, "{name:<14} {says}");
    let (counters, configuration, heap) = (&status["counters"], &status["configuration"], &status["heap"]);
    let locked = if status["locked"].as_bool() == Some(true) { ", locked" } else { "" };
    line("session", format!("{}{locked}", count(number(status, "windows"), "window")));
    let cards = list(status, "cards").join(", ");
    line("drawn by", format!("{} on {cards}", text(status, "renderer")));
    line(
        "frames",
        format!(
            "{} shown, {} of them without drawing; {} missed",
            number(counters, "frames"),
            number(counters, "direct_frames"),
            count(number(counters, "missed"), "vblank"),
        ),
    );
    let hits = number(counters, "watchdog_hits");
    let late = if hits > 0 { format!("; {} late so far", count(hits, "fence")) } else { String::new() };
    line(
        "fences",
        format!(
            "{} of clients pending{late}; {} held",
            number(status, "pending_acquires"),
            count(number(status, "buffers"), "dma-buf"),
        ),
    );
    if !heap.is_null() {
        let (used, taken) = (mib(number(heap, "used")), mib(number(heap, "taken")));
        line("memory", format!("{used} in use, {taken} taken; {}", count(number(status, "fds"), "descriptor")));
    }
    let files = list(configuration, "files");
    let files = if files.is_empty() { "built in".to_owned() } else { files.join(", ") };
    line("configuration", files);
    if let Some(error) = configuration["error"].as_str() {
        line("", format!("not taken: {error}"));
    }
    if let Some(mode) = configuration["mode"].as_str().filter(|mode| *mode != "default") {
        line("bindings", format!("those of the mode {mode}"));
    }
    out.push('\n');
    out.push_str(&outputs(&status["outputs"]));
    out
}

/// The outputs as a table.
pub fn outputs(outputs: &Value) -> String {
    let rows = outputs.as_array().into_iter().flatten().map(|of| {
        let number = |key: &str| of[key].as_i64().unwrap_or(0);
        // A session of another version says only how large it is on the desktop.
        let pixels = |at: usize, side: &str| of["mode"][at].as_i64().unwrap_or_else(|| number(side));
        let scale = of["scale"].as_f64().unwrap_or(1.0);
        let refresh = of["refresh_hz"].as_f64().unwrap_or(0.0);
        let shows = match (of["direct"].as_bool(), number("on_planes")) {
            (Some(true), _) => "a window, directly".to_owned(),
            (_, 0) => "a drawn picture".to_owned(),
            (_, planes) => format!("a drawn picture, {} on planes", count(planes as u64, "window")),
        };
        let state = match text(of, "power") {
            "on" => shows,
            power => power.to_owned(),
        };
        vec![
            text(of, "name").to_owned(),
            format!("{}x{} at {refresh:.2} Hz", pixels(0, "width"), pixels(1, "height")),
            format!("{},{}", number("x"), number("y")),
            text(of, "transform").to_owned(),
            ((scale * 1000.0).round() / 1000.0).to_string(),
            format!("{} ({})", text(of, "card"), text(of, "driver")),
            number("missed").to_string(),
            state,
        ]
    });
    let mut out = String::new();
    const COLUMNS: [&str; 8] = ["output", "mode", "place", "transform", "scale", "card", "missed", "shows"];
    table::table(&mut out, "outputs", &COLUMNS, rows.collect());
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_says_first_what_a_person_asks_first() {
        let output = json!({
            "name": "DP-1", "card": "/dev/dri/card0", "driver": "amdgpu", "x": 0, "y": 0, "width": 1707, "height": 960,
            "mode": [2560, 1440], "scale": 1.5, "transform": "normal", "refresh_hz": 143.9981, "missed": 2, "power": "on", "on_planes": 1, "direct": false,
        });
        let off = json!({ "name": "HDMI-A-1", "power": "off" });
        let status = json!({
            "renderer": "gles", "cards": ["/dev/dri/card0"], "windows": 1, "buffers": 2, "pending_acquires": 1,
            "locked": true, "fds": 45, "heap": { "used": 5_138_022, "taken": 8_283_750 },
            "counters": { "frames": 120, "direct_frames": 30, "missed": 2, "watchdog_hits": 1 },
            "configuration": { "files": [], "error": "config.toml:3: no such key", "mode": "resize" },
            "outputs": [output, off],
        });
        let expected = "\
session        1 window, locked
drawn by       gles on /dev/dri/card0
frames         120 shown, 30 of them without drawing; 2 vblanks missed
fences         1 of clients pending; 1 fence late so far; 2 dma-bufs held
memory         4.9 MiB in use, 7.9 MiB taken; 45 descriptors
configuration  built in
               not taken: config.toml:3: no such key
bindings       those of the mode resize

";
        let page = page(&status);
        let (before, table) = page.split_at(expected.len());
        assert_eq!(before, expected);
        for words in
            ["2560x1440 at 144.00 Hz", "1.5", "/dev/dri/card0 (amdgpu)", "a drawn picture, 1 window on planes", "off"]
        {
            assert!(table.contains(words), "{words} in {table}");
        }
    }

    #[test]
    fn a_session_of_another_version_is_no_reason_to_fail() {
        assert!(page(&json!({})).starts_with("session        0 windows\n"));
    }
}
