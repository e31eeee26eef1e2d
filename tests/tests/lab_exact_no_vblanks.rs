//! A display without vblanks on a kernel: a flip is reported as soon as it has been carried out,
//! and the session paces frames by itself. In virtual time.

use syncline_tests::client::actor::Actor;
use syncline_tests::compositor::Compositor;
use syncline_tests::time::{MS, Ns};
use syncline_tests::vkms::{Builder, Output, Vkms};

/// The mode's frame, rounded.
const FRAME: Ns = 16_670_000;
/// `wp_presentation_feedback.kind`.
const VSYNC: u32 = 1;

/// The times from one frame to the next of a client that commits as soon as a frame is shown; the
/// numbers and flags of the last one.
fn shown(vkms: Builder) -> (Vkms, Compositor, Vec<Ns>, (u64, u32)) {
    let vkms = vkms.output(Output::default()).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let mut actor = Actor::new(&compositor, "film", None).unwrap();
    let mut last = actor.show(0).unwrap().1;
    let mut found = Vec::new();
    for frame in 1..=100 {
        let next = actor.show(frame).unwrap().1;
        found.push(next.time_ns - last.time_ns);
        last = next;
    }
    let status = compositor.status().unwrap();
    assert_eq!(status["counters"]["missed"], 0, "{status}");
    assert_eq!(status["counters"]["refused_commits"], 0, "{}", compositor.log());
    // It can be turned off and on as any other.
    for (state, power) in [("off", "off"), ("on", "on")] {
        let done = compositor.msg(&["output", &vkms.connector(0), state]).unwrap();
        assert!(done.status.success(), "{}", compositor.log());
        let is = || compositor.status().unwrap()["outputs"][0]["power"] == power;
        assert!(syncline_tests::time::poll_until(std::time::Duration::from_secs(2), is), "{}", compositor.log());
    }
    actor.show(101).unwrap();
    // The first ones are shown while the cost of a frame is unknown.
    (vkms, compositor, found.split_off(50), (last.seq, last.flags))
}

#[test]
#[ignore = "lab"]
fn frames_are_a_refresh_apart_though_flips_come_at_once() {
    let (_vkms, compositor, found, (seq, flags)) = shown(Vkms::builder("simple").no_vblanks());
    assert!(found.iter().all(|gap| gap.abs_diff(FRAME) < MS / 10), "{found:?}");
    assert_eq!((seq, flags), (0, 0), "neither a vblank nor a clock of the hardware");
    assert_eq!(compositor.status().unwrap()["outputs"][0]["vblanks"], false);
    assert!(compositor.log().contains("its driver has no vblanks"), "{}", compositor.log());
    compositor.stop().unwrap();
}

/// The control: on a display with vblanks, feedback says so.
#[test]
#[ignore = "lab"]
fn a_display_with_vblanks_counts_them() {
    let (_vkms, compositor, found, (seq, flags)) = shown(Vkms::builder("simple"));
    assert!(found.iter().all(|gap| gap.abs_diff(FRAME) < MS / 10), "{found:?}");
    assert!(seq >= 100 && flags & VSYNC != 0, "{seq} {flags:#x}");
    assert_eq!(compositor.status().unwrap()["outputs"][0]["vblanks"], true);
    compositor.stop().unwrap();
}
