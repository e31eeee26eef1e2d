//! What is shown when: fifo, commit timing, frame callbacks, presentation feedback and the latch,
//! in virtual time.

use std::process::Stdio;
use std::time::Duration;

use fence::{SwTimeline, Until};
use syncline_tests::client::actor::{Actor, Gate, Shot};
use syncline_tests::client::timing::{Managers, Timing};
use syncline_tests::client::window::Commit;
use syncline_tests::client::{Feedback, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::{MS, Ns, now, sleep_until};

/// `wp_presentation_feedback.kind`.
const VSYNC: u32 = 1;
const HW_CLOCK: u32 = 2;
const HW_COMPLETION: u32 = 4;
const ZERO_COPY: u32 = 8;

fn actor(compositor: &Compositor, app_id: &str, size: Option<(u32, u32)>) -> (Actor, Managers, Timing) {
    let mut actor = Actor::new(compositor, app_id, size).unwrap();
    let managers = actor.client.timing().unwrap();
    let timing = managers.of(&actor.client, &actor.window.as_ref().unwrap().surface);
    (actor, managers, timing)
}

/// Sequence numbers of frames that must all have been shown.
fn shown(actor: &mut Actor, shots: &[Shot]) -> Vec<u64> {
    shots.iter().map(|shot| actor.presented(shot).unwrap().seq).collect()
}

fn consecutive(seqs: &[u64]) -> bool {
    seqs.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

fn demo(compositor: &Compositor, args: &[&str]) -> ClientReport {
    let child = compositor.demo_client(args).unwrap().stdout(Stdio::piped()).spawn().unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The longest time from a commit to the beginning of its vblank, in milliseconds.
fn to_vblank(compositor: &Compositor, report: &ClientReport) -> f64 {
    report.latency_ms.max - compositor.stamp_after_begin() as f64 / MS as f64
}

#[test]
#[ignore = "lab"]
fn a_fence_a_tenth_of_a_millisecond_before_the_vblank_makes_it_on_a_plane() {
    let compositor = Compositor::start(&["--fence-policy", "trusted", "--trust", "sw_sync"]).unwrap();
    let report = demo(&compositor, &["--frames", "200", "--warmup", "60", "--lead-ms", "0.1"]);
    let status = compositor.status().unwrap();
    assert_eq!((report.presented, report.missed_vblanks, report.discarded), (200, 0, 0), "{status}");
    assert!((5.0..5.2).contains(&to_vblank(&compositor, &report)), "{:?}", report.latency_ms);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_fence_half_a_millisecond_before_the_vblank_makes_it_when_drawn() {
    let compositor = Compositor::start(&["--fence-policy", "never"]).unwrap();
    let mut below = Actor::new(&compositor, "below", Some((300, 200))).unwrap();
    below.show(1).unwrap();
    let args = ["--windowed", "320x240", "--frames", "200", "--warmup", "60", "--lead-ms", "0.5"];
    let report = demo(&compositor, &args);
    assert_eq!((report.presented, report.missed_vblanks, report.discarded), (200, 0, 0));
    assert!((5.4..5.6).contains(&to_vblank(&compositor, &report)), "{:?}", report.latency_ms);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn the_first_frame_and_the_one_after_idling_are_not_missed() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "idle", None).unwrap();
    for frame in 0..4 {
        actor.show(2 * frame).unwrap();
        actor.show(2 * frame + 1).unwrap();
        actor.client.idle(Duration::from_millis(7_300)).unwrap();
    }
    let status = compositor.status().unwrap();
    assert_eq!(status["counters"]["missed"], 0, "{status}");
    assert_eq!(status["outputs"][0]["missed_by"], serde_json::json!({"client":0,"render":0,"commit":0,"kernel":0}));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_fence_later_than_its_past_is_the_clients_miss() {
    let compositor = Compositor::start(&["--fence-policy", "trusted", "--trust", "sw_sync"]).unwrap();
    let mut actor = Actor::new(&compositor, "late", None).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let mut last = actor.show(1).unwrap().1;
    // Twenty fences signal half a millisecond before their vblank; the next, handed over on the
    // strength of them, after it.
    for frame in 1..=21u32 {
        let vblank = last.time_ns - compositor.stamp_after_begin() + 2 * last.refresh_ns;
        sleep_until(vblank - 6 * MS);
        let shot = actor.commit(1 + u64::from(frame), Gate::Fence(&timeline.fence(frame, "late").unwrap())).unwrap();
        sleep_until(if frame <= 20 { vblank - MS / 2 } else { vblank + 3 * MS });
        timeline.inc(1).unwrap();
        last = actor.presented(&shot).unwrap();
    }
    let status = compositor.status().unwrap();
    let by = &status["counters"]["missed_by"];
    let late = by["client"].as_u64().unwrap();
    assert_eq!(late, 1, "{status}");
    assert_eq!(status["counters"]["missed"].as_u64().unwrap(), late, "and nobody else's: {by}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn an_idle_desktop_sleeps() {
    let compositor = Compositor::start(&[]).unwrap();
    let (mut actor, _managers, timing) = actor(&compositor, "idle", None);
    timing.in_turn();
    actor.show(1).unwrap();
    let frames = compositor.status().unwrap()["counters"]["frames"].clone();
    // Ten seconds after the last turn of the loop, the watch over it looks once more.
    actor.client.idle(Duration::from_secs(11)).unwrap();
    let before = compositor.process().wakeups().unwrap();
    actor.client.idle(Duration::from_secs(60)).unwrap();
    assert_eq!(compositor.process().wakeups().unwrap() - before, 0, "wake-ups in a minute");
    assert_eq!(compositor.status().unwrap()["counters"]["frames"], frames);
    compositor.stop().unwrap();
}

/// Buffers that are on no plane are detached ten to twenty seconds after the last frame
/// (`compositor/src/session/frame/detach.rs`). From then on nothing wakes the compositor.
#[test]
#[ignore = "lab"]
fn an_idle_desktop_with_spare_buffers_sleeps_once_they_are_detached() {
    let compositor = Compositor::start(&[]).unwrap();
    let (mut actor, _managers, _timing) = actor(&compositor, "idle", None);
    (1..10).for_each(|frame| drop(actor.show(frame).unwrap()));
    actor.client.idle(Duration::from_secs(21)).unwrap();
    let asked = compositor.process().wakeups().unwrap();
    actor.client.idle(Duration::from_secs(30)).unwrap();
    assert_eq!(compositor.process().wakeups().unwrap() - asked, 0, "wake-ups in thirty seconds");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn frames_in_turn_are_each_shown_and_others_overtake() {
    let compositor = Compositor::start(&[]).unwrap();
    for size in [None, Some((300, 200))] {
        let (mut actor, _managers, timing) = actor(&compositor, "fifo", size);
        actor.show(1).unwrap();
        let shots: Vec<Shot> = (2..10)
            .map(|frame| {
                timing.in_turn();
                actor.commit(frame, Gate::Open).unwrap()
            })
            .collect();
        let seqs = shown(&mut actor, &shots);
        assert!(consecutive(&seqs), "{seqs:?}");
        // The control: without barriers the last of a burst is shown, the others never.
        let shots: Vec<Shot> = (10..18).map(|frame| actor.commit(frame, Gate::Open).unwrap()).collect();
        actor.presented(&shots[7]).unwrap();
        let lost = shots.iter().filter(|shot| actor.feedback_now(shot) == Some(Feedback::Discarded)).count();
        assert!(lost >= 6, "{lost} of 7 were overtaken");
        actor.destroy().unwrap();
    }
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_frame_in_turn_does_not_overtake_one_whose_fence_is_late() {
    let compositor = Compositor::start(&[]).unwrap();
    let (mut actor, _managers, timing) = actor(&compositor, "fifo", None);
    actor.show(1).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let fence = timeline.fence(1, "late").unwrap();
    timing.in_turn();
    let late = actor.commit(2, Gate::Fence(&fence)).unwrap();
    timing.in_turn();
    let next = actor.commit(3, Gate::Open).unwrap();
    // And one that asks for nothing keeps its place behind them.
    let last = actor.commit(4, Gate::Open).unwrap();
    actor.client.idle(Duration::from_millis(200)).unwrap();
    assert_eq!([&late, &next, &last].map(|shot| actor.feedback_now(shot)), [None; 3]);
    timeline.inc(1).unwrap();
    let first = actor.presented(&late).unwrap().seq;
    actor.presented(&last).unwrap();
    match actor.feedback(&next).unwrap() {
        Feedback::Presented(presented) => assert_eq!(presented.seq, first + 1),
        // The last one came at the same latch as this one.
        Feedback::Discarded => {}
    }
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_hidden_window_in_turn_does_not_starve() {
    let compositor = Compositor::start(&[]).unwrap();
    let (mut below, _managers, timing) = actor(&compositor, "below", Some((200, 150)));
    below.show(1).unwrap();
    let mut above = Actor::new(&compositor, "above", None).unwrap();
    above.show(100).unwrap();
    let from = now();
    let mut shots = Vec::new();
    for frame in 2..22 {
        timing.in_turn();
        shots.push(below.commit(frame, Gate::Open).unwrap());
    }
    for shot in &shots[..19] {
        below.released(shot, Until::Signalled, PATIENCE).unwrap();
    }
    // About a refresh each: neither at once nor at the pace of something slower.
    let took = now() - from;
    assert!((15 * 16 * MS..25 * 17 * MS).contains(&took), "19 frames took {took} ns");
    // When it has ended and buffers are detached, nothing is left that wakes anybody.
    below.client.idle(Duration::from_secs(31)).unwrap();
    let before = compositor.process().wakeups().unwrap();
    below.client.idle(Duration::from_secs(30)).unwrap();
    assert_eq!(compositor.process().wakeups().unwrap() - before, 0);
    // It is shown again when the other one goes, and in turn.
    above.destroy().unwrap();
    timing.in_turn();
    let shot = below.commit(22, Gate::Open).unwrap();
    below.presented(&shot).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn an_unmapped_window_in_turn_does_not_starve() {
    let compositor = Compositor::start(&[]).unwrap();
    let (mut actor, _managers, timing) = actor(&compositor, "unmapped", Some((200, 150)));
    actor.show(1).unwrap();
    timing.in_turn();
    actor.unmap().unwrap();
    let from = now();
    for _ in 0..10 {
        timing.in_turn();
        actor.unmap().unwrap();
    }
    actor.client.idle(Duration::from_secs(1)).unwrap();
    actor.client.roundtrip().unwrap();
    let shot = actor.commit(2, Gate::Open);
    assert!(shot.is_ok() && now() - from < 3_000 * MS);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_commit_is_shown_at_its_time_and_not_before() {
    let compositor = Compositor::start(&[]).unwrap();
    let (mut actor, _managers, timing) = actor(&compositor, "timed", None);
    let (_, first) = actor.show(1).unwrap();
    let period = first.refresh_ns;
    // At the vblank itself, just after one, and in the middle; the last two queued before the first
    // was shown.
    let base: Ns = first.time_ns;
    let targets = [base + 20 * period, base + 30 * period + period / 3, base + 45 * period + period / 2];
    let mut shots = Vec::new();
    for (i, at) in targets.iter().enumerate() {
        timing.not_before(*at);
        shots.push(actor.commit(2 + i as u64, Gate::Open).unwrap());
    }
    let slack = period / 32;
    for (shot, at) in shots.iter().zip(targets) {
        let shown = actor.presented(shot).unwrap().time_ns;
        assert!(shown + slack >= at, "{} ns early", at - shown);
        assert!(shown < at + period, "{} ns late, of a period of {period}", shown - at);
    }
    // A time that is past holds nothing back.
    timing.not_before(1);
    let shot = actor.commit(9, Gate::Open).unwrap();
    let from = now();
    assert!(actor.presented(&shot).unwrap().time_ns < from + 2 * period);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_hidden_windows_times_come_too() {
    let compositor = Compositor::start(&[]).unwrap();
    let (mut below, _managers, timing) = actor(&compositor, "below", Some((200, 150)));
    below.show(1).unwrap();
    let mut above = Actor::new(&compositor, "above", None).unwrap();
    above.show(100).unwrap();
    let from = now();
    timing.not_before(from + 300 * MS);
    let timed = below.commit(2, Gate::Open).unwrap();
    let after = below.commit(3, Gate::Open).unwrap();
    below.released(&timed, Until::Signalled, PATIENCE).unwrap();
    let took = now() - from;
    assert!((300 * MS..330 * MS).contains(&took), "{took}");
    drop(after);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn feedback_is_the_kernels_and_of_each_surface() {
    let hardware = VSYNC | HW_CLOCK | HW_COMPLETION;
    let drawing = Compositor::start(&["--planes", "none"]).unwrap();
    let mut window = Actor::new(&drawing, "drawn", Some((300, 200))).unwrap();
    window.show(1).unwrap();
    let (_, drawn) = window.show(3).unwrap();
    assert_eq!(drawn.flags, hardware, "drawn is no zero copy");
    drawing.stop().unwrap();
    let compositor = Compositor::start(&[]).unwrap();
    let mut above = Actor::new(&compositor, "fullscreen", None).unwrap();
    above.show(4).unwrap();
    let (_, a) = above.show(5).unwrap();
    let (_, b) = above.show(6).unwrap();
    assert_eq!((a.flags, b.flags), (hardware | ZERO_COPY, hardware | ZERO_COPY));
    assert_eq!((b.time_ns - a.time_ns + a.refresh_ns / 2) / a.refresh_ns, b.seq - a.seq, "{a:?} {b:?}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn frame_callbacks_come_each_refresh_and_to_the_hidden_once_a_second() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut below = Actor::new(&compositor, "below", Some((200, 150))).unwrap();
    below.show(1).unwrap();
    let period = below.show(2).unwrap().1.refresh_ns;
    let callbacks = |actor: &mut Actor, count: u64| {
        let from = now();
        for _ in 0..count {
            let window = actor.window.as_mut().unwrap();
            let done = window.commit(&mut actor.client, &Commit { frame: true, ..Commit::default() }).unwrap();
            let token = done.frame.unwrap();
            actor.client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
        }
        (now() - from) / count
    };
    let each = callbacks(&mut below, 20);
    assert!((period * 9 / 10..period * 11 / 10).contains(&each), "{each}");
    let mut above = Actor::new(&compositor, "above", None).unwrap();
    above.show(100).unwrap();
    let frames = compositor.status().unwrap()["counters"]["frames"].clone();
    let each = callbacks(&mut below, 3);
    assert!((900 * MS..1100 * MS).contains(&each), "{each}");
    assert_eq!(compositor.status().unwrap()["counters"]["frames"], frames, "its commits cost no frames");
    compositor.stop().unwrap();
}
