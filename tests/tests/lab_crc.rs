//! What the display shows is what the scene says, frame by frame, by the display's own CRC; and
//! where it must differ, it does.

use std::collections::HashSet;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use syncline_tests::client::buffer::Source;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::trace::{Crc, Trace, What};
use syncline_tests::user;

fn start(trace: &Path) -> Compositor {
    let trace = trace.to_string_lossy();
    Compositor::start(&["--crc", "--trace", &trace, "--fence-policy", "trusted", "--trust", "sw_sync"]).unwrap()
}

fn crcs(trace: &Trace) -> Vec<&Crc> {
    let crc = |e: &'_ syncline_tests::trace::Event| matches!(e.what, What::Crc(_));
    let all = trace.events.iter().filter(|e| crc(e));
    all.filter_map(|e| if let What::Crc(c) = &e.what { Some(c) } else { None }).collect()
}

/// Runs demo clients side by side and returns the trace.
fn scene(clients: &[&[&str]]) -> Trace {
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let compositor = start(&path);
    let children: Vec<_> = clients
        .iter()
        .map(|args| compositor.demo_client(args).unwrap().stdout(Stdio::null()).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    compositor.stop().unwrap();
    Trace::read(&path).unwrap()
}

/// No CRC differs, and nearly all were compared.
fn all_equal(trace: &Trace, frames: u64) {
    let summary = Summary::of(trace);
    assert!(trace.complete);
    assert_eq!(summary.crcs.different, 0, "{:?}", crcs(trace).iter().find(|c| c.verdict == "different"));
    assert!(summary.crcs.equal * 10 >= frames * 9, "{:?} of {frames} frames", summary.crcs);
}

#[test]
#[ignore = "lab"]
fn fullscreen_frames_with_late_fences() {
    let trace = scene(&[&["--frames", "120"]]);
    all_equal(&trace, 120);
    // The pattern moves: the same CRC again and again would be a display that stands still.
    let values: HashSet<String> =
        crcs(&trace).iter().filter(|c| c.verdict == "equal").map(|c| format!("{:?}", c.read)).collect();
    assert!(values.len() > 80, "only {} different CRCs in 120 frames", values.len());
}

#[test]
#[ignore = "lab"]
fn fullscreen_frames_on_udmabuf() {
    all_equal(&scene(&[&["--frames", "60", "--source", "udmabuf"]]), 60);
}

#[test]
#[ignore = "lab"]
fn two_windows() {
    let left = ["--windowed", "300x200", "--frames", "90", "--app-id", "left"];
    let right = ["--windowed", "401x299", "--frames", "90", "--hue", "128", "--plain", "--app-id", "right"];
    all_equal(&scene(&[&left, &right]), 90);
}

#[test]
#[ignore = "lab"]
fn a_shm_window() {
    all_equal(&scene(&[&["--shm", "--windowed", "333x222", "--frames", "60"]]), 60);
}

/// The control: a client that goes on drawing into a buffer which it has handed over must make CRCs
/// differ.
#[test]
#[ignore = "lab"]
fn a_client_that_scribbles_is_seen() {
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let compositor = start(&path);
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "scribbler", fullscreen: true }).unwrap();
    let (width, height) = window.size(&client, (640, 480));
    let (buffer, mut pixels) = client.buffer(Source::Heap, width, height).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut value = 0_u8;
            while !stop.load(Ordering::Relaxed) {
                value = value.wrapping_add(1);
                pixels.write(|bytes| bytes.fill(value)).unwrap();
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        for _ in 0..60 {
            let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
            let done = window.commit(&mut client, &commit).unwrap();
            let token = done.frame.unwrap();
            client.wait_for("a frame callback", Duration::from_secs(5), |s| s.callbacks.contains_key(&token)).unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    drop(client);
    compositor.stop().unwrap();
    let summary = Summary::of(&Trace::read(&path).unwrap());
    assert!(summary.crcs.different > 0, "nobody saw it: {:?}", summary.crcs);
}
