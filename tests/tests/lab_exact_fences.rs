//! Fences that come late, never, or with an error: what they cost, and whom.

use std::process::{Child, Stdio};
use std::time::Duration;

use fence::{Status, SwTimeline, Until};
use rustix::io::Errno;
use syncline_tests::client::Feedback;
use syncline_tests::client::actor::{Actor, Gate, reached, status};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;

const SOON: Duration = Duration::from_secs(2);
const WHILE: Duration = Duration::from_millis(300);

/// A second, well-behaved client in a process of its own.
fn neighbour(compositor: &Compositor, frames: u32) -> Child {
    let frames = frames.to_string();
    let args = ["--windowed", "320x240", "--plain", "--app-id", "neighbour", "--frames", &frames];
    compositor.demo_client(&args).unwrap().stdout(Stdio::piped()).spawn().unwrap()
}

fn report(child: Child) -> ClientReport {
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The neighbour's frame rate beside a window whose second frame is behind `gate`.
fn neighbour_of(gate: Gate<'_>) {
    let compositor = Compositor::start(&[]).unwrap();
    let alone = report(neighbour(&compositor, 120));
    let mut bad = Actor::new(&compositor, "bad", Some((400, 300))).unwrap();
    bad.show(1).unwrap();
    let stuck = bad.commit(2, gate).unwrap();
    let beside = report(neighbour(&compositor, 120));
    assert_eq!(beside.presented, 120);
    // A busy machine misses some with and without the bad one; a compositor that waits for it
    // misses them all.
    let (missed, alone) = (beside.missed_vblanks, alone.missed_vblanks);
    assert!(missed <= alone * 2 + 10, "missed {missed} beside the bad one, {alone} alone");
    bad.client.roundtrip().unwrap();
    assert_eq!(bad.feedback_now(&stuck), None, "the frame cannot have been shown");
    // It is the bad client's own loss: its next good frame is shown.
    bad.show(3).unwrap();
    bad.released(&stuck, Until::Signalled, SOON).expect("a superseded commit is released");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_fence_that_never_signals_costs_its_own_surface() {
    let timeline = SwTimeline::open().unwrap();
    neighbour_of(Gate::Fence(&timeline.fence(1, "never").unwrap()));
}

#[test]
#[ignore = "lab"]
fn a_point_that_never_materialises_costs_its_own_surface() {
    neighbour_of(Gate::Nothing);
}

#[test]
#[ignore = "lab"]
fn the_previous_frame_stays_until_the_fence_signals() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "late", None).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "late").unwrap();
    let late = actor.commit(2, Gate::Fence(&fence)).unwrap();
    actor.client.idle(WHILE).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(1));
    assert_eq!(actor.feedback_now(&late), None);
    timeline.inc(1).unwrap();
    actor.presented(&late).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(2));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_point_that_materialises_late_is_shown_then() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "late", None).unwrap();
    actor.show(1).unwrap();
    let late = actor.commit(2, Gate::Nothing).unwrap();
    actor.client.idle(WHILE).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(1));
    let timeline = SwTimeline::open().unwrap();
    late.acquire.import(&timeline.fence(1, "late").unwrap()).unwrap();
    actor.client.idle(WHILE).unwrap();
    assert_eq!(actor.feedback_now(&late), None, "materialised is not signalled");
    timeline.inc(1).unwrap();
    actor.presented(&late).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_newer_frame_overtakes_one_that_is_stuck() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "overtaking", None).unwrap();
    let (first, _) = actor.show(1).unwrap();
    let stuck = actor.commit(2, Gate::Nothing).unwrap();
    actor.show(3).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(3));
    assert_eq!(actor.feedback(&stuck).unwrap(), Feedback::Discarded);
    actor.released(&stuck, Until::Signalled, SOON).unwrap();
    actor.released(&first, Until::Signalled, SOON).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_failed_fence_keeps_the_last_good_frame_and_tells_the_client() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "failing", None).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "fails").unwrap();
    let failed = actor.commit(2, Gate::Fence(&fence)).unwrap();
    let watch = failed.release.eventfd(Until::Available).unwrap();
    actor.client.idle(WHILE).unwrap();
    // Closing a sw_sync timeline signals what is left on it with ENOENT.
    drop(timeline);
    assert_eq!(actor.feedback(&failed).unwrap(), Feedback::Discarded);
    actor.released(&failed, Until::Signalled, SOON).unwrap();
    drop(watch);
    match status(&failed.release).unwrap() {
        Some(Status::Failed(error)) => assert_eq!(error.0, Errno::NOENT),
        other => panic!("the release point carries {other:?}, not the error"),
    }
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(1));
    // And the client is not cut off.
    actor.show(3).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(3));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn the_release_point_has_its_fence_before_the_flip() {
    let compositor = Compositor::start(&["--fence-policy", "trusted", "--trust", "sw_sync"]).unwrap();
    let child = compositor.demo_client(&["--frames", "120"]).unwrap().stdout(Stdio::piped()).spawn().unwrap();
    let report = report(child);
    assert_eq!(report.presented, 120);
    assert_eq!(report.releases_signalled, report.releases_expected);
    let (before, shown) = (report.releases_before_flip, report.presented);
    assert!(before * 10 >= shown * 9, "{before} of {shown} releases were known before the flip");
    // The signal is that of the flip itself, not of somebody's wake-up.
    assert!(report.release_lag_ms.p99 < 1.0, "{:?}", report.release_lag_ms);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_covered_window_still_gets_its_buffers_back() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut below = Actor::new(&compositor, "below", Some((200, 150))).unwrap();
    let (first, _) = below.show(1).unwrap();
    let mut above = Actor::new(&compositor, "above", None).unwrap();
    above.show(100).unwrap();
    let second = below.commit(2, Gate::Open).unwrap();
    below.released(&first, Until::Signalled, SOON).unwrap();
    let _third = below.commit(3, Gate::Open).unwrap();
    below.released(&second, Until::Signalled, SOON).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn an_unmapped_window_gets_its_buffers_back() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "unmapped", None).unwrap();
    let (shown, _) = actor.show(1).unwrap();
    let stuck = actor.commit(2, Gate::Nothing).unwrap();
    actor.unmap().unwrap();
    actor.released(&shown, Until::Signalled, SOON).expect("the frame that was on the screen");
    actor.released(&stuck, Until::Signalled, SOON).expect("the frame that was pending");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_destroyed_window_gets_its_buffers_back() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "destroyed", None).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let (shown, _) = actor.show(1).unwrap();
    let stuck = actor.commit(2, Gate::Fence(&timeline.fence(1, "never").unwrap())).unwrap();
    actor.destroy().unwrap();
    actor.released(&shown, Until::Signalled, SOON).expect("the frame that was on the screen");
    actor.released(&stuck, Until::Signalled, SOON).expect("the frame that was pending");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_dead_clients_points_are_signalled() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "dead", None).unwrap();
    let (shown, _) = actor.show(1).unwrap();
    let stuck = actor.commit(2, Gate::Nothing).unwrap();
    drop(actor);
    assert!(reached(&shown.release, Until::Signalled, SOON).unwrap(), "the frame that was on the screen");
    assert!(reached(&stuck.release, Until::Signalled, SOON).unwrap(), "the frame that was pending");
    compositor.stop().unwrap();
}
