//! Monitors that are changed behind a connector, links that fail, and CRTCs that are free or not.

use std::time::Duration;

use syncline_tests::client::actor::Actor;
use syncline_tests::compositor::Compositor;
use syncline_tests::edid;
use syncline_tests::time::poll_until;
use syncline_tests::vkms::{Output, Status, Vkms};

const SOON: Duration = Duration::from_secs(3);

fn size(compositor: &Compositor) -> (u64, u64) {
    let status = compositor.status().unwrap();
    let output = &status["outputs"][0];
    (output["width"].as_u64().unwrap_or(0), output["height"].as_u64().unwrap_or(0))
}

fn link_is_bad(vkms: &Vkms) -> bool {
    let inventory = kms::Device::open(vkms.card()).unwrap().inventory().unwrap();
    inventory.connectors.iter().any(kms::inventory::Connector::link_is_bad)
}

#[test]
#[ignore = "lab"]
fn another_monitor_is_lit_anew_and_the_same_one_is_left_alone() {
    let vkms = Vkms::builder("desk").output(Output::default()).build().unwrap();
    vkms.monitor(0, &edid::monitor("Left", 1, (800, 600))).unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let mut actor = Actor::new(&compositor, "moved", None).unwrap();
    assert_eq!(size(&compositor), (800, 600));
    for frame in 0..3 {
        actor.show(frame).unwrap();
    }
    vkms.monitor(0, &edid::monitor("Left", 1, (800, 600))).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    actor.show(3).unwrap();
    let frame = compositor.status().unwrap()["outputs"][0]["frame"].as_u64().unwrap();
    assert!(frame > 3 && !compositor.log().contains("its output ends"), "frame {frame}: {}", compositor.log());
    vkms.monitor(0, &edid::monitor("Right", 2, (640, 480))).unwrap();
    assert!(poll_until(SOON, || size(&compositor) == (640, 480)), "{}", compositor.log());
    assert!(compositor.log().contains("another monitor is there"), "{}", compositor.log());
    actor.show(4).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_link_that_fails_is_trained_again() {
    let vkms = Vkms::builder("link").output(Output::default()).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let mut actor = Actor::new(&compositor, "linked", None).unwrap();
    actor.show(0).unwrap();
    vkms.break_link(0).unwrap();
    assert!(poll_until(SOON, || !link_is_bad(&vkms)), "{}", compositor.log());
    assert!(compositor.log().contains("the link to the display has failed"), "{}", compositor.log());
    actor.show(1).unwrap();
    compositor.stop().unwrap();
}

/// What the kernel does with an EDID that is damaged: it refuses it, and shows its own modes.
#[test]
#[ignore = "lab"]
fn a_monitor_without_a_legible_edid_is_lit_with_the_modes_of_the_kernel() {
    let vkms = Vkms::builder("worn").output(Output::default()).build().unwrap();
    let good = edid::monitor("Worn", 1, (800, 600));
    let mut damaged = good;
    damaged[20] ^= 1;
    for (name, bytes) in [("checksum", &damaged[..]), ("cut off", &good[..100]), ("zero length", &[][..])] {
        let refused = vkms.monitor(0, bytes);
        // Nothing is written where there is nothing to write.
        assert!(refused.is_err() || bytes.is_empty(), "{name}: {refused:?}");
    }
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    assert_eq!(size(&compositor), (1024, 768), "{}", compositor.log());
    let mut actor = Actor::new(&compositor, "worn", None).unwrap();
    actor.show(0).unwrap();
    // It is legible at last: who it is says nothing about who it was, but its mode is another.
    vkms.monitor(0, &good).unwrap();
    assert!(poll_until(SOON, || size(&compositor) == (800, 600)), "{}", compositor.log());
    actor.show(1).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_display_that_is_plugged_in_later_gets_a_crtc_that_is_free() {
    let vkms = Vkms::builder("desk").outputs(2, Output::default()).any_crtc().build().unwrap();
    vkms.plug(1, Status::Disconnected).unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let lit = || compositor.status().unwrap()["outputs"].as_array().unwrap().len();
    assert_eq!(lit(), 1);
    for _ in 0..3 {
        for (display, status, expected) in [
            (1, Status::Connected, 2),
            (0, Status::Disconnected, 1),
            (0, Status::Connected, 2),
            (1, Status::Disconnected, 1),
        ] {
            vkms.plug(display, status).unwrap();
            assert!(poll_until(SOON, || lit() == expected), "{display} {status:?}: {}", compositor.log());
        }
    }
    compositor.stop().unwrap();
}
