//! zwp_linux_explicit_synchronization_v1 at work: a fence comes with the commit, and another one
//! goes back in a message, once for each commit, whatever becomes of it.

use std::time::Duration;

use fence::{Status, SwTimeline, SyncFile};
use rustix::io::Errno;
use syncline_tests::client::Feedback;
use syncline_tests::client::buffer::Source;
use syncline_tests::client::fenced::{FencedActor, Released, Shot};
use syncline_tests::client::sync::open_sync_device;
use syncline_tests::client::window::Commit;
use syncline_tests::compositor::Compositor;
use syncline_tests::time::poll_until;
use syncline_tests::trace::{Event, Trace, What};
use syncline_tests::user;

const SOON: Duration = Duration::from_secs(2);
const WHILE: Duration = Duration::from_millis(300);

fn signalled(fence: &SyncFile) -> bool {
    poll_until(SOON, || fence.is_signalled())
}

/// The release came, and what it came with signals.
fn is_back(actor: &mut FencedActor, shot: &Shot, what: &str) {
    match actor.released(shot, SOON).expect(what) {
        Released::Immediate => {}
        Released::Fenced(fence) => assert!(signalled(&fence), "{what}"),
    }
}

fn wl_releases(actor: &FencedActor, shot: &Shot) -> u32 {
    actor.client.state.released.get(&shot.buffer).copied().unwrap_or(0)
}

#[test]
#[ignore = "lab"]
fn the_release_fence_signals_when_the_next_frame_is_on_the_screen() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "fenced", None, Source::Auto).unwrap();
    let (mut last, _) = actor.show(1).unwrap();
    let mut before_the_flip = 0;
    for frame in 2..32 {
        let next = actor.commit(frame, None).unwrap();
        let fence = actor.fenced(&last, SOON).unwrap();
        // In this order: what has been said is looked at before the fence.
        let said = wl_releases(&actor, &last);
        if !fence.is_signalled() {
            before_the_flip += 1;
            assert_eq!(said, 0, "wl_buffer.release came while the display reads the buffer");
        }
        let presented = actor.presented(&next).unwrap();
        assert!(signalled(&fence));
        let summary = fence.driver_and_status().unwrap();
        assert_eq!(summary.status, Status::Signalled);
        let lag = summary.at.abs_diff(presented.time_ns);
        assert!(lag < 5_000_000, "the fence signalled {lag} ns from the flip");
        actor.client.wait_for("wl_buffer.release", SOON, |s| s.released.contains_key(&last.buffer)).unwrap();
        assert_eq!(wl_releases(&actor, &last), 1, "frame {frame}");
        actor.client.state.released.clear();
        last = next;
    }
    assert!(before_the_flip >= 20, "{before_the_flip} of 30 releases were known before the flip");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_window_that_is_rendered_gets_its_buffers_back() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "window", Some((200, 150)), Source::Auto).unwrap();
    let (mut last, _) = actor.show(1).unwrap();
    for frame in 2..12 {
        let (next, _) = actor.show(frame).unwrap();
        is_back(&mut actor, &last, "the replaced frame");
        last = next;
    }
    assert!(!actor.has_come(&last), "the frame on the screen is in use");
    compositor.stop().unwrap();
}

/// The CRC predictor reads a frame's buffers after it is on the screen: they come back later, and
/// as often.
#[test]
#[ignore = "lab"]
fn a_buffer_that_others_read_comes_back_when_they_have() {
    let compositor = Compositor::start(&["--crc"]).unwrap();
    let mut actor = FencedActor::new(&compositor, "read", None, Source::Auto).unwrap();
    let (mut last, _) = actor.show(1).unwrap();
    for frame in 2..32 {
        let (next, _) = actor.show(frame).unwrap();
        is_back(&mut actor, &last, "the replaced frame");
        actor.client.wait_for("wl_buffer.release", SOON, |s| s.released.contains_key(&last.buffer)).unwrap();
        assert_eq!(wl_releases(&actor, &last), 1, "frame {frame}");
        actor.client.state.released.clear();
        last = next;
    }
    let status = compositor.status().unwrap();
    assert_eq!(status["counters"]["crc_different"], 0, "{status}");
    compositor.stop().unwrap();
}

/// A steady client's pending fence goes to the display, where the policy trusts its driver.
#[test]
#[ignore = "lab"]
fn a_pending_fence_is_handed_to_the_display() {
    let folder = user::folder().unwrap();
    let trace = folder.path().join("trace.json");
    let args = ["--fence-policy", "trusted", "--trust", "sw_sync", "--trace", &trace.to_string_lossy()];
    let compositor = Compositor::start(&args).unwrap();
    let mut actor = FencedActor::new(&compositor, "steady", None, Source::Auto).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    for point in 1..41 {
        let shot = actor.commit(u64::from(point) + 1, Some(&timeline.fence(point, "steady").unwrap())).unwrap();
        std::thread::sleep(Duration::from_millis(4));
        timeline.inc(1).unwrap();
        actor.presented(&shot).unwrap();
    }
    // By that past the next one will come in time, so it is not waited for: the display has it, and
    // it is still pending.
    let late = SwTimeline::open().unwrap();
    let shot = actor.commit(200, Some(&late.fence(1, "late").unwrap())).unwrap();
    actor.client.roundtrip().unwrap();
    let waits = || {
        let out = compositor.msg(&["fences", "--json"]).unwrap();
        String::from_utf8_lossy(&out.stdout).contains("hardware")
    };
    assert!(poll_until(SOON, waits), "not handed over");
    late.inc(1).unwrap();
    actor.presented(&shot).unwrap();
    compositor.stop().unwrap();
    let trace = Trace::read(&trace).unwrap();
    let handed = |e: &&Event| matches!(&e.what, What::Acquire(a) if a.mode == "kms");
    let fenced = |e: &&Event| matches!(&e.what, What::KmsCommit(k) if k.planes.iter().any(|p| p.in_fence));
    let (handed, fenced) = (trace.events.iter().filter(handed).count(), trace.events.iter().filter(fenced).count());
    assert!(handed > 0 && fenced >= handed, "{handed} handed over, {fenced} commits with a fence");
}

#[test]
#[ignore = "lab"]
fn shared_memory_is_released_at_once() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "shm", Some((200, 150)), Source::Shm).unwrap();
    // It is copied, so it comes back before the next commit.
    let (first, _) = actor.show(1).unwrap();
    assert!(matches!(actor.released(&first, SOON).unwrap(), Released::Immediate));
    assert_eq!(wl_releases(&actor, &first), 1);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn the_previous_frame_stays_until_the_fence_signals() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "late", None, Source::Auto).unwrap();
    let (first, _) = actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let late = actor.commit(2, Some(&timeline.fence(1, "late").unwrap())).unwrap();
    actor.client.idle(WHILE).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(1));
    assert_eq!(actor.feedback_now(&late), None);
    assert!(!actor.has_come(&first) && !actor.has_come(&late));
    timeline.inc(1).unwrap();
    actor.presented(&late).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(2));
    is_back(&mut actor, &first, "the replaced frame");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_failed_fence_comes_back_with_its_error() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "failing", None, Source::Auto).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let failed = actor.commit(2, Some(&timeline.fence(1, "fails").unwrap())).unwrap();
    actor.client.idle(WHILE).unwrap();
    // Closing a sw_sync timeline signals what is left on it with ENOENT.
    drop(timeline);
    assert_eq!(actor.feedback(&failed).unwrap(), Feedback::Discarded);
    let fence = actor.fenced(&failed, SOON).unwrap();
    match fence.status().unwrap() {
        Status::Failed(error) => assert_eq!(error.0, Errno::NOENT),
        other => panic!("the release fence is {other:?}, not the failed one"),
    }
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(1));
    // One that has failed before its commit, too; and the client is not cut off.
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "has failed").unwrap();
    drop(timeline);
    let failed = actor.commit(3, Some(&fence)).unwrap();
    let fence = actor.fenced(&failed, SOON).unwrap();
    assert!(matches!(fence.status().unwrap(), Status::Failed(error) if error.0 == Errno::NOENT));
    actor.show(4).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(4));
    compositor.stop().unwrap();
}

/// A driver may give its client a link of a timeline's chain as the sync_file; the error shows
/// through it.
#[test]
#[ignore = "lab"]
fn a_failed_link_of_a_timeline_comes_back_with_its_error() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "link", None, Source::Auto).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let point = open_sync_device().unwrap().create_timeline().unwrap().point(1);
    point.import(&timeline.fence(1, "fails").unwrap()).unwrap();
    let link = point.export().unwrap().unwrap();
    let failed = actor.commit(2, Some(&link)).unwrap();
    actor.client.idle(WHILE).unwrap();
    drop(timeline);
    assert_eq!(actor.feedback(&failed).unwrap(), Feedback::Discarded);
    let fence = actor.fenced(&failed, SOON).unwrap();
    let status = fence.status().unwrap();
    assert!(matches!(status, Status::Failed(error) if error.0 == Errno::NOENT), "{status:?}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_buffer_that_was_never_read_is_released_at_once() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "overtaking", None, Source::Auto).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let stuck = actor.commit(2, Some(&timeline.fence(1, "never").unwrap())).unwrap();
    actor.show(3).unwrap();
    assert_eq!(actor.feedback(&stuck).unwrap(), Feedback::Discarded);
    assert!(matches!(actor.released(&stuck, SOON).unwrap(), Released::Immediate));
    assert_eq!(wl_releases(&actor, &stuck), 1);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn an_unmapped_window_gets_its_buffers_back() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "unmapped", None, Source::Auto).unwrap();
    let (shown, _) = actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let stuck = actor.commit(2, Some(&timeline.fence(1, "never").unwrap())).unwrap();
    actor.unmap().unwrap();
    is_back(&mut actor, &shown, "the frame that was on the screen");
    assert!(matches!(actor.released(&stuck, SOON).unwrap(), Released::Immediate), "the frame that was pending");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_destroyed_window_gets_its_buffers_back() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "destroyed", None, Source::Auto).unwrap();
    let (shown, _) = actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let stuck = actor.commit(2, Some(&timeline.fence(1, "never").unwrap())).unwrap();
    // And a release that no commit ever came for.
    let token = actor.client.state.token();
    let qh = actor.client.qh();
    actor.window.as_ref().unwrap().fences.as_ref().unwrap().get_release(&qh, token);
    actor.destroy().unwrap();
    is_back(&mut actor, &shown, "the frame that was on the screen");
    assert!(matches!(actor.released(&stuck, SOON).unwrap(), Released::Immediate), "the frame that was pending");
    actor.client.wait_for("the release without a commit", SOON, |s| s.buffer_releases.contains_key(&token)).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn the_object_takes_its_fence_with_it_and_leaves_its_release() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "object", None, Source::Auto).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let never = timeline.fence(1, "never").unwrap();
    // Set and asked for, and then the object goes before the commit.
    let token = actor.client.state.token();
    let qh = actor.client.qh();
    let window = actor.window.as_mut().unwrap();
    let fences = window.fences.take().unwrap();
    fences.set_acquire_fence(std::os::fd::AsFd::as_fd(&never));
    fences.get_release(&qh, token);
    fences.destroy();
    let (buffer, _pixels) = actor.client.buffer(Source::Auto, 64, 64).unwrap();
    let window = actor.window.as_mut().unwrap();
    let commit = Commit { buffer: Some(&buffer), feedback: true, ..Commit::default() };
    let feedback = window.commit(&mut actor.client, &commit).unwrap().feedback.unwrap();
    actor.client.wait_for("the frame without its fence", SOON, |s| s.feedback.contains_key(&feedback)).unwrap();
    assert!(matches!(actor.client.state.feedback[&feedback], Feedback::Presented(_)));
    assert!(!actor.client.state.buffer_releases.contains_key(&token));
    // A new object for the same surface; the old one's release comes when the buffer is replaced.
    actor.window.as_mut().unwrap().fenced(&actor.client).unwrap();
    actor.show(2).unwrap();
    actor.client.wait_for("the release", SOON, |s| s.buffer_releases.contains_key(&token)).unwrap();
    compositor.stop().unwrap();
}

/// Without get_release the buffer comes back as it always did.
#[test]
#[ignore = "lab"]
fn a_fence_without_a_release_leaves_wl_buffer_release() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = FencedActor::new(&compositor, "half", None, Source::Auto).unwrap();
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "late").unwrap();
    let (buffer, _pixels) = actor.client.buffer(Source::Auto, 64, 64).unwrap();
    let acquire_fence = Some(std::os::fd::AsFd::as_fd(&fence));
    let commit = Commit { buffer: Some(&buffer), acquire_fence, feedback: true, ..Commit::default() };
    let window = actor.window.as_mut().unwrap();
    let feedback = window.commit(&mut actor.client, &commit).unwrap().feedback.unwrap();
    actor.client.idle(WHILE).unwrap();
    assert!(!actor.client.state.feedback.contains_key(&feedback), "the fence is not waited for");
    timeline.inc(1).unwrap();
    actor.client.wait_for("the frame", SOON, |s| s.feedback.contains_key(&feedback)).unwrap();
    actor.show(2).unwrap();
    actor.client.wait_for("wl_buffer.release", SOON, |s| s.released.get(&buffer.token) == Some(&1)).unwrap();
    compositor.stop().unwrap();
}
