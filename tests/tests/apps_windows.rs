//! Programs with windows, as a distribution has them: a terminal, a GTK 4 program, the clipboard.
//! Each test looks at the screen.
//!
//! `cargo xtask test --part apps` runs them.

use syncline_tests::apps::{Desk, SCREEN, changed, count, size};
use syncline_tests::image::{BACKGROUND, Colour};
use syncline_tests::time::poll_until;
use syncline_tests::uinput::code;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";
const FOOT: &str = "font=DejaVu Sans Mono:size=10\n[colors-dark]\nbackground=204060\n";
const NAVY: Colour = [0x20, 0x40, 0x60];

#[test]
#[ignore = "apps"]
fn foot_shows_its_colours_and_what_is_typed_runs() {
    let desk = Desk::new(TILING).unwrap();
    let config = desk.file("foot.ini", FOOT).unwrap();
    desk.file("paint", "printf '\\033[48;2;200;30;40m\\033[2J'\n").unwrap();
    let home = desk.path("").to_string_lossy().into_owned();
    let mut foot = desk.start(&["foot", "--config", &config, "--working-directory", &home]).unwrap();
    desk.window_is("foot", SCREEN).unwrap();
    desk.shows("the colour of foot", |picture| count(picture, SCREEN, NAVY) > size(SCREEN) * 9 / 10).unwrap();
    desk.keyboard.text("touch typed\n").unwrap();
    assert!(poll_until(syncline_tests::apps::PATIENCE, || desk.path("typed").exists()), "{}", foot.log());
    desk.keyboard.text("sh paint\n").unwrap();
    desk.shows("what was painted", |picture| count(picture, SCREEN, [200, 30, 40]) > size(SCREEN) * 9 / 10).unwrap();
    desk.keyboard.text("exit\n").unwrap();
    assert!(foot.wait().unwrap().success(), "{}", foot.log());
    desk.is_filled("nothing of foot", SCREEN, BACKGROUND).unwrap();
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_gtk_program_decorates_itself_opens_a_menu_and_closes() {
    let desk = Desk::new("[desktop]\nlayout = \"floating\"").unwrap();
    let mut demo = desk.start_on_bus(&["gtk4-demo"]).unwrap();
    let (x, y, w, h) = desk.window("org.gtk.Demo4").unwrap();
    assert!(w < SCREEN.2 && h < SCREEN.3, "it floats: {w}x{h}");
    // The text of the page is white, the header of its own decoration is not.
    let page = (x + w / 2, y + h * 3 / 4, w / 4, h / 8);
    let header = (x + w / 4, y + 10, w / 2, 30);
    let before = desk
        .shows("the page", |picture| count(picture, page, [0xff; 3]) == size(page))
        .unwrap_or_else(|error| panic!("{error}: {}", demo.log()));
    assert_eq!(count(&before, header, [0xff; 3]), 0, "a header");
    // Its menu is left of its three buttons.
    let menu = (x + w - 290, y + 55, 280, 100);
    desk.pointer.click(x + w - 164, y + 23).unwrap();
    let open = desk.shows("the menu", |picture| changed(&before, picture, menu) > 1000).unwrap();
    assert_eq!(count(&open, page, [0xff; 3]), size(page), "nothing else is different");
    desk.keyboard.chord(&[code::KEY_ESC]).unwrap();
    desk.shows("no menu", |picture| changed(&before, picture, menu) < 100).unwrap();
    desk.pointer.click(x + w - 21, y + 23).unwrap();
    desk.no_window("org.gtk.Demo4").unwrap();
    assert!(demo.wait().unwrap().success(), "{}", demo.log());
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_dialog_of_libadwaita_takes_its_answer_from_the_keyboard() {
    let desk = Desk::new("[desktop]\nlayout = \"floating\"").unwrap();
    for (key, status) in [(code::KEY_ENTER, 0), (code::KEY_ESC, 1)] {
        let mut zenity = desk.start_on_bus(&["zenity", "--question", "--text=here"]).unwrap();
        let area = desk.window("zenity").unwrap();
        desk.shows("the dialog", |picture| count(picture, area, BACKGROUND) < size(area) / 2)
            .unwrap_or_else(|error| panic!("{error}: {}", zenity.log()));
        desk.keyboard.chord(&[key]).unwrap();
        assert_eq!(zenity.wait().unwrap().code(), Some(status), "{}", zenity.log());
    }
    desk.compositor.stop().unwrap();
}
