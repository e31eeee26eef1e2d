//! Displays that a client configures (`wlr-output-management`), and that are made by request, beside those of vkms.

use std::time::Duration;

use syncline_tests::client::Client;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::heads::Outcome;
use syncline_tests::compositor::Compositor;
use syncline_tests::edid;
use syncline_tests::time::poll_until;
use syncline_tests::vkms::{Output, Status, Vkms};
use wayland_protocols_wlr::output_management::v1::client::zwlr_output_manager_v1::ZwlrOutputManagerV1;

const SOON: Duration = Duration::from_secs(3);

/// Two displays, each with the modes that the kernel gives one without EDID; a session at 1024x768.
fn two() -> (Vkms, Compositor) {
    let vkms = Vkms::builder("heads").outputs(2, Output::default()).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    (vkms, compositor)
}

/// Asks for a size of the second display; all others stay. `apply`: it is not only tested.
fn ask(client: &mut Client, manager: &ZwlrOutputManagerV1, name: &str, size: (i32, i32), apply: bool) -> Outcome {
    let serial = client.state.heads.serial.unwrap();
    let (configuration, token) = client.configuration(manager, serial);
    let mode = client.state.heads.of_size(name, size).cloned();
    client.enable_all(&configuration, |head, wanted| match &mode {
        _ if head.name != name => {}
        Some(mode) => wanted.set_mode(mode),
        None => wanted.set_custom_mode(size.0, size.1, 0),
    });
    if apply {
        configuration.apply()
    } else {
        configuration.test()
    }
    client.outcome(token).unwrap()
}

fn size(compositor: &Compositor, at: usize) -> (u64, u64) {
    let status = compositor.status().unwrap();
    let mode = &status["outputs"][at]["mode"];
    (mode[0].as_u64().unwrap_or(0), mode[1].as_u64().unwrap_or(0))
}

#[test]
#[ignore = "lab"]
fn a_test_changes_nothing_and_what_is_applied_is_lit() {
    let (vkms, compositor) = two();
    let mut client = compositor.client().unwrap();
    let manager = client.heads().unwrap();
    let second = vkms.connector(1);
    let before = (size(&compositor, 0), size(&compositor, 1));
    assert_eq!(client.state.heads.list.len(), 2);
    let frames = || compositor.log().matches("800x600").count();
    let lit = frames();
    assert_eq!(ask(&mut client, &manager, &second, (800, 600), false), Outcome::Succeeded);
    assert_eq!(((size(&compositor, 0), size(&compositor, 1)), frames()), (before, lit), "only tested");
    // No display has it, so it is not even asked of the kernel.
    for apply in [false, true] {
        assert_eq!(ask(&mut client, &manager, &second, (801, 601), apply), Outcome::Failed);
    }
    // One of two that cannot be lit so: the other one stays as it was.
    let (first, serial) = (vkms.connector(0), client.state.heads.serial.unwrap());
    let (configuration, token) = client.configuration(&manager, serial);
    let mode = client.state.heads.of_size(&first, (800, 600)).cloned().unwrap();
    client.enable_all(&configuration, |head, wanted| match head.name == first {
        true => wanted.set_mode(&mode),
        false => wanted.set_custom_mode(801, 601, 0),
    });
    configuration.apply();
    assert_eq!(client.outcome(token).unwrap(), Outcome::Failed);
    assert_eq!((size(&compositor, 0), size(&compositor, 1)), before);
    assert_eq!(ask(&mut client, &manager, &second, (800, 600), true), Outcome::Succeeded);
    assert_eq!((size(&compositor, 0), size(&compositor, 1)), (before.0, (800, 600)));
    let named = second.clone();
    let told = move |state: &syncline_tests::client::State| state.heads.mode_of(&named).is_some_and(|of| of.0 == 800);
    client.wait_for("the mode as it is now", SOON, told).unwrap();
    let mut actor = Actor::new(&compositor, "after", None).unwrap();
    actor.show(0).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_configuration_of_other_displays_is_cancelled() {
    let (vkms, compositor) = two();
    let mut client = compositor.client().unwrap();
    let manager = client.heads().unwrap();
    let (first, before) = (vkms.connector(0), size(&compositor, 0));
    let old = client.state.heads.serial.unwrap();
    let (configuration, token) = client.configuration(&manager, old);
    let mode = client.state.heads.of_size(&first, (800, 600)).cloned().unwrap();
    client.enable_all(&configuration, |head, wanted| {
        if head.name == first {
            wanted.set_mode(&mode);
        }
    });
    // Another display is gone before it is applied.
    vkms.plug(1, Status::Disconnected).unwrap();
    client.wait_for("one display", SOON, |state| state.heads.list.len() == 1).unwrap();
    configuration.apply();
    assert_eq!(client.outcome(token).unwrap(), Outcome::Cancelled);
    assert_eq!(size(&compositor, 0), before);
    assert_eq!(ask(&mut client, &manager, &first, (800, 600), true), Outcome::Succeeded);
    assert_eq!(size(&compositor, 0), (800, 600));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_display_that_is_pulled_while_it_is_lit_leaves_the_others_as_they_were() {
    let (vkms, compositor) = two();
    let mut client = compositor.client().unwrap();
    let manager = client.heads().unwrap();
    let (first, second) = (vkms.connector(0), vkms.connector(1));
    let before = size(&compositor, 0);
    for round in 0..4 {
        let serial = client.state.heads.serial.unwrap();
        let (configuration, token) = client.configuration(&manager, serial);
        let modes = [&first, &second].map(|name| client.state.heads.of_size(name, (800, 600)).cloned().unwrap());
        client.enable_all(&configuration, |head, wanted| wanted.set_mode(&modes[usize::from(head.name == second)]));
        configuration.apply();
        client.flush().unwrap();
        std::thread::sleep(Duration::from_millis(round * 3));
        // Another monitor without the mode is there, or none.
        vkms.monitor(1, &edid::monitor("Other", round as u32 + 1, (640, 480))).unwrap();
        match client.outcome(token).unwrap() {
            // It came too late to matter.
            Outcome::Succeeded => assert_eq!(size(&compositor, 0), (800, 600)),
            Outcome::Failed | Outcome::Cancelled => assert_eq!(size(&compositor, 0), before, "round {round}"),
        }
        assert!(poll_until(SOON, || size(&compositor, 1) == (640, 480)), "{}", compositor.log());
        let mut actor = Actor::new(&compositor, "still", None).unwrap();
        actor.show(0).unwrap();
        // A client that has not heard of the other monitor yet is cancelled, and looks again.
        let wanted = (before.0 as i32, before.1 as i32);
        let mut back = (0..20).map(|_| ask(&mut client, &manager, &first, wanted, true));
        assert_eq!(back.find(|back| *back != Outcome::Cancelled), Some(Outcome::Succeeded));
        drop(back);
        assert_eq!(size(&compositor, 0), before);
        vkms.plug(1, Status::Disconnected).unwrap();
        client.wait_for("one display", SOON, |state| state.heads.list.len() == 1).unwrap();
        vkms.monitor(1, &edid::monitor("Usual", 99, (800, 600))).unwrap();
        vkms.plug(1, Status::Connected).unwrap();
        let named = second.clone();
        let back = move |state: &syncline_tests::client::State| state.heads.of_size(&named, (800, 600)).is_some();
        client.wait_for("both displays", SOON, back).unwrap();
    }
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_display_is_made_beside_those_of_the_card_and_shows_a_client() {
    let vkms = Vkms::builder("made").output(Output::default()).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let out = compositor.msg(&["output", "create", "--size", "640x480", "--refresh", "50"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "HEADLESS-1\n", "{}", String::from_utf8_lossy(&out.stderr));
    let mut actor = Actor::new(&compositor, "moved", None).unwrap();
    actor.show(0).unwrap();
    assert!(compositor.msg(&["action", "move-to-output HEADLESS-1"]).unwrap().status.success());
    let frame = |at: usize| compositor.status().unwrap()["outputs"][at]["frame"].as_u64().unwrap();
    let before = frame(1);
    for shown in 1..20 {
        actor.show(shown).unwrap();
    }
    assert!(frame(1) >= before + 19, "{}", compositor.log());
    assert!(!compositor.msg(&["output", &vkms.connector(0), "remove"]).unwrap().status.success());
    assert!(compositor.msg(&["output", "HEADLESS-1", "remove"]).unwrap().status.success());
    actor.show(20).unwrap();
    assert_eq!(compositor.status().unwrap()["outputs"].as_array().unwrap().len(), 1);
    compositor.stop().unwrap();
}
