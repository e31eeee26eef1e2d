//! Variable refresh on a kernel: a display that shows a frame until the next one comes, between the
//! mode's rate and 40 Hz. In virtual time.

use syncline_tests::client::actor::Actor;
use syncline_tests::compositor::Compositor;
use syncline_tests::time::{MS, Ns, sleep_until};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};

/// The mode's frame, rounded.
const SHORTEST: Ns = 16_670_000;
const LONGEST: Ns = 25 * MS;

/// From one frame to the next where the client commits each so long after the last one was shown, in
/// ns; and how many counted as late.
fn intervals(after: Ns, vrr: bool) -> (Vec<Ns>, u64) {
    let vkms = Vkms::builder("variable").output(Output::default()).variable(40).build().unwrap();
    let dir = user::folder().unwrap();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, format!("vrr = {vrr}\n")).unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--config", config.to_str().unwrap()]).unwrap();
    let status = compositor.status().unwrap();
    assert_eq!(status["outputs"][0]["vrr"], vrr, "{status}");
    let mut actor = Actor::new(&compositor, "film", None).unwrap();
    let mut last = actor.show(0).unwrap().1.time_ns;
    let mut found = Vec::new();
    for frame in 1..=40 {
        // Clients are told of time stamps, and this is about vblanks.
        sleep_until(last - compositor.stamp_after_begin() + after);
        let shown = actor.show(frame).unwrap().1.time_ns;
        found.push(shown - last);
        last = shown;
    }
    let missed = compositor.status().unwrap()["counters"]["missed"].as_u64().unwrap();
    compositor.stop().unwrap();
    // The first ones are shown while the time of the vblanks is still unknown.
    (found.split_off(5), missed)
}

#[test]
#[ignore = "lab"]
fn a_frame_is_shown_when_the_client_makes_it() {
    for after in [18, 20, 23] {
        let (found, missed) = intervals(after * MS, true);
        let expected = after * MS..after * MS + MS / 2;
        assert!(found.iter().all(|interval| expected.contains(interval)), "after {after} ms: {found:?}");
        assert_eq!(missed, 0);
    }
}

#[test]
#[ignore = "lab"]
fn no_frame_is_shorter_than_the_modes() {
    let (found, missed) = intervals(5 * MS, true);
    assert!(found.iter().all(|interval| interval.abs_diff(SHORTEST) < MS / 10), "{found:?}");
    assert_eq!(missed, 0);
}

/// The display shows the old frame again, and that takes as long as any frame.
#[test]
#[ignore = "lab"]
fn a_frame_that_comes_too_late_waits_until_the_old_one_was_shown_again() {
    let (found, missed) = intervals(LONGEST + 2 * MS, true);
    let expected = LONGEST + SHORTEST;
    assert!(found.iter().all(|interval| interval.abs_diff(expected) < MS / 2), "{found:?}");
    assert_eq!(missed, 0);
}

/// The control: on the same display with a fixed refresh, frames are whole vblanks apart.
#[test]
#[ignore = "lab"]
fn without_it_a_frame_waits_for_the_next_vblank() {
    let (found, _) = intervals(20 * MS, false);
    assert!(found.iter().all(|interval| interval.abs_diff(2 * SHORTEST) < MS / 10), "{found:?}");
}
