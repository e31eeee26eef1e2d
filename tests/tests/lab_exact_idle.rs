//! Nobody is here: displays go off and on, clients hear of it, inhibitors hold it up. In virtual
//! time, so that each comes when it is due.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use syncline_tests::client::Feedback;
use syncline_tests::client::absence::{Absence, Said};
use syncline_tests::client::actor::{Actor, Gate, Shot};
use syncline_tests::client::seat::Heard;
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::error::Error;
use syncline_tests::time::{MS, Ns, now, poll_until};
use syncline_tests::uinput::{Keyboard, Mouse, code};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Status, Vkms};
use wayland_client::protocol::wl_output::WlOutput;
use wayland_client::{Proxy, WEnum};
use wayland_protocols_wlr::output_power_management::v1::client::zwlr_output_power_v1::{Mode, Request};

const SOON: Duration = Duration::from_secs(3);

fn idle(after: &str, args: &[&str]) -> Compositor {
    let folder = user::folder().unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, format!("[idle]\noff-after = \"{after}\"\n")).unwrap();
    let mut all = vec!["--config", config.to_str().unwrap()];
    all.extend(args);
    Compositor::start(&all).unwrap().keeping(folder)
}

/// What the kernel says of the connector: `On` or `Off`.
fn dpms(compositor: &Compositor, connector: &str) -> String {
    let card = compositor.card.file_name().unwrap().to_string_lossy().into_owned();
    fs::read_to_string(format!("/sys/class/drm/{card}-{connector}/dpms")).unwrap().trim().to_owned()
}

/// Of output `index`: its connector, and whether the compositor says that it is on.
fn power(compositor: &Compositor, index: usize) -> (String, bool) {
    let output = &compositor.status().unwrap()["outputs"][index];
    (output["name"].as_str().unwrap().to_owned(), output["power"] == "on")
}

/// Whether output `index` is on; the kernel must agree.
fn is_on(compositor: &Compositor, index: usize) -> bool {
    let (name, on) = power(compositor, index);
    assert_eq!(dpms(compositor, &name) == "On", on, "the kernel says otherwise");
    on
}

fn frames(compositor: &Compositor) -> u64 {
    compositor.status().unwrap()["counters"]["frames"].as_u64().unwrap()
}

/// An actor's frame, and how long its frame callback takes.
fn callback(actor: &mut Actor, frame: u64) -> (Shot, Ns) {
    let (token, start) = (actor.client.state.token(), now());
    let window = actor.window.as_ref().unwrap();
    window.surface.frame(&actor.client.qh(), token);
    let shot = actor.commit(frame, Gate::Open).unwrap();
    actor.client.wait_for("frame callback", SOON, |s| s.callbacks.contains_key(&token)).unwrap();
    (shot, now() - start)
}

#[test]
#[ignore = "lab"]
fn displays_go_off_in_time_and_a_key_wakes_them_and_arrives() {
    let keyboard = Keyboard::plug().unwrap();
    let compositor = idle("2s", &[]);
    let mut actor = Actor::new(&compositor, "here", None).unwrap();
    actor.client.seat().unwrap();
    actor.show(1).unwrap();
    keyboard.chord(&[code::KEY_A]).unwrap();
    let input = now();
    let absence = actor.client.absence().unwrap();
    let (_one, one) = absence.notify(&mut actor.client, 1000, false);
    actor.client.wait_for("idled", SOON, |s| s.said(Said::Idled(one)).is_some()).unwrap();
    let idled = actor.client.state.said(Said::Idled(one)).unwrap() - input;
    assert!((1000 * MS..1030 * MS).contains(&idled), "{idled}");
    assert!(is_on(&compositor, 0));
    std::thread::sleep(Duration::from_nanos((input + 1980 * MS).saturating_sub(now())));
    assert!(is_on(&compositor, 0), "not a moment earlier");
    std::thread::sleep(Duration::from_millis(80));
    assert!(!is_on(&compositor, 0), "{}", compositor.log());

    // Nobody sees the client now: it may draw once a second, nothing of it is shown, and nothing is
    // said to be.
    let before = frames(&compositor);
    let (first, _) = callback(&mut actor, 2);
    let (second, waited) = callback(&mut actor, 3);
    assert!((900 * MS..1100 * MS).contains(&waited), "{waited}");
    actor.client.roundtrip().unwrap();
    assert_eq!(actor.feedback_now(&first), Some(Feedback::Discarded), "replaced unseen");
    assert_eq!(actor.feedback_now(&second), None);
    assert_eq!(frames(&compositor), before);

    actor.client.state.input.heard.clear();
    let woken = now();
    keyboard.key(code::KEY_A, true).unwrap();
    let shown = actor.presented(&second).unwrap();
    assert!((woken..woken + 100 * MS).contains(&shown.time_ns), "{} after {woken}", shown.time_ns);
    assert!(is_on(&compositor, 0));
    assert!(actor.client.state.said(Said::Resumed(one)).is_some());
    assert!(actor.client.state.input.heard.contains(&Heard::Key { key: code::KEY_A.into(), pressed: true }));
    keyboard.key(code::KEY_A, false).unwrap();
    let (_, waited) = callback(&mut actor, 4);
    assert!(waited < 100 * MS, "draws as ever: {waited}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn an_inhibitor_counts_while_its_surface_is_seen() {
    let compositor = idle("2s", &[]);
    let mut actor = Actor::new(&compositor, "video", None).unwrap();
    actor.show(1).unwrap();
    let absence = actor.client.absence().unwrap();
    let surface = actor.window.as_ref().unwrap().surface.clone();
    let inhibitors = [absence.inhibit(&actor.client, &surface), absence.inhibit(&actor.client, &surface)];
    let (_heeds, heeds) = absence.notify(&mut actor.client, 500, false);
    let (_input, input) = absence.notify(&mut actor.client, 500, true);
    actor.client.idle(Duration::from_secs(3)).unwrap();
    assert!(is_on(&compositor, 0), "held up");
    assert_eq!(actor.client.state.said(Said::Idled(heeds)), None);
    assert!(actor.client.state.said(Said::Idled(input)).is_some(), "only input counts for this one");
    inhibitors[0].destroy();
    actor.client.idle(Duration::from_secs(3)).unwrap();
    assert!(is_on(&compositor, 0), "one is left");
    // A surface that goes off the screen holds up nobody, whatever inhibitors it has.
    actor.unmap().unwrap();
    actor.client.roundtrip().unwrap();
    let end = now();
    actor.client.wait_for("idled", SOON, |s| s.said(Said::Idled(heeds)).is_some()).unwrap();
    let idled = actor.client.state.said(Said::Idled(heeds)).unwrap();
    assert!((end + 480 * MS..end + 530 * MS).contains(&idled), "{} after {end}", idled);
    actor.client.idle(Duration::from_nanos(end + 1950 * MS - now())).unwrap();
    assert!(is_on(&compositor, 0), "its time counts from the end of the inhibition");
    actor.client.idle(Duration::from_millis(150)).unwrap();
    assert!(!is_on(&compositor, 0));
    compositor.stop().unwrap();
}

/// A client with the controls of all displays.
struct Controls {
    actor: Actor,
    absence: Absence,
    outputs: Vec<WlOutput>,
}

fn controls(compositor: &Compositor) -> Controls {
    let mut actor = Actor::new(compositor, "controls", Some((320, 240))).unwrap();
    let absence = actor.client.absence().unwrap();
    let globals: Vec<u32> =
        actor.client.state.globals.iter().filter(|g| g.interface == "wl_output").map(|g| g.name).collect();
    let registry = actor.client.connection().display().get_registry(&actor.client.qh(), ());
    let bind = |name: u32| registry.bind::<WlOutput, _, _>(name, 1, &actor.client.qh(), ());
    let outputs = globals.into_iter().map(bind).collect();
    Controls { actor, absence, outputs }
}

#[test]
#[ignore = "lab"]
fn what_a_client_turns_off_stays_off_until_asked_or_everything_is_dark() {
    let (keyboard, mouse) = (Keyboard::plug().unwrap(), Mouse::plug().unwrap());
    let vkms = Vkms::builder("powered").outputs(2, Output::default()).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let Controls { mut actor, absence, outputs } = controls(&compositor);
    let (first, of_first) = absence.control(&mut actor.client, &outputs[0]);
    let (_again, again) = absence.control(&mut actor.client, &outputs[0]);
    let (second, of_second) = absence.control(&mut actor.client, &outputs[1]);
    actor.client.roundtrip().unwrap();
    for control in [of_first, again, of_second] {
        assert!(actor.client.state.said(Said::Power(control, true)).is_some(), "told at once");
    }
    first.set_mode(Mode::Off);
    actor.client.wait_for("off", SOON, |s| s.said(Said::Power(again, false)).is_some()).unwrap();
    assert!(actor.client.state.said(Said::Power(of_first, false)).is_some());
    assert!(poll_until(SOON, || !power(&compositor, 0).1) && power(&compositor, 1).1);
    mouse.by(5, 5).unwrap();
    keyboard.chord(&[code::KEY_A]).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(!is_on(&compositor, 0) && is_on(&compositor, 1), "input does not turn on what was asked off");

    // The other one too: nobody shall sit in the dark.
    keyboard.key(code::KEY_A, true).unwrap();
    second.set_mode(Mode::Off);
    actor.client.flush().unwrap();
    assert!(poll_until(SOON, || !power(&compositor, 1).1));
    keyboard.key(code::KEY_A, false).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    assert!(!is_on(&compositor, 0) && !is_on(&compositor, 1), "the key that asked for it is let go");
    mouse.by(5, 5).unwrap();
    assert!(poll_until(SOON, || power(&compositor, 0).1 && power(&compositor, 1).1), "{}", compositor.log());

    // By hand.
    let (name, _) = power(&compositor, 0);
    assert!(compositor.msg(&["output", &name, "off"]).unwrap().status.success());
    assert!(poll_until(SOON, || !power(&compositor, 0).1));
    assert!(compositor.msg(&["output", &name, "on"]).unwrap().status.success());
    assert!(poll_until(SOON, || power(&compositor, 0).1));
    let wrong = compositor.msg(&["output", "HDMI-A-9", "on"]).unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && said.contains("no output `HDMI-A-9`") && said.contains(&name), "{said}");

    // Pulled while it is off: its control is of no use, and what is plugged in later is on.
    first.set_mode(Mode::Off);
    actor.client.flush().unwrap();
    assert!(poll_until(SOON, || !power(&compositor, 0).1));
    vkms.plug(0, Status::Disconnected).unwrap();
    actor.client.wait_for("failed", SOON, |s| s.said(Said::Failed(of_first)).is_some()).unwrap();
    vkms.plug(0, Status::Connected).unwrap();
    let both = || compositor.status().unwrap()["outputs"].as_array().unwrap().iter().all(|o| o["power"] == "on");
    let count = || compositor.status().unwrap()["outputs"].as_array().unwrap().len();
    assert!(poll_until(SOON, || count() == 2 && both()), "{}", compositor.log());
    first.set_mode(Mode::Off);
    actor.client.roundtrip().expect("a control that has failed does nothing");
    assert!(both());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_mode_that_is_none_is_a_protocol_error() {
    let compositor = Compositor::start(&[]).unwrap();
    let Controls { mut actor, absence, outputs } = controls(&compositor);
    let (control, _) = absence.control(&mut actor.client, &outputs[0]);
    Proxy::send_request(&control, Request::SetMode { mode: WEnum::Unknown(7) }).unwrap();
    let Error::Protocol { interface, code, message, .. } = actor.client.expect_protocol_error().unwrap() else {
        panic!("no protocol error");
    };
    assert_eq!((interface.as_str(), code), ("zwlr_output_power_v1", 1));
    assert!(message.contains("set_mode"), "{message}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn nothing_is_lost_and_no_crc_differs_over_off_and_on() {
    let compositor = idle("1h", &["--crc"]);
    let args = ["--frames", "240", "--plain"];
    let client = compositor.demo_client(&args).unwrap().stdout(Stdio::piped()).spawn().unwrap();
    let (name, _) = power(&compositor, 0);
    for round in 0..6 {
        // At any phase of a frame, and so soon that one follows while the other is under way.
        std::thread::sleep(Duration::from_millis(203));
        assert!(compositor.msg(&["output", &name, "off"]).unwrap().status.success());
        std::thread::sleep(Duration::from_millis([0, 5, 20, 150, 400, 1500][round]));
        assert!(compositor.msg(&["output", &name, "on"]).unwrap().status.success());
    }
    let out = client.wait_with_output().unwrap();
    assert!(out.status.success(), "{}", compositor.log());
    let report: ClientReport = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((report.presented + report.discarded, report.unanswered), (240, 0));
    assert!(report.presented > 200, "{}", report.presented);
    assert_eq!(report.releases_signalled, report.releases_expected);
    let status = compositor.status().unwrap();
    assert_eq!(status["counters"]["crc_different"], 0, "{status}");
    assert!(status["counters"]["crc_equal"].as_u64().unwrap() > 180, "{status}");
    assert_eq!(status["counters"]["refused_commits"], 0, "{}", compositor.log());
    assert_eq!(status["counters"]["missed"], 0, "{status}");
    compositor.stop().unwrap();
}
