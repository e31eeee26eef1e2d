//! Fences through the whole compositor when something gives way: no file descriptor left, an
//! acquire fence that fails on the display, and who keeps a buffer meanwhile.

use std::time::Duration;

use fence::{Status, SwTimeline, Until};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, prlimit};
use serde_json::Value;
use syncline_tests::client::Feedback;
use syncline_tests::client::actor::{Actor, Gate, status};
use syncline_tests::client::buffer::Source;
use syncline_tests::client::fenced::FencedActor;
use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;

const SOON: Duration = Duration::from_secs(3);
const ALWAYS: [&str; 2] = ["--fence-policy", "always"];

fn fences(compositor: &Compositor) -> Value {
    let out = compositor.msg(&["fences", "--json"]).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Whether some buffer has a user of this kind.
fn is_used(report: &Value, kind: &str) -> bool {
    let buffers = report["buffers"].as_array().unwrap();
    buffers.iter().any(|b| b["users"].as_array().unwrap().iter().any(|u| u["use"] == kind))
}

/// Frames whose fences signal 3 ms after their commits: a past, by which the next fence is handed
/// over.
fn make_a_past(actor: &mut Actor) {
    let timeline = SwTimeline::open().unwrap();
    for value in 1..41 {
        let shot = actor.commit(u64::from(value), Gate::Fence(&timeline.fence(value, "").unwrap())).unwrap();
        std::thread::sleep(Duration::from_millis(3));
        timeline.inc(1).unwrap();
        actor.presented(&shot).unwrap();
    }
}

/// The display waits for this fence, and nobody else.
fn display_waits(compositor: &Compositor) -> bool {
    poll_until(SOON, || {
        let report = fences(compositor);
        report["acquires"].as_array().unwrap().iter().any(|a| a["waits_for"] == "hardware")
    })
}

/// The soft limit of the compositor's file descriptors; the old one.
fn limit_fds(compositor: &Compositor, current: Option<u64>) -> Rlimit {
    let pid = rustix::process::Pid::from_raw(compositor.process().0 as i32);
    // Nothing changes with a limit that is far above all.
    let old = prlimit(pid, Resource::Nofile, Rlimit { current, maximum: Some(4096) }).unwrap();
    Rlimit { current: old.current, maximum: old.maximum }
}

#[test]
#[ignore = "lab"]
fn no_release_is_lost_while_the_compositor_has_no_file_descriptor_left() {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "starved", None).unwrap();
    // Its buffers and timelines are known before the famine.
    let mut shots: Vec<_> = (1..4).map(|frame| actor.show(frame).unwrap().0).collect();
    let timeline = SwTimeline::open().unwrap();
    let pending = actor.commit(4, Gate::Fence(&timeline.fence(1, "").unwrap())).unwrap();
    let unsubmitted = actor.commit(5, Gate::Nothing).unwrap();
    actor.client.roundtrip().unwrap();
    // What is open stays open, nothing new can be.
    let old = limit_fds(&compositor, Some(3));
    timeline.inc(1).unwrap();
    // The fence comes, the frame is latched, and the one before it has to go back: all without a
    // descriptor.
    actor.client.idle(Duration::from_millis(300)).unwrap();
    unsubmitted.acquire.signal().unwrap();
    actor.client.idle(Duration::from_millis(300)).unwrap();
    assert!(compositor.alive(), "{}", compositor.log());
    limit_fds(&compositor, old.current);
    shots.extend([pending, unsubmitted]);
    let last = actor.show(6).unwrap().0;
    for (number, shot) in shots.iter().enumerate() {
        actor.released(shot, Until::Signalled, SOON).unwrap_or_else(|error| panic!("release {number}: {error}"));
    }
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(6));
    actor.show(7).unwrap();
    actor.released(&last, Until::Signalled, SOON).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_fence_that_fails_on_the_display_is_told_to_its_client() {
    let folder = user::folder().unwrap();
    let trace = folder.path().join("trace.json");
    let compositor = Compositor::start(&[&ALWAYS[..], &["--trace", &trace.to_string_lossy()]].concat()).unwrap();
    let mut actor = Actor::new(&compositor, "failing", None).unwrap();
    make_a_past(&mut actor);
    let timeline = SwTimeline::open().unwrap();
    let failing = actor.commit(50, Gate::Fence(&timeline.fence(1, "fails").unwrap())).unwrap();
    actor.client.roundtrip().unwrap();
    assert!(display_waits(&compositor), "not handed over: {}", fences(&compositor));
    // Closing the timeline fails what is pending on it with ENOENT; the display goes on with what
    // is in the buffer.
    drop(timeline);
    assert_eq!(actor.feedback(&failing).unwrap(), Feedback::Discarded, "it is not what its client meant to draw");
    let good = actor.show(51).unwrap().0;
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(51));
    actor.released(&failing, Until::Signalled, SOON).unwrap();
    match status(&failing.release).unwrap() {
        Some(Status::Failed(error)) => assert_eq!(error.0, Errno::NOENT),
        other => panic!("the release point carries {other:?}, not the error"),
    }
    actor.show(52).unwrap();
    actor.released(&good, Until::Signalled, SOON).unwrap();
    assert_eq!(status(&good.release).unwrap(), Some(Status::Signalled), "the next frame's release has no error");
    compositor.stop().unwrap();
    let trace = Trace::read(&trace).unwrap();
    let failed = trace.events.iter().find_map(|e| match &e.what {
        What::Acquire(a) if a.state == "failed" => Some(a),
        _ => None,
    });
    let failed = failed.expect("the trace names the failed fence");
    assert_eq!(failed.mode, "kms");
    let told = |e: &syncline_tests::trace::Event| {
        matches!(&e.what, What::Release(r) if (r.surface, r.commit) == (failed.surface, failed.commit)
            && r.error.as_ref().is_some_and(|error| !error.is_null()))
    };
    assert!(trace.events.iter().any(told), "the trace's release names the error");
}

/// A fence that is handed to the display needs no SET_DEADLINE of ours: the kernel tells its maker
/// when the vblank is.
#[test]
#[ignore = "lab"]
fn the_kernel_tells_a_fences_deadline_that_it_was_handed() {
    let compositor = Compositor::start(&ALWAYS).unwrap();
    let mut actor = Actor::new(&compositor, "deadline", None).unwrap();
    make_a_past(&mut actor);
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "").unwrap();
    let shot = actor.commit(50, Gate::Fence(&fence)).unwrap();
    actor.client.roundtrip().unwrap();
    assert!(display_waits(&compositor), "not handed over: {}", fences(&compositor));
    let deadline = timeline.deadline(&fence).unwrap().expect("nobody has told a deadline");
    timeline.inc(1).unwrap();
    let shown = actor.presented(&shot).unwrap().time_ns;
    // The vblank of its latch, which it may have missed while we looked.
    assert!(deadline <= shown + 2_000_000 && shown - deadline.min(shown) < 1_000_000_000, "{deadline} for {shown}");
    compositor.stop().unwrap();
}

/// One that is waited for is told by us, at its commit.
#[test]
#[ignore = "lab"]
fn a_fence_that_is_waited_for_hears_its_deadline_from_us() {
    let compositor = Compositor::start(&["--fence-policy", "never"]).unwrap();
    let mut actor = Actor::new(&compositor, "deadline", None).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "").unwrap();
    let shot = actor.commit(2, Gate::Fence(&fence)).unwrap();
    actor.client.roundtrip().unwrap();
    assert!(timeline.deadline(&fence).unwrap().is_some(), "nobody has told a deadline");
    timeline.inc(1).unwrap();
    actor.presented(&shot).unwrap();
    compositor.stop().unwrap();
}

/// A fence that is pending for long costs no frames and no wake-ups.
#[test]
#[ignore = "lab"]
fn a_pending_fence_does_not_keep_the_desktop_awake() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "late", None).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let late = actor.commit(2, Gate::Fence(&timeline.fence(1, "late").unwrap())).unwrap();
    let watched = poll_until(SOON, || fences(&compositor)["acquires"][0]["waits_for"] == "signal");
    assert!(watched, "{}", fences(&compositor));
    let frames = |compositor: &Compositor| compositor.status().unwrap()["counters"]["frames"].clone();
    let before = frames(&compositor);
    actor.client.idle(Duration::from_millis(500)).unwrap();
    assert_eq!(frames(&compositor), before, "nothing has changed on the screen");
    timeline.inc(1).unwrap();
    actor.presented(&late).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn what_a_commit_replaced_is_back_before_its_flip() {
    let compositor = Compositor::start(&ALWAYS).unwrap();
    let mut actor = Actor::new(&compositor, "flip", None).unwrap();
    make_a_past(&mut actor);
    let timeline = SwTimeline::open().unwrap();
    // The commit that replaces the last frame is with the display, and its flip waits for this
    // fence.
    let shot = actor.commit(50, Gate::Fence(&timeline.fence(1, "").unwrap())).unwrap();
    actor.client.roundtrip().unwrap();
    assert!(display_waits(&compositor), "not handed over: {}", fences(&compositor));
    let report = fences(&compositor);
    // Its point has the out-fence already, so that only the new one is out.
    assert_eq!(report["buffers"].as_array().unwrap().len(), 1, "{report}");
    assert!(is_used(&report, "plane") && !is_used(&report, "until_flip"), "{report}");
    timeline.inc(1).unwrap();
    actor.presented(&shot).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_buffer_is_listed_with_the_crc_check_that_reads_it() {
    let compositor = Compositor::start(&[&ALWAYS[..], &["--crc"]].concat()).unwrap();
    let mut actor = Actor::new(&compositor, "crc", None).unwrap();
    make_a_past(&mut actor);
    let timeline = SwTimeline::open().unwrap();
    let shot = actor.commit(50, Gate::Fence(&timeline.fence(1, "").unwrap())).unwrap();
    actor.client.roundtrip().unwrap();
    // Its check is kept with the frame until the flip, which waits for the fence.
    assert!(display_waits(&compositor), "not handed over: {}", fences(&compositor));
    let report = fences(&compositor);
    assert!(is_used(&report, "crc"), "{report}");
    timeline.inc(1).unwrap();
    actor.presented(&shot).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn releases_by_message_are_listed_as_fences() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "fenced", None, Source::Auto).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let late = actor.commit(2, Some(&timeline.fence(1, "late").unwrap())).unwrap();
    actor.client.roundtrip().unwrap();
    let report = fences(&compositor);
    let buffers = report["buffers"].as_array().unwrap();
    assert_eq!(buffers.len(), 2, "one on the screen, one pending: {report}");
    for buffer in buffers {
        assert_eq!((&buffer["kind"], &buffer["point"]), (&"fence".into(), &Value::Null), "{buffer}");
    }
    let acquire = &report["acquires"][0];
    assert_eq!((&acquire["state"], &acquire["driver"]), (&"pending".into(), &"sw_sync".into()), "{acquire}");
    assert_eq!(acquire["point"], Value::Null);
    timeline.inc(1).unwrap();
    actor.presented(&late).unwrap();
    compositor.stop().unwrap();
}

/// A GPU whose every `every`th pass fails after it was handed to the display
/// (`compositor/src/render/fault.rs`).
fn failing_gpu(every: &str, args: &[&str]) -> Compositor {
    let card = syncline_tests::lab::find_card(None).unwrap();
    Compositor::start_with(&card, args, &[("SYNCLINE_FAULT_RENDER", every.as_ref())]).unwrap()
}

#[test]
#[ignore = "lab"]
fn a_render_pass_that_fails_is_told_and_drawn_again() {
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let compositor = failing_gpu("5", &["--planes", "none", "--crc", "--trace", path.to_str().unwrap()]);
    let mut actor = Actor::new(&compositor, "drawn", None).unwrap();
    let (mut shown, mut discarded) = (0, 0);
    let mut shots = Vec::new();
    for frame in 1..=40 {
        let shot = actor.commit(frame, Gate::Open).unwrap();
        match actor.feedback(&shot).unwrap() {
            Feedback::Presented(_) => shown += 1,
            Feedback::Discarded => discarded += 1,
        }
        // The pass that draws it anew is done before the next one.
        actor.client.idle(Duration::from_millis(40)).unwrap();
        shots.push(shot);
    }
    assert!((5..15).contains(&discarded) && shown + discarded == 40, "{shown} shown, {discarded} discarded");
    // Every buffer but the last comes back, without an error: a later pass has composited it well.
    let last = shots.pop().unwrap();
    for shot in &shots {
        actor.released(shot, Until::Signalled, SOON).unwrap();
        assert_eq!(status(&shot.release).unwrap(), Some(Status::Signalled));
    }
    let counters = compositor.status().unwrap()["counters"].clone();
    assert!(counters["failed_passes"].as_u64().unwrap() >= discarded, "{counters}");
    assert_eq!(
        (counters["crc_different"].as_u64(), counters["refused_commits"].as_u64()),
        (Some(0), Some(0)),
        "{counters}"
    );
    // What is on the screen in the end is the last frame, composited by a pass that did not fail.
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(40));
    drop(last);
    assert!(compositor.log().contains("the render pass of frame") && compositor.log().contains("rendering it again"));
    compositor.stop().unwrap();
    let trace = Trace::read(&path).unwrap();
    assert!(trace.complete);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"redraw\""), "named in the trace");
}

#[test]
#[ignore = "lab"]
fn a_gpu_that_always_fails_is_left_alone_until_something_changes() {
    let compositor = failing_gpu("1", &["--planes", "none"]);
    let mut actor = Actor::new(&compositor, "hopeless", None).unwrap();
    let passes = || compositor.status().unwrap()["counters"]["failed_passes"].as_u64().unwrap();
    let first = actor.commit(1, Gate::Open).unwrap();
    assert_eq!(actor.feedback(&first).unwrap(), Feedback::Discarded);
    actor.client.idle(Duration::from_millis(500)).unwrap();
    let before = passes();
    actor.client.idle(Duration::from_millis(500)).unwrap();
    assert_eq!(passes(), before, "no frame without a change");
    let shot = actor.commit(2, Gate::Open).unwrap();
    assert_eq!(actor.feedback(&shot).unwrap(), Feedback::Discarded);
    assert!(passes() > before, "a change is drawn");
    // No pass has composited the first one well: its client hears of it.
    actor.released(&first, Until::Signalled, SOON).unwrap();
    assert_eq!(status(&first.release).unwrap(), Some(Status::Failed(fence::FenceError(Errno::NOENT))));
    compositor.stop().unwrap();
}
