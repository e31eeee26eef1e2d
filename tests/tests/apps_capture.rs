//! Programs that take pictures of the screen: a screenshot of all of it and of what somebody draws a
//! frame around, a mirror. Each picture is compared with the session's own.
//!
//! `cargo xtask test --part apps` runs this.

use syncline_tests::apps::{Desk, SCREEN, changed, count, size};
use syncline_tests::compositor::Picture;
use syncline_tests::image::{Colour, HEIGHT, WIDTH};
use syncline_tests::uinput::code;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";
const GREEN: Colour = [0x00, 0xaa, 0x44];
const NAVY: Colour = [0x20, 0x40, 0x60];
const ORANGE: Colour = [0xee, 0x77, 0x00];

/// A background of one colour, with nothing else on the screen.
fn filled(desk: &Desk) -> syncline_tests::apps::App {
    let background = desk.start(&["swaybg", "-c", "00aa44"]).unwrap();
    desk.is_filled("the background", SCREEN, GREEN).unwrap();
    background
}

/// What `grim` writes with these options.
fn grim(desk: &Desk, options: &[&str]) -> Picture {
    let path = desk.file("grim.png", "").unwrap();
    desk.run(&[&["timeout", "50", "grim"], options, &[&path]].concat()).unwrap();
    Picture::read(&desk.path("grim.png")).unwrap()
}

#[test]
#[ignore = "apps"]
fn grim_takes_the_picture_that_is_seen() {
    let desk = Desk::new(TILING).unwrap();
    let config = desk.file("foot.ini", "font=DejaVu Sans Mono:size=10\n[colors-dark]\nbackground=204060\n").unwrap();
    let _foot = desk.start(&["foot", "-c", &config, "sh", "-c", "seq 500; sleep 1000"]).unwrap();
    desk.window("foot").unwrap();
    desk.shows("the terminal", |picture| count(picture, SCREEN, NAVY) > size(SCREEN) / 2).unwrap();
    let seen = desk.compositor.screenshot().unwrap();
    let taken = grim(&desk, &[]);
    assert_eq!((taken.width, taken.height), (WIDTH as usize, HEIGHT as usize));
    assert_eq!(changed(&seen, &taken, SCREEN), 0);
    // A region and a display.
    let region = grim(&desk, &["-g", "10,20 300x200"]);
    assert_eq!((region.width, region.height), (300, 200));
    let differ = (0..200).flat_map(|y| (0..300).map(move |x| (x, y))).find(|(x, y)| {
        let (one, other) = (region.at(*x, *y), seen.at(x + 10, y + 20));
        one != other
    });
    assert_eq!(differ, None);

    assert_eq!(changed(&seen, &grim(&desk, &["-o", "Virtual-1"]), SCREEN), 0);
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn while_the_screen_is_locked_grim_sees_the_lock_alone() {
    let desk = Desk::new(TILING).unwrap();
    let _background = filled(&desk);
    let mut lock = desk.start(&["swaylock", "--no-unlock-indicator", "--color", "ee7700"]).unwrap();
    desk.is_filled("the lock", SCREEN, ORANGE).unwrap();
    let taken = grim(&desk, &[]);
    assert_eq!(count(&taken, SCREEN, ORANGE), size(SCREEN));
    desk.keyboard.text("lab\n").unwrap();
    assert!(lock.wait().unwrap().success(), "{}", lock.log());
    desk.is_filled("the background", SCREEN, GREEN).unwrap();
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn slurp_prints_what_somebody_draws_a_frame_around() {
    let desk = Desk::new(TILING).unwrap();
    let _background = filled(&desk);
    let mut slurp = desk.start(&["slurp"]).unwrap();
    // It darkens the screen.
    desk.shows("slurp", |picture| count(picture, SCREEN, GREEN) == 0).unwrap();
    desk.pointer.to(100, 150).unwrap();
    desk.pointer.button(code::BTN_LEFT, true).unwrap();
    desk.pointer.to(400, 350).unwrap();
    desk.pointer.button(code::BTN_LEFT, false).unwrap();
    assert!(slurp.wait().unwrap().success(), "{}", slurp.log());
    // Both corners are in it.
    assert_eq!(slurp.log().trim(), "100,150 301x201");
    desk.is_filled("the background", SCREEN, GREEN).unwrap();
    // Escape is no answer.
    let mut slurp = desk.start(&["slurp"]).unwrap();
    desk.shows("slurp", |picture| count(picture, SCREEN, GREEN) == 0).unwrap();
    desk.keyboard.chord(&[code::KEY_ESC]).unwrap();
    assert!(!slurp.wait().unwrap().success());
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_mirror_shows_the_screen_in_a_window() {
    let desk = Desk::new("[desktop]\nlayout = \"floating\"").unwrap();
    let _background = filled(&desk);

    let mirror = desk.start(&["wl-mirror", "Virtual-1"]).unwrap();
    let (x, y, w, h) = desk.window("at.yrlf.wl_mirror").unwrap_or_else(|error| panic!("{error}: {}", mirror.log()));
    // A row in the middle is black only until the first picture is there.
    let inside = (x + w / 4, y + h / 4, w / 8, h / 8);
    desk.shows("the screen", |picture| count(picture, inside, GREEN) > size(inside) / 2)
        .unwrap_or_else(|error| panic!("{error}: {}", mirror.log()));
    desk.compositor.stop().unwrap();
}
