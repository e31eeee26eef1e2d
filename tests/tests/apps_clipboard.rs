//! The clipboard as people use it: copied in one program and pasted in another, what is marked by the
//! mouse, a history, an image.
//!
//! `cargo xtask test --part apps` runs this.

use std::fs;

use syncline_tests::apps::{Desk, PATIENCE};
use syncline_tests::compositor::Picture;
use syncline_tests::image::{HEIGHT, WIDTH};
use syncline_tests::time::poll_until;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";

/// Waits until `wl-paste` with these options has the text.
fn pastes(desk: &Desk, options: &[&str], wanted: &str) {
    let words = [&["timeout", "5", "wl-paste", "--no-newline"], options].concat();
    let mut last = None;
    let there = poll_until(PATIENCE, || {
        last = Some(desk.run(&words));
        last.as_ref().is_some_and(|text| text.as_ref().is_ok_and(|text| text == wanted))
    });
    assert!(there, "{last:?}");
}

/// Copies, by a program that stays in the background and must not keep what it was started with.
fn copy(desk: &Desk, words: &str) {
    desk.run(&["sh", "-c", &format!("wl-copy {words} > /dev/null 2>&1")]).unwrap();
}

#[test]
#[ignore = "apps"]
fn a_text_is_copied_from_one_program_to_another() {
    let desk = Desk::new(TILING).unwrap();
    let _foot = desk.start(&["foot"]).unwrap();
    desk.window("foot").unwrap();
    desk.keyboard.text("wl-copy hello\n").unwrap();
    pastes(&desk, &[], "hello");
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn what_is_marked_by_the_mouse_is_another_clipboard() {
    let desk = Desk::new(TILING).unwrap();
    copy(&desk, "copied");
    let words = vec!["marked"; 2000].join(" ");
    let _foot = desk.start(&["foot", "sh", "-c", &format!("echo {words}; sleep 1000")]).unwrap();
    let (x, y, w, h) = desk.window("foot").unwrap();
    // Two clicks mark a word. There are words everywhere.
    let there = poll_until(PATIENCE, || {
        desk.pointer.click(x + w / 3, y + h / 3).unwrap();
        desk.pointer.click(x + w / 3, y + h / 3).unwrap();
        desk.run(&["timeout", "5", "wl-paste", "--primary", "--no-newline"]).is_ok_and(|text| text == "marked")
    });
    assert!(there);
    pastes(&desk, &[], "copied");
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_history_hears_of_all_that_is_copied() {
    let desk = Desk::new("").unwrap();
    let _watch = desk.start(&["wl-paste", "--watch", "cliphist", "store"]).unwrap();
    let kept = |wanted: &[&str]| {
        let mut list = String::new();
        let there = poll_until(PATIENCE, || {
            list = desk.run(&["cliphist", "list"]).unwrap_or_default();
            list.lines().filter_map(|line| line.split_once('\t')).map(|(_, text)| text).eq(wanted.iter().copied())
        });
        assert!(there, "{list:?}, not {wanted:?}");
    };
    copy(&desk, "one");
    kept(&["one"]);
    copy(&desk, "two");
    kept(&["two", "one"]);
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn an_image_is_pasted_as_it_was_copied() {
    let desk = Desk::new("").unwrap();
    let (from, to) = (desk.file("screen.png", "").unwrap(), desk.file("pasted.png", "").unwrap());
    desk.run(&["grim", &from]).unwrap();
    copy(&desk, &format!("--type image/png < {from}"));
    let list = desk.run(&["timeout", "5", "wl-paste", "--list-types"]).unwrap();
    assert_eq!(list.trim(), "image/png");
    desk.run(&["sh", "-c", &format!("timeout 20 wl-paste --type image/png > {to}")]).unwrap();
    assert!(fs::read(&from).unwrap() == fs::read(&to).unwrap());
    let picture = Picture::read(&desk.path("pasted.png")).unwrap();
    assert_eq!((picture.width, picture.height), (WIDTH as usize, HEIGHT as usize));
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_paste_after_its_source_has_died_says_so_at_once() {
    let desk = Desk::new("").unwrap();
    let mut source = desk.start(&["wl-copy", "--foreground", "gone"]).unwrap();
    pastes(&desk, &[], "gone");
    source.signal(rustix::process::Signal::KILL).unwrap();
    assert!(!source.wait().unwrap().success());
    let error = poll_until(PATIENCE, || {
        desk.run(&["timeout", "5", "wl-paste"]).is_err_and(|error| error.to_string().contains("Nothing is copied"))
    });
    assert!(error);
    desk.compositor.stop().unwrap();
}
