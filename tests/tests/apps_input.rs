//! A command that types a text: that is what a terminal's program reads.
//!
//! `cargo xtask test --part apps` runs this.

use syncline_tests::apps::{App, Desk, PATIENCE};
use syncline_tests::time::poll_until;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";
/// A terminal whose program writes what it reads, a line at a time, to the file `typed`.
fn reader(desk: &Desk) -> App {
    let file = desk.file("typed", "").unwrap();
    let terminal = desk.start(&["foot", "sh", "-c", &format!("while read -r line; do echo \"$line\" >> {file}; done")]);
    desk.window("foot").unwrap();
    terminal.unwrap()
}

/// Waits until these lines have been read.
fn has_read(desk: &Desk, lines: &str, others: &[&App]) {
    let text = || std::fs::read_to_string(desk.path("typed")).unwrap_or_default();
    let logs = || others.iter().map(|app| app.log()).collect::<Vec<_>>().join("\n");
    assert!(poll_until(PATIENCE, || text() == lines), "{:?}, not {lines:?}\n{}", text(), logs());
}

#[test]
#[ignore = "apps"]
fn wtype_types_letters_of_any_language_and_keys() {
    let desk = Desk::new(TILING).unwrap();
    let terminal = reader(&desk);
    desk.run(&["timeout", "20", "wtype", "grün, 日本", "-k", "Return"]).unwrap();
    has_read(&desk, "grün, 日本\n", &[&terminal]);
    // The real keyboard has its own letters afterwards.
    desk.keyboard.text("plain\n").unwrap();
    has_read(&desk, "grün, 日本\nplain\n", &[&terminal]);
    desk.compositor.stop().unwrap();
}
