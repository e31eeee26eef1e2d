//! What drivers of hardware refuse and vkms takes, on a kernel whose vkms refuses it too
//! (`/sys/module/vkms/parameters/refuses`, docs/lab.md).
//!
//! In virtual time: a frame is late only if the logic makes it so, and a call that sleeps takes
//! exactly as long as it sleeps.

use std::fs;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use drm_fourcc::{DrmFourcc, DrmModifier};
use fence::SwTimeline;
use serde_json::Value;
use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::client::buffer::{Source, allocate};
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::client::{Feedback, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::poll_until;
use syncline_tests::trace::{Trace, What};
use syncline_tests::uinput::Mouse;
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};

const FOLDER: &str = "/sys/module/vkms/parameters";
const SOON: Duration = Duration::from_secs(5);

const IMPORTS: u32 = 1;
const CURSOR: u32 = 2;
const MODIFIERS: u32 = 4;
const HURRY: u32 = 16;

const SIZE: (u32, u32) = (320, 240);

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

/// What became of two displays that were in each other's way.
struct Beside {
    compositor: Compositor,
    counters: Value,
    trace: Trace,
    /// Frames of the window that has another layout in each.
    laid_out: u64,
}

/// Shows buffers of two formats in turn until `over`, so that the planes are laid out anew in each
/// frame; how many were shown. None may be lost.
fn alternate(compositor: &Compositor, over: &AtomicBool) -> u64 {
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "alternating", fullscreen: false }).unwrap();
    let buffers = [DrmFourcc::Xrgb8888, DrmFourcc::Xbgr8888].map(|format| {
        let memory = allocate(Source::Heap, (SIZE.0 * SIZE.1 * 4) as usize).unwrap();
        client.wrap_dmabuf(&memory, SIZE.0, SIZE.1, format, u64::from(DrmModifier::Linear)).unwrap()
    });
    let mut shown = 0;
    for buffer in buffers.iter().cycle() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
        client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
        assert!(matches!(client.state.feedback[&token], Feedback::Presented(_)), "{}", compositor.log());
        shown += 1;
    }
    shown
}

/// Two displays of different rates, so that their frames meet in every phase. On the first one a
/// window changes its layout in each frame. On the second one the fence of every twentieth frame,
/// which was handed over, comes some 8 ms late: for so long its commit is in flight.
fn beside_another(name: &str, bits: u32) -> Beside {
    let mouse = Mouse::plug().unwrap();
    let vkms = Vkms::builder(name).outputs(2, Output { overlays: 1, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let [config, trace] = ["config.toml", "trace.json"].map(|name| folder.path().join(name));
    let connector = vkms.connector(0);
    fs::write(&config, format!("[[output]]\nname = \"{connector}\"\nmode = \"800x600@56.25\"\n")).unwrap();
    let files = [&config, &trace].map(|path| path.to_str().unwrap().to_owned());
    let args = ["--config", &files[0], "--trace", &files[1], "--planes", "all", "--fence-policy", "always"];
    let mut compositor = Compositor::start_on(vkms.card(), &args).unwrap();
    mouse.by(4000, 0).unwrap();
    compositor.status().unwrap();
    let mut steady = Actor::new(&compositor, "steady", Some(SIZE)).unwrap();
    steady.show(0).unwrap();
    mouse.by(-4000, 0).unwrap();
    compositor.status().unwrap();
    let over = AtomicBool::new(false);
    let laid_out = scope(|scope| {
        let alternating = scope.spawn(|| alternate(&compositor, &over));
        let both = || (0..2).all(|at| output(&compositor, at)["on_planes"] == 1);
        assert!(poll_until(SOON, both), "{}", compositor.log());
        let _refuses = Refuses::only(bits);
        let timeline = SwTimeline::open().unwrap();
        for frame in 1..=240 {
            let fence = timeline.fence(frame, "steady").unwrap();
            let shot = steady.commit(frame.into(), Gate::Fence(&fence)).unwrap();
            sleep(Duration::from_millis(if frame % 20 == 0 { 25 } else { 1 }));
            timeline.inc(1).unwrap();
            steady.presented(&shot).unwrap();
        }
        over.store(true, Ordering::Relaxed);
        alternating.join().unwrap()
    });
    let counters = compositor.status().unwrap()["counters"].clone();
    assert!(compositor.terminate().unwrap().success());
    assert!(!compositor.log().contains("with a modeset"), "{}", compositor.log());
    assert!(laid_out > 150, "{laid_out} frames in four seconds");
    Beside { compositor, counters, trace: Trace::read(&trace).unwrap(), laid_out }
}

/// How long those commits took, in ms, that took longer than two.
fn long(trace: &Trace) -> Vec<f64> {
    let commits = trace.events.iter().filter(|event| matches!(event.what, What::KmsCommit(_)));
    commits.map(|event| (event.end - event.at) as f64 / 1e6).filter(|took| *took > 2.0).collect()
}

#[test]
#[ignore = "lab"]
fn a_driver_whose_calls_sleep_is_found_out_and_not_made_to() {
    let Beside { compositor, counters, trace, laid_out } = beside_another("hurry", HURRY);
    let (long, put_off) = (long(&trace), counters["put_off_frames"].as_u64().unwrap());
    println!("{laid_out} frames laid out, {put_off} put off, {long:?} ms");
    // Virtual time passes only in calls that sleep. It takes three to find out.
    assert!((1..=3).contains(&long.len()), "{long:?} ms");
    assert_eq!(compositor.log().matches("tests and commits take long").count(), 1, "{}", compositor.log());
    assert!(put_off >= 5, "they were in each other's way: {}", compositor.log());
}
