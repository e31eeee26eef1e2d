//! The screen's lock, as a distribution has it: `swaylock`, with the distribution's PAM.
//!
//! `cargo xtask test --part apps` runs them.

use rustix::process::Signal;
use syncline_tests::apps::{App, Desk, PATIENCE, SCREEN, count, size};
use syncline_tests::image::Colour;
use syncline_tests::time::poll_until;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";
/// Of the window that nobody may see.
const SECRET: Colour = [0x80, 0x20, 0x40];
const GREEN: Colour = [0x00, 0xaa, 0x44];

/// A session with a window that fills the screen.
fn desk() -> (Desk, App) {
    let desk = Desk::new(TILING).unwrap();
    let config = desk.file("foot.ini", "[colors-dark]\nbackground=802040\n").unwrap();
    let foot = desk.start(&["foot", "--config", &config]).unwrap();
    shows_the_window(&desk);
    (desk, foot)
}

fn shows_the_window(desk: &Desk) {
    desk.shows("the window", |picture| count(picture, SCREEN, SECRET) > size(SCREEN) * 9 / 10).unwrap();
}

fn lock(desk: &Desk) -> App {
    // Without its ring the screen has one colour while somebody types.
    let swaylock = desk.start(&["swaylock", "--no-unlock-indicator", "--color", "00aa44"]).unwrap();
    desk.is_filled("the colour of swaylock", SCREEN, GREEN).unwrap();
    assert!(is_locked(desk));
    swaylock
}

fn is_locked(desk: &Desk) -> bool {
    desk.compositor.status().unwrap()["locked"] == true
}

#[test]
#[ignore = "apps"]
fn swaylock_hides_everything_until_the_password_is_typed() {
    let (desk, _foot) = desk();
    let mut swaylock = lock(&desk);
    desk.keyboard.text("wrong\n").unwrap();
    let said = || swaylock.log().contains("pam_authenticate failed");
    assert!(poll_until(PATIENCE, said), "{}", swaylock.log());
    assert!(is_locked(&desk) && swaylock.alive());
    desk.is_filled("the colour of swaylock", SCREEN, GREEN).unwrap();
    desk.keyboard.text("lab\n").unwrap();
    assert!(swaylock.wait().unwrap().success(), "{}", swaylock.log());
    assert!(!is_locked(&desk));
    shows_the_window(&desk);
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn a_session_whose_swaylock_is_killed_stays_locked_for_the_next_one() {
    let (desk, mut foot) = desk();
    let mut swaylock = lock(&desk);
    swaylock.signal(Signal::KILL).unwrap();
    swaylock.wait().unwrap();
    desk.shows("nothing of swaylock", |picture| count(picture, SCREEN, GREEN) == 0).unwrap();
    assert!(is_locked(&desk));
    // Nobody hears what is typed now.
    desk.keyboard.text("exit\n").unwrap();
    let picture = desk.compositor.screenshot().unwrap();
    assert_eq!(count(&picture, SCREEN, SECRET), 0);
    let mut swaylock = lock(&desk);
    assert!(foot.alive(), "{}", foot.log());
    swaylock.signal(Signal::USR1).unwrap();
    assert!(swaylock.wait().unwrap().success(), "{}", swaylock.log());
    assert!(!is_locked(&desk));
    shows_the_window(&desk);
    desk.compositor.stop().unwrap();
}
