//! Programs that type: a command that types a text, a keyboard on the screen, an input method.
//! What they type is what a terminal's program reads.
//!
//! `cargo xtask test --part apps` runs this.

use syncline_tests::apps::{App, Desk, PATIENCE, SCREEN, changed};
use syncline_tests::time::poll_until;
use syncline_tests::uinput::code;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";
/// One group, in which the input method is the one for Japanese.
const PROFILE: &str = "[Groups/0]\nName=Default\nDefault Layout=us\nDefaultIM=anthy\n\n\
    [Groups/0/Items/0]\nName=keyboard-us\nLayout=\n\n[Groups/0/Items/1]\nName=anthy\nLayout=\n\n\
    [GroupOrder]\n0=Default\n";
const BEHAVIOR: &str = "[Behavior]\nActiveByDefault=True\nShareInputState=All\n";

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

#[test]
#[ignore = "apps"]
fn a_keyboard_on_the_screen_types_what_is_clicked() {
    let desk = Desk::new(TILING).unwrap();
    let terminal = reader(&desk);
    let before = desk.compositor.screenshot().unwrap();
    let keyboard = desk.start(&["wvkbd-mobintl", "-L", "300"]).unwrap();
    let place = (0, SCREEN.3 - 300, SCREEN.2, 300);
    desk.shows("the keyboard", |picture| changed(&before, picture, place) > 50_000)
        .unwrap_or_else(|error| panic!("{error}: {}", keyboard.log()));
    // Its second row begins with q, w; a row of five is 60 high.
    let row = SCREEN.3 - 300 + 90;
    let seen = desk.compositor.screenshot().unwrap();
    for x in [150, 250] {
        desk.pointer.click(x, row).unwrap();
    }
    desk.shows("letters", |picture| changed(&seen, picture, (0, 0, SCREEN.2, 60)) > 0).unwrap();
    desk.keyboard.text("\n").unwrap();
    let text = || std::fs::read_to_string(desk.path("typed")).unwrap_or_default();
    assert!(poll_until(PATIENCE, || text().trim().len() == 2), "{:?}\n{}{}", text(), keyboard.log(), terminal.log());
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_japanese_sentence_is_composed_in_a_terminal() {
    let desk = Desk::new(TILING).unwrap();
    desk.file(".config/fcitx5/profile", PROFILE).unwrap();
    desk.file(".config/fcitx5/config", BEHAVIOR).unwrap();
    let terminal = reader(&desk);
    // Without an input method the letters are what they are.
    desk.keyboard.text("nihongo\n").unwrap();
    has_read(&desk, "nihongo\n", &[&terminal]);
    let method = desk.start_on_bus(&["fcitx5", "--disable=xcb,xim,ibusfrontend", "--verbose=*=3"]).unwrap();
    // What is composed is seen in the terminal; the first letter tells that the method is there.
    let before = desk.compositor.screenshot().unwrap();
    assert!(poll_until(PATIENCE, || method.log().contains("anthy")), "{}", method.log());
    std::thread::sleep(std::time::Duration::from_secs(3));
    desk.keyboard.text("nihongo").unwrap();
    desk.shows("what is composed", |picture| changed(&before, picture, SCREEN) > 20).unwrap();
    // Space converts, Return takes it; the second Return is the terminal's.
    desk.keyboard.chord(&[code::KEY_SPACE]).unwrap();
    desk.keyboard.text("\n").unwrap();
    desk.keyboard.text("\n").unwrap();
    has_read(&desk, "nihongo\n日本語\n", &[&terminal, &method]);
    // It dies, and no key is lost.
    drop(method);
    desk.keyboard.text("nihongo\n").unwrap();
    has_read(&desk, "nihongo\n日本語\nnihongo\n", &[&terminal]);
    desk.compositor.stop().unwrap();
}
