//! Programs that arrange displays and change their colour.
//!
//! `cargo xtask test --part apps` runs this.

use serde_json::Value;
use syncline_tests::apps::{Desk, PATIENCE, SCREEN};
use syncline_tests::time::poll_until;

const TILING: &str = "[desktop]\nlayout = \"tiling\"";

/// The first display, as `syncline msg status` has it.
fn display(desk: &Desk) -> Value {
    desk.compositor.status().unwrap()["outputs"][0].clone()
}

/// Waits until the first display is as `wanted` says.
fn becomes(desk: &Desk, what: &str, wanted: impl Fn(&Value) -> bool) {
    let there = poll_until(PATIENCE, || wanted(&display(desk)));
    assert!(there, "{what}: {}", display(desk));
}

#[test]
#[ignore = "apps"]
fn wlr_randr_lists_displays_and_changes_them() {
    let desk = Desk::new(TILING).unwrap();
    let randr = |options: &[&str]| desk.run(&[&["wlr-randr"], options].concat());
    let change = |options: &[&str]| randr(&[&["--output", "Virtual-1"], options].concat());
    let said = randr(&[]).unwrap();
    assert!(said.contains("Virtual-1") && said.contains("1024x768 px"), "{said}");
    change(&["--scale", "2"]).unwrap();
    becomes(&desk, "scale", |of| (of["scale"].as_f64(), of["width"].as_u64()) == (Some(2.0), Some(512)));
    change(&["--scale", "1", "--transform", "90"]).unwrap();
    becomes(&desk, "turned", |of| (of["width"].as_u64(), of["height"].as_u64()) == (Some(768), Some(1024)));
    change(&["--transform", "normal", "--mode", "800x600"]).unwrap();
    becomes(&desk, "mode", |of| of["mode"] == serde_json::json!([800, 600]));
    let refused = change(&["--custom-mode", "99999x9@1Hz"]).expect_err("no display has this mode");
    assert!(refused.to_string().contains("fail"), "{refused}");
    becomes(&desk, "the mode stays", |of| of["mode"] == serde_json::json!([800, 600]));
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn kanshi_applies_the_profile_of_the_displays_that_are_there() {
    let desk = Desk::new(TILING).unwrap();
    let profiles = "profile other {\n\toutput Virtual-1 mode 1024x768\n\toutput DP-7 scale 1\n}\n\
                    profile this {\n\toutput Virtual-1 mode 800x600 scale 1.5\n}\n";
    let config = desk.file("kanshi", profiles).unwrap();
    let _kanshi = desk.start(&["kanshi", "-c", &config]).unwrap();
    becomes(&desk, "the profile", |of| of["scale"] == 1.5 && of["mode"] == serde_json::json!([800, 600]));
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "apps"]
fn wlsunset_makes_the_display_warmer_and_leaves_it_as_it_was() {
    let desk = Desk::new(TILING).unwrap();
    assert!(desk.compositor.msg(&["crc", "on"]).unwrap().status.success());
    let _background = desk.start(&["swaybg", "-c", "00aa44"]).unwrap();
    desk.is_filled("the background", SCREEN, [0x00, 0xaa, 0x44]).unwrap();
    // What the display reads of the newest frame that has a CRC.
    let crc = || {
        let out = desk.compositor.msg(&["frames", "--json"]).unwrap();
        let lines = String::from_utf8_lossy(&out.stdout).into_owned();
        let frames = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        frames.filter_map(|frame| frame["crc"]["read"][0].as_u64()).next_back()
    };
    let mut before = None;
    assert!(poll_until(PATIENCE, || {
        before = crc();
        before.is_some()
    }));
    // At the equator it is day or night, and both are warm here.
    let sunset = desk.start(&["wlsunset", "-l", "0", "-L", "0", "-t", "2000", "-T", "2001"]).unwrap();
    assert!(poll_until(PATIENCE, || crc() != before), "{}", sunset.log());
    drop(sunset);
    assert!(poll_until(PATIENCE, || crc() == before), "the display is as it was");
    desk.compositor.stop().unwrap();
}
