//! What drivers of hardware refuse and vkms takes, on a kernel whose vkms refuses it too
//! (`/sys/module/vkms/parameters/refuses`, docs/lab.md).
//!
//! In virtual time: a frame is late only if the logic makes it so, and a call that sleeps takes
//! exactly as long as it sleeps.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::poll_until;
use syncline_tests::uinput::Mouse;
use syncline_tests::vkms::{Output, Vkms};

const FOLDER: &str = "/sys/module/vkms/parameters";
const SOON: Duration = Duration::from_secs(5);

const IMPORTS: u32 = 1;
const CURSOR: u32 = 2;
const MODIFIERS: u32 = 4;

/// What vkms refuses, until this is dropped.
struct Refuses;

impl Refuses {
    fn only(bits: u32) -> Self {
        write("refuses", bits);
        Self
    }

    /// So many thousand pixels a second may all planes have together.
    fn more_than(pixels: u32) -> Self {
        write("pixel_rate", pixels);
        Self
    }
}

impl Drop for Refuses {
    fn drop(&mut self) {
        write("refuses", 0);
        write("pixel_rate", 0);
    }
}

fn write(name: &str, value: u32) {
    fs::write(format!("{FOLDER}/{name}"), value.to_string()).unwrap();
}

fn client(compositor: &Compositor, frames: &str, id: &str) -> Child {
    let args = ["--windowed", "320x240", "--frames", frames, "--app-id", id];
    compositor.demo_client(&args).unwrap().stdout(Stdio::piped()).spawn().unwrap()
}

fn report(child: Child) -> ClientReport {
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Of the output at `at`.
fn output(compositor: &Compositor, at: usize) -> Value {
    compositor.status().unwrap()["outputs"][at].clone()
}

fn counter(compositor: &Compositor, name: &str) -> u64 {
    compositor.status().unwrap()["counters"][name].as_u64().unwrap()
}

#[test]
#[ignore = "lab"]
fn a_refused_cursor_plane_costs_one_commit_and_no_picture() {
    let mouse = Mouse::plug().unwrap();
    let vkms = Vkms::builder("cursor").output(Output { overlays: 1, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--planes", "all"]).unwrap();
    mouse.by(5, 5).unwrap();
    assert!(poll_until(SOON, || output(&compositor, 0)["pointer_on_plane"] == true));
    let _refuses = Refuses::only(CURSOR);
    let child = client(&compositor, "120", "a");
    for _ in 0..20 {
        mouse.by(3, 2).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(output(&compositor, 0)["pointer_on_plane"], false);
    assert_eq!(counter(&compositor, "refused_commits"), 0, "each frame was shown: {}", compositor.log());
    let report = report(child);
    assert_eq!((report.presented, report.unanswered), (120, 0));
    assert!(compositor.log().contains("refuses the cursor plane"), "{}", compositor.log());
    assert!(!compositor.log().contains("with a modeset"), "{}", compositor.log());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_modeset_that_takes_no_modifier_is_made_without() {
    let _refuses = Refuses::only(MODIFIERS);
    let vkms = Vkms::builder("modifiers").output(Output::default()).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    assert_eq!(output(&compositor, 0)["fallback"]["what"], "without modifiers", "{}", compositor.log());
    let report = report(client(&compositor, "60", "a"));
    assert_eq!((report.presented, report.unanswered), (60, 0));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn too_many_pixels_cost_the_second_display_its_mode_and_the_first_one_nothing() {
    let vkms = Vkms::builder("pixels").outputs(2, Output { cursor: false, ..Output::default() }).build().unwrap();
    // Two displays of 1024x768 at 60 Hz are 94 million pixels a second.
    let _refuses = Refuses::more_than(80_000);
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let (first, second) = (output(&compositor, 0), output(&compositor, 1));
    assert_eq!((&first["width"], &first["fallback"]), (&1024.into(), &Value::Null), "{}", compositor.log());
    assert!(second["width"].as_u64().is_some_and(|width| width < 1024), "{second}\n{}", compositor.log());
    let what = second["fallback"]["what"].as_str().unwrap().to_owned();
    assert!(what.contains("instead of 1024x768"), "{what}");
    let report = report(client(&compositor, "60", "a"));
    assert_eq!((report.presented, report.unanswered), (60, 0));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn imports_that_only_the_commit_refuses_are_tried_once_each() {
    let vkms = Vkms::builder("imports").output(Output { overlays: 2, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--planes", "all"]).unwrap();
    let _refuses = Refuses::only(IMPORTS);
    let child = client(&compositor, "300", "a");
    assert!(poll_until(SOON, || output(&compositor, 0)["frame"].as_u64().unwrap() > 60));
    let missed = counter(&compositor, "missed");
    let report = report(child);
    assert_eq!((report.presented, report.unanswered), (300, 0));
    assert_eq!(counter(&compositor, "missed"), missed);
    // A client has a handful of buffers.
    let refused = compositor.log().matches("; next: ").count();
    assert!((1..=8).contains(&refused), "{refused} refusals: {}", compositor.log());
    compositor.stop().unwrap();
}
