//! Sessions on virtual terminals: switched away from and back to, and killed.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use syncline_tests::client::Client;
use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::client::seat::Heard;
use syncline_tests::compositor::{Compositor, START, binary};
use syncline_tests::image::{HEIGHT, Image, WIDTH};
use syncline_tests::other_session::OtherSession;
use syncline_tests::time::poll_until;
use syncline_tests::uinput::{Keyboard, code};
use syncline_tests::vkms::{Output, Status, Vkms};
use syncline_tests::vt::{self, Seatd};
use syncline_tests::{lab, uinput, user};

/// A session on tty1, with a keyboard.
struct Desk {
    compositor: Compositor,
    keyboard: Keyboard,
    seatd: Seatd,
    /// What a login prompt would keep open: without anyone there the kernel has no such terminal.
    _tty3: std::fs::File,
}

fn session(seatd: &Seatd, args: &[&str]) -> Compositor {
    let card = lab::find_card(None).unwrap();
    Compositor::start_with(&card, args, &[("SEATD_SOCK", seatd.socket().as_os_str())]).unwrap()
}

impl Desk {
    fn new() -> Desk {
        Desk::on(&[])
    }

    /// With further arguments.
    fn on(args: &[&str]) -> Desk {
        Desk::with(|seatd| session(seatd, args))
    }

    /// With this session.
    fn with(session: impl FnOnce(&Seatd) -> Compositor) -> Desk {
        let keyboard = Keyboard::plug().unwrap();
        keyboard.chord(&[code::KEY_LEFTALT, code::KEY_F1]).unwrap();
        vt::wait_for("tty1").unwrap();
        let tty3 = std::fs::File::open("/dev/tty3").unwrap();
        let seatd = Seatd::start().unwrap();
        let compositor = session(&seatd);
        assert!(vt::is_graphical("tty1").unwrap());
        Desk { compositor, keyboard, seatd, _tty3: tty3 }
    }

    /// The compositor's own key binding: the kernel's are off while a session has the terminal.
    fn away(&self) {
        self.keyboard.chord(&[code::KEY_LEFTCTRL, code::KEY_LEFTALT, code::KEY_F3]).unwrap();
        vt::wait_for("tty3").unwrap();
    }

    /// The kernel's own, as on any text terminal.
    fn back(&self) {
        self.keyboard.chord(&[code::KEY_LEFTALT, code::KEY_F1]).unwrap();
        vt::wait_for("tty1").unwrap();
    }

    fn frames(&self) -> u64 {
        self.compositor.status().unwrap()["counters"]["frames"].as_u64().unwrap()
    }
}

#[test]
#[ignore = "lab"]
fn switched_away_and_back_a_hundred_times() {
    let desk = Desk::new();
    let mut actor = Actor::new(&desk.compositor, "switched", None).unwrap();
    actor.client.seat().unwrap();
    actor.show(0).unwrap();
    let mut open = 0;
    for round in 1..=100 {
        desk.away();
        let shot = actor.commit(round, Gate::Open).unwrap();
        if round % 25 == 0 {
            let frames = desk.frames();
            actor.client.idle(Duration::from_millis(200)).unwrap();
            assert_eq!(desk.frames(), frames, "something was committed on another's terminal");
            assert_eq!(actor.feedback_now(&shot), None);
        }
        desk.back();
        actor.presented(&shot).unwrap();
        match round {
            10 => open = desk.compositor.process().fd_count().unwrap(),
            100 => assert_eq!(desk.compositor.process().fd_count().unwrap(), open, "descriptors leaked"),
            _ => {}
        }
    }
    assert_eq!(desk.compositor.screenshot().unwrap().stamp(0, 0), Some(100));
    desk.compositor.stop().unwrap();
}

/// The key that changes the terminal is the session's even then; what comes back is black.
#[test]
#[ignore = "lab"]
fn a_session_that_is_locked_is_so_when_its_terminal_is_back() {
    let desk = Desk::on(&["--crc", "--mode", "1024x768"]);
    let mut actor = Actor::new(&desk.compositor, "hidden", None).unwrap();
    actor.show(0).unwrap();
    let mut locker = desk.compositor.client().unwrap();
    let lock = locker.lock().unwrap();
    locker.wait_locked(&lock).unwrap();
    let mut black = Image::new(0);
    black.paint((0, 0, WIDTH, HEIGHT), [0; 3]);
    for round in 1..=3 {
        desk.away();
        actor.commit(round, Gate::Open).unwrap();
        desk.back();
        let status = desk.compositor.status().unwrap();
        assert_eq!(status["locked"], true, "{status}");
        let name = status["outputs"][0]["name"].as_str().unwrap();
        black.wait_shown(&desk.compositor, name).unwrap();
    }
    lock.lock.unlock_and_destroy();
    locker.roundtrip().unwrap();
    actor.show(9).unwrap();
    desk.compositor.stop().unwrap();
}

/// Both cards are the session's again, also if one, or its display, was unplugged and plugged in
/// meanwhile.
#[test]
#[ignore = "lab"]
fn two_cards_go_and_come_with_the_terminal() {
    let vkms = || Vkms::builder("second").output(Output::default()).build().unwrap();
    let mut second = Some(vkms());
    let node = second.as_ref().unwrap().card().to_str().unwrap().to_owned();
    let desk = Desk::on(&["--device", &node]);
    let lit = || desk.compositor.status().unwrap()["outputs"].as_array().unwrap().len();
    let mut actor = Actor::new(&desk.compositor, "switched", None).unwrap();
    actor.show(0).unwrap();
    for round in 1..=6 {
        desk.away();
        match round % 3 {
            1 => second.as_ref().unwrap().plug(0, Status::Disconnected).unwrap(),
            2 => second.as_ref().unwrap().plug(0, Status::Connected).unwrap(),
            _ => {
                drop(second.take());
                assert!(poll_until(Duration::from_secs(3), || lit() == 1), "{}", desk.compositor.log());
                second = Some(vkms());
            }
        }
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(lit(), if round % 3 == 1 { 2 } else { 1 }, "nothing is done on another's terminal");
        let shot = actor.commit(round, Gate::Open).unwrap();
        desk.back();
        actor.presented(&shot).unwrap();
        let wanted = if round % 3 == 1 { 1 } else { 2 };
        assert!(poll_until(Duration::from_secs(3), || lit() == wanted), "{}", desk.compositor.log());
    }
    desk.compositor.stop().unwrap();
}

/// Everything that is on: connectors and planes with the CRTCs that they are on, and the CRTCs that are
/// enabled with whether they are active.
#[derive(Debug, PartialEq, Eq)]
struct On {
    connectors: BTreeMap<String, u64>,
    planes: BTreeMap<u64, u64>,
    crtcs: BTreeMap<u64, bool>,
}

impl On {
    /// As the kernel has it.
    fn of_kernel(card: &Path) -> On {
        let inventory = kms::Device::open(card).unwrap().inventory().unwrap();
        let connectors = inventory.connectors.iter();
        let crtcs = inventory.crtcs.iter().filter(|crtc| crtc.props.value("MODE_ID") != Some(0));
        On {
            connectors: connectors.filter_map(|c| Some((c.name.clone(), c.crtc()?.value()))).collect(),
            planes: inventory.planes.iter().filter_map(|p| Some((p.id.raw().into(), p.crtc()?.value()))).collect(),
            crtcs: crtcs.map(|crtc| (crtc.id.value(), crtc.props.value("ACTIVE") == Some(1))).collect(),
        }
    }

    /// As the session says that it is: what it has put on its outputs, and nothing else.
    fn of_session(compositor: &Compositor) -> On {
        let status = compositor.status().unwrap();
        let outputs = status["outputs"].as_array().unwrap();
        let crtc = |output: &Value| output["crtc"].as_u64().unwrap();
        let planes = |output: &Value| {
            let planes: Vec<u64> = output["planes"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
            planes.into_iter().map(|plane| (plane, crtc(output))).collect::<Vec<_>>()
        };
        On {
            connectors: outputs.iter().map(|o| (o["name"].as_str().unwrap().to_owned(), crtc(o))).collect(),
            planes: outputs.iter().flat_map(planes).collect(),
            crtcs: outputs.iter().map(|output| (crtc(output), output["power"] == "on")).collect(),
        }
    }
}

/// What is on a plane is neither turned nor transparent, and no CRTC changes colours.
fn assert_properties_are_undone(card: &Path) {
    let inventory = kms::Device::open(card).unwrap().inventory().unwrap();
    for plane in inventory.planes.iter().filter(|plane| plane.crtc().is_some()) {
        let (rotation, alpha) = (plane.props.value("rotation"), plane.props.value("alpha"));
        assert!(rotation.is_none_or(|rotation| rotation == 1), "plane {}: rotation {rotation:?}", plane.id);
        assert!(alpha.is_none_or(|alpha| alpha == 0xffff), "plane {}: alpha {alpha:?}", plane.id);
    }
    let tables = inventory.crtcs.iter().filter_map(|crtc| crtc.props.value("GAMMA_LUT"));
    assert!(tables.clone().all(|table| table == 0), "{:?}", tables.collect::<Vec<_>>());
}

/// The other session drives the first display by the CRTC of the second, and that by a third one, with
/// pictures on all planes, turned, transparent and inverted. It may have darkened one: that on our
/// CRTC, or that on one which no output of ours uses.
#[test]
#[ignore = "lab"]
fn nothing_is_left_of_what_another_session_has_done_to_a_card() {
    let desk_output = Output { overlays: 1, ..Output::default() };
    let none = Output { status: Status::Disconnected, ..desk_output };
    let vkms = Vkms::builder("shared").outputs(2, desk_output).output(none).any_crtc().shared_overlays(2);
    let vkms = vkms.build().unwrap();
    let desk = Desk::with(|seatd| {
        Compositor::start_with(vkms.card(), &[], &[("SEATD_SOCK", seatd.socket().as_os_str())]).unwrap()
    });
    let compositor = &desk.compositor;
    let mut actor = Actor::new(compositor, "shown", None).unwrap();
    actor.show(0).unwrap();
    let before = On::of_kernel(vkms.card());
    assert_eq!((before.connectors.len(), before.crtcs.len()), (2, 2), "{before:?}");
    for (round, dark) in (1..).zip([None, Some(0), Some(1), None]) {
        desk.away();
        let mut other = OtherSession::scramble(vkms.card()).unwrap();
        if let Some(display) = dark {
            other.darken(display).unwrap();
        }
        let scrambled = On::of_kernel(vkms.card());
        assert!(scrambled.connectors.iter().all(|(name, crtc)| before.connectors[name] != *crtc), "{scrambled:?}");
        assert_eq!(scrambled.planes.len(), 8, "all planes show something: {scrambled:?}");
        assert_eq!(scrambled.crtcs.values().filter(|active| !**active).count(), usize::from(dark.is_some()));
        other.leave().unwrap();
        let shot = actor.commit(round, Gate::Open).unwrap();
        desk.back();
        actor.presented(&shot).unwrap();
        let as_said = || On::of_kernel(vkms.card()) == On::of_session(compositor);
        if !poll_until(Duration::from_secs(2), as_said) {
            assert_eq!(On::of_kernel(vkms.card()), On::of_session(compositor), "{}", compositor.log());
        }
        let after = On::of_kernel(vkms.card());
        assert_eq!((&after.connectors, &after.crtcs), (&before.connectors, &before.crtcs), "its own CRTCs again");
        assert_properties_are_undone(vkms.card());
        drop(other);
    }
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(4));
    assert!(!compositor.log().contains("one by one"), "one commit each time: {}", compositor.log());
    desk.compositor.stop().unwrap();
}

/// While another terminal is on the screen its CRCs are nobody's; after the modeset that brings the
/// session back they are armed anew.
#[test]
#[ignore = "lab"]
fn crcs_are_armed_anew_after_coming_back() {
    let desk = Desk::on(&["--crc"]);
    let mut actor = Actor::new(&desk.compositor, "witness", None).unwrap();
    actor.client.seat().unwrap();
    let crc = || -> serde_json::Value {
        let out = desk.compositor.msg(&["crc", "status", "--json"]).unwrap();
        let status: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        status["outputs"][0].clone()
    };
    let equal = || crc()["equal"].as_u64().unwrap();
    for round in 0..5 {
        let before = equal();
        for frame in 0..10 {
            actor.show(round * 10 + frame).unwrap();
        }
        assert!(poll_until(Duration::from_secs(5), || equal() >= before + 5), "{}", crc());
        desk.away();
        assert!(poll_until(Duration::from_secs(5), || crc()["state"] == "waiting"), "{}", crc());
        let entries = crc()["entries"].clone();
        actor.client.idle(Duration::from_millis(100)).unwrap();
        assert_eq!(crc()["entries"], entries, "read while another had the screen");
        desk.back();
        assert!(poll_until(Duration::from_secs(5), || crc()["state"] == "on"), "{}", crc());
    }
    let crc = crc();
    for nothing in ["different", "early_releases", "written_in_use", "changed_otherwise"] {
        assert_eq!(crc[nothing], 0, "{nothing}: {crc}");
    }
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn no_modifier_is_stuck_after_coming_back() {
    let desk = Desk::new();
    let mut actor = Actor::new(&desk.compositor, "typist", None).unwrap();
    actor.client.seat().unwrap();
    actor.show(0).unwrap();
    desk.away();
    desk.back();
    let key = u32::from(uinput::code::KEY_A);
    let typed = |actor: &mut Actor| {
        desk.keyboard.chord(&[code::KEY_A]).unwrap();
        actor.client.idle(Duration::from_millis(100)).unwrap();
        actor.client.state.input.heard.contains(&Heard::Key { key, pressed: true })
    };
    // libinput opens its devices again in its own time.
    assert!(poll_until(Duration::from_secs(5), || typed(&mut actor)), "keys do not arrive any more");
    let modifiers = actor.client.state.input.heard.iter().rev().find_map(|heard| match heard {
        Heard::Modifiers { depressed } => Some(*depressed),
        _ => None,
    });
    assert_eq!(modifiers.unwrap_or(0), 0, "a modifier is still held");
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn killed_it_leaves_the_console_usable() {
    let mut desk = Desk::new();
    let mut actor = Actor::new(&desk.compositor, "orphan", None).unwrap();
    actor.show(0).unwrap();
    desk.compositor.kill().unwrap();
    assert!(
        poll_until(Duration::from_secs(5), || !vt::is_graphical("tty1").unwrap()),
        "the terminal still shows no text"
    );
    // The kernel's own keys work again.
    desk.keyboard.chord(&[code::KEY_LEFTALT, code::KEY_F3]).unwrap();
    vt::wait_for("tty3").unwrap();
    desk.back();
    // And so does the next session.
    let next = session(&desk.seatd, &[]);
    let mut actor = Actor::new(&next, "next", None).unwrap();
    actor.show(1).unwrap();
    drop(actor);
    next.stop().unwrap();
    assert!(!vt::is_graphical("tty1").unwrap());
}

/// A mistake on purpose; nothing is answered.
fn fault(desk: &Desk, kind: &str) -> UnixStream {
    let ipc = desk.compositor.runtime.join(format!("{}.ipc", desk.compositor.socket));
    let mut stream = UnixStream::connect(ipc).unwrap();
    writeln!(stream, "{{\"request\":\"fault\",\"kind\":\"{kind}\"}}").unwrap();
    stream
}

#[test]
#[ignore = "lab"]
fn a_panic_and_a_loop_that_stands_give_the_console_back() {
    for (kind, limit, says) in [("panic", 5, "a fault on purpose"), ("stand", 12, "The loop has stood for ten seconds")]
    {
        let mut desk = Desk::new();
        let mut actor = Actor::new(&desk.compositor, "orphan", None).unwrap();
        actor.show(0).unwrap();
        let begun = Instant::now();
        let _stream = fault(&desk, kind);
        let status = desk.compositor.wait(Duration::from_secs(30)).unwrap();
        assert!(!status.success() && desk.compositor.log().contains(says), "{status}: {}", desk.compositor.log());
        assert!(
            poll_until(Duration::from_secs(5), || !vt::is_graphical("tty1").unwrap()),
            "{kind}: the terminal still shows no text"
        );
        assert!(begun.elapsed() < Duration::from_secs(limit), "{kind}: {:?}", begun.elapsed());
        let next = session(&desk.seatd, &[]);
        let mut actor = Actor::new(&next, "next", None).unwrap();
        actor.show(1).unwrap();
        drop(actor);
        next.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn a_session_that_crashes_has_its_terminal_and_its_display_again() {
    let keyboard = Keyboard::plug().unwrap();
    keyboard.chord(&[code::KEY_LEFTALT, code::KEY_F1]).unwrap();
    vt::wait_for("tty1").unwrap();
    let seatd = Seatd::start().unwrap();
    let folder = user::folder().unwrap();
    let runtime = user::runtime().unwrap_or_else(|| folder.path().to_owned());
    let card = lab::find_card(None).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut supervisor = user::command(binary().unwrap())
        .args(["session", "--socket", "again", "--", "--device"])
        .arg(&card)
        .env("XDG_RUNTIME_DIR", &runtime)
        .env("SEATD_SOCK", seatd.socket())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let said = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    // The process behind the socket of `syncline msg`.
    let compositor = || {
        let stream = UnixStream::connect(runtime.join("again.ipc")).ok()?;
        rustix::net::sockopt::socket_peercred(&stream).ok().map(|peer| peer.pid)
    };
    let runs = |old: Option<Pid>| {
        let mut new = None;
        poll_until(START, || {
            new = compositor().filter(|pid| Some(*pid) != old);
            new.is_some() && vt::is_graphical("tty1").unwrap()
        });
        new.unwrap_or_else(|| panic!("no compositor:\n{}", said()))
    };
    let first = runs(None);
    kill_process(first, Signal::KILL).unwrap();
    // Whoever connects now waits until there is a display again.
    let mut client = Client::connect(&runtime.join("again").to_string_lossy()).unwrap();
    client.roundtrip().unwrap();
    let second = runs(Some(first));
    assert!(vt::is_graphical("tty1").unwrap(), "{}", said());
    assert!(said().contains("was ended by signal 9; it starts again"), "{}", said());
    kill_process(Pid::from_child(&supervisor), Signal::TERM).unwrap();
    assert!(supervisor.wait().unwrap().success(), "{}", said());
    assert!(rustix::process::test_kill_process(second).is_err());
    assert!(poll_until(Duration::from_secs(5), || !vt::is_graphical("tty1").unwrap()));
}
