//! CRCs of a running session: `syncline msg crc on|off|status|check`, `syncline msg frames`, and
//! who draws into a buffer on the screen.
//!
//! In virtual time, where the display's own worker is never late: what differs here differs for a
//! reason.

use std::io::{BufRead, BufReader};
use std::process::{Output as Done, Stdio};
use std::time::Duration;

use drm_fourcc::{DrmFourcc, DrmModifier};
use serde_json::Value;
use syncline_tests::client::Client;
use syncline_tests::client::buffer::{Buffer, Pixels, Source, allocate};
use syncline_tests::client::sync::{SharedTimeline, open_sync_device};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::compositor::{Compositor, binary};
use syncline_tests::time::poll_until;
use syncline_tests::user;
use syncline_tests::vkms::{Output, Status, Vkms};

const PATIENCE: Duration = Duration::from_secs(5);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs `syncline msg` and wants it to end well.
fn msg(compositor: &Compositor, args: &[&str]) -> String {
    let out = compositor.msg(args).unwrap();
    assert!(out.status.success(), "{args:?}: {}\n{}", text(&out.stderr), compositor.log());
    text(&out.stdout)
}

/// Its exit status and the line on standard error.
fn refused(out: &Done) -> (Option<i32>, String) {
    (out.status.code(), text(&out.stderr))
}

fn status(compositor: &Compositor) -> Value {
    serde_json::from_str(&msg(compositor, &["crc", "status", "--json"])).unwrap()
}

fn frames(compositor: &Compositor) -> Vec<Value> {
    msg(compositor, &["frames", "--json"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The plane of a frame that shows a client's buffer.
fn client_plane(frame: &Value) -> &Value {
    frame["planes"].as_array().unwrap().iter().find(|plane| plane["surface"].is_u64()).unwrap()
}

fn count(compositor: &Compositor, name: &str) -> u64 {
    status(compositor)["outputs"][0][name].as_u64().unwrap()
}

/// A client with explicit points and one or more buffers of its own.
struct Painter {
    client: Client,
    window: Toplevel,
    buffers: Vec<(Buffer, Pixels)>,
    acquire: SharedTimeline,
    release: SharedTimeline,
    points: u64,
}

impl Painter {
    fn new(compositor: &Compositor, fullscreen: bool, size: (u32, u32), buffers: usize) -> Painter {
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "painter", fullscreen }).unwrap();
        let device = open_sync_device().unwrap();
        window.explicit(&client).unwrap();
        let size = if fullscreen { window.size(&client, size) } else { size };
        let buffers = (0..buffers).map(|_| client.buffer(Source::Auto, size.0, size.1).unwrap()).collect();
        let acquire = client.share_timeline(&device).unwrap();
        let release = client.share_timeline(&device).unwrap();
        Painter { client, window, buffers, acquire, release, points: 0 }
    }

    fn fill(&mut self, buffer: usize, value: u8) {
        self.buffers[buffer].1.write(|bytes| bytes.fill(value)).unwrap();
    }

    /// Commits a buffer and waits until it is on the screen.
    fn show(&mut self, buffer: usize) {
        self.points += 1;
        self.acquire.point(self.points).signal().unwrap();
        let commit = Commit {
            buffer: Some(&self.buffers[buffer].0),
            acquire: Some(self.acquire.wire(self.points)),
            release: Some(self.release.wire(self.points)),
            feedback: true,
            ..Commit::default()
        };
        let token = self.window.commit(&mut self.client, &commit).unwrap().feedback.unwrap();
        self.client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
    }

    fn idle(&mut self, millis: u64) {
        self.client.idle(Duration::from_millis(millis)).unwrap();
    }
}

fn overlay(name: &str) -> Vkms {
    Vkms::builder(name).output(Output { overlays: 1, ..Output::default() }).build().unwrap()
}

#[test]
#[ignore = "lab"]
fn on_status_frames_and_off_at_run_time() {
    let compositor = Compositor::start(&[]).unwrap();
    let off = status(&compositor);
    assert_eq!(off["outputs"][0]["state"], "off", "{off}");
    let name = off["outputs"][0]["output"].as_str().unwrap().to_owned();
    let on = msg(&compositor, &["crc", "on", &name]);
    assert!(on.starts_with(&format!("{name}: on, source auto, predicted by the model of vkms")), "{on}");
    let mut painter = Painter::new(&compositor, true, (640, 480), 2);
    for frame in 0..30 {
        painter.fill(frame % 2, frame as u8 * 3);
        painter.show(frame % 2);
    }
    painter.idle(100);
    let counts = &status(&compositor)["outputs"][0];
    assert!(counts["equal"].as_u64().unwrap() >= 28, "{counts}");
    for nothing in ["different", "ambiguous", "unread", "early_releases", "written_in_use", "changed_otherwise", "gaps"]
    {
        assert_eq!(counts[nothing], 0, "{nothing}: {counts}");
    }
    let frames = frames(&compositor);
    let shown: Vec<_> = frames.iter().filter(|frame| frame["crc"]["verdict"] == "equal").collect();
    assert!(shown.len() >= 28, "{frames:?}");
    for pair in shown.windows(2) {
        assert!(pair[0]["serial"].as_u64() < pair[1]["serial"].as_u64());
        assert!(pair[0]["sequence"].as_u64() < pair[1]["sequence"].as_u64());
        assert!(pair[0]["time_ns"].as_u64() < pair[1]["time_ns"].as_u64());
    }
    let last = shown.last().unwrap();
    assert_eq!((&last["output"], &last["zero_copy"]), (&Value::from(name.as_str()), &true.into()), "{last}");
    assert_eq!(last["crc"]["read"][0], last["crc"]["predicted"], "{last}");
    // The window's first commit had no buffer.
    assert_eq!(client_plane(last)["commit"], 31, "{last}");
    // For people, the same in lines.
    let table = msg(&compositor, &["frames", &name]);
    assert_eq!(table.lines().count(), frames.len() + 1, "{table}");
    let off = msg(&compositor, &["crc", "off"]);
    assert_eq!(off, format!("{name}: off\n"));
    painter.fill(0, 1);
    painter.show(0);
    let last = self::frames(&compositor).pop().unwrap();
    assert_eq!(last["crc"], Value::Null, "{last}");
    // Again, by the same client's next frames.
    msg(&compositor, &["crc", "on"]);
    painter.fill(1, 2);
    painter.show(1);
    painter.idle(100);
    assert!(count(&compositor, "equal") > 0);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn who_follows_gets_each_frame_once() {
    let compositor = Compositor::start(&["--crc"]).unwrap();
    let mut follow = compositor.command(binary().unwrap());
    follow.args(["msg", "--socket", &compositor.socket, "frames", "--json", "--follow"]).stdout(Stdio::piped());
    let mut follow = follow.spawn().unwrap();
    let mut painter = Painter::new(&compositor, true, (640, 480), 2);
    for frame in 0..100 {
        painter.fill(frame % 2, frame as u8);
        painter.show(frame % 2);
    }
    painter.idle(400);
    follow.kill().unwrap();
    let lines = text(&follow.wait_with_output().unwrap().stdout);
    let frames: Vec<Value> = lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let serials: Vec<u64> = frames.iter().map(|frame| frame["serial"].as_u64().unwrap()).collect();
    assert!(serials.len() >= 100 && serials.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{serials:?}");
    let open = frames.iter().filter(|frame| !frame["crc"].is_null() && frame["crc"]["verdict"].is_null()).count();
    assert_eq!(open, 0, "each was judged before it was told");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn planes_and_composition_are_equal_on_demand() {
    let vkms = overlay("checked");
    let compositor = Compositor::start_on(vkms.card(), &["--crc"]).unwrap();
    let on = || status(&compositor)["outputs"][0]["state"] == "on";
    assert!(poll_until(PATIENCE, on), "{}", status(&compositor));
    // Nothing is on a plane yet.
    let (code, why) = refused(&compositor.msg(&["crc", "check"]).unwrap());
    assert_eq!(code, Some(2), "{why}");
    assert!(why.contains("not possible: no plane shows a client's buffer"), "{why}");
    let mut painter = Painter::new(&compositor, false, (300, 200), 1);
    painter.buffers[0]
        .1
        .write(|bytes| bytes.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at / 3) as u8))
        .unwrap();
    painter.show(0);
    let out = compositor.msg(&["crc", "check", "--json"]).unwrap();
    assert_eq!(out.status.code(), Some(0), "{}{}\n{}", text(&out.stdout), text(&out.stderr), compositor.log());
    let compared: Value = serde_json::from_slice(&out.stdout).unwrap();
    let (planes, drawn) = (&compared["with_planes"], &compared["drawn"]);
    assert_eq!((&compared["equal"], &planes["read"]), (&true.into(), &drawn["read"]), "{compared}");
    assert_eq!((&planes["verdict"], &drawn["verdict"]), (&"equal".into(), &"equal".into()), "{compared}");
    assert_eq!(drawn["frame"].as_u64(), planes["frame"].as_u64().map(|frame| frame + 1), "consecutive");
    assert_eq!(compared["planes"].as_array().unwrap().len(), 1, "{compared}");
    let shown = |frame: &Value| frames(&compositor).into_iter().find(|f| f["frame"] == *frame).unwrap();
    let (with_planes, all_drawn) = (shown(&planes["frame"]), shown(&drawn["frame"]));
    assert_eq!((&with_planes["zero_copy"], &all_drawn["zero_copy"]), (&true.into(), &false.into()));
    // The planes are back, and the client is served.
    painter.idle(100);
    painter.show(0);
    assert_eq!(frames(&compositor).pop().unwrap()["zero_copy"], true);
    compositor.stop().unwrap();
}

/// The control: a picture that changes between the two frames must be found different.
#[test]
#[ignore = "lab"]
fn a_check_that_must_differ_does() {
    let vkms = overlay("differs");
    let compositor = Compositor::start_on(vkms.card(), &["--crc"]).unwrap();
    let mut painter = Painter::new(&compositor, false, (300, 200), 1);
    painter.show(0);
    let out = std::thread::scope(|scope| {
        let check = scope.spawn(|| compositor.msg(&["crc", "check"]).unwrap());
        let mut value = 0_u8;
        while !check.is_finished() {
            value = value.wrapping_add(1);
            painter.fill(0, value);
            painter.idle(3);
        }
        check.join().unwrap()
    });
    assert_eq!(out.status.code(), Some(1), "{}{}", text(&out.stdout), text(&out.stderr));
    assert!(text(&out.stdout).contains("planes and composition are DIFFERENT"), "{}", text(&out.stdout));
    compositor.stop().unwrap();
}

/// Another control: vkms blends in 16 bits, the renderer in 8, and the CRC shows it. Both are as
/// predicted.
#[test]
#[ignore = "lab"]
fn what_is_blended_with_other_precision_is_found_different() {
    let vkms = overlay("blended");
    let compositor = Compositor::start_on(vkms.card(), &["--crc"]).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "glass", fullscreen: false }).unwrap();
    let (w, h) = (300, 200);
    let fd = allocate(Source::Auto, (w * h * 4) as usize).unwrap();
    let buffer = client.wrap_dmabuf(&fd, w, h, DrmFourcc::Argb8888, DrmModifier::Linear.into()).unwrap();
    let mut map = dmabuf_import::Mapping::new(std::sync::Arc::new(fd), true).unwrap();
    let glass = |bytes: &mut [u8]| {
        // Premultiplied: no channel above its alpha.
        bytes
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .enumerate()
            .for_each(|(at, pixel)| *pixel = [at as u8 / 3, 20, 60, 0x7f]);
    };
    map.cpu_write(|bytes| bytes.as_chunks_mut::<4>().0.fill([0; 4])).unwrap();
    map.cpu_write(glass).unwrap();
    let commit = Commit { buffer: Some(&buffer), feedback: true, ..Commit::default() };
    let token = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
    client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
    let out = compositor.msg(&["crc", "check", "--json"]).unwrap();
    let compared: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)));
    assert_eq!(out.status.code(), Some(1), "{compared}");
    assert_eq!((&compared["equal"], &compared["translucent"]), (&false.into(), &true.into()), "{compared}");
    for side in ["with_planes", "drawn"] {
        assert_eq!(compared[side]["verdict"], "equal", "{compared}");
    }
    compositor.stop().unwrap();
}

/// A hostile client: it signals its release point itself and draws into the buffer, which is still
/// on the screen.
#[test]
#[ignore = "lab"]
fn a_buffer_that_changes_after_its_release_is_reported() {
    let compositor = Compositor::start(&["--crc"]).unwrap();
    let mut painter = Painter::new(&compositor, true, (640, 480), 1);
    painter.fill(0, 10);
    painter.show(0);
    painter.idle(100);
    assert_eq!(count(&compositor, "early_releases"), 0);
    painter.release.point(painter.points).signal().unwrap();
    painter.idle(50);
    assert_eq!(count(&compositor, "early_releases"), 0, "nothing has changed yet");
    painter.fill(0, 20);
    painter.idle(100);
    let status = status(&compositor);
    let counts = &status["outputs"][0];
    assert_eq!((&counts["early_releases"], &counts["written_in_use"]), (&1.into(), &0.into()), "{status}");
    let change = &status["changes"][0];
    assert_eq!(change["kind"], "early-release", "{change}");
    let suspect = &change["suspects"][0];
    assert_eq!((&suspect["commit"], &suspect["release"]), (&2.into(), &"signalled-by-others".into()), "{suspect}");
    assert_eq!(suspect["client_pid"], std::process::id(), "{suspect}");
    assert_ne!(change["before"], change["after"]);
    let frame = frames(&compositor).into_iter().find(|frame| frame["frame"] == change["frame"]).unwrap();
    assert_eq!(frame["crc"]["changed"], 1, "{frame}");
    let plane = client_plane(&frame);
    assert_eq!((&plane["buffer"], &plane["plane"]), (&suspect["buffer"], &suspect["plane"]), "{frame}");
    let log = compositor.log();
    assert!(log.contains("released too early: client "), "{log}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_client_that_draws_into_a_buffer_in_use_is_reported_as_such() {
    let compositor = Compositor::start(&["--crc"]).unwrap();
    let mut painter = Painter::new(&compositor, true, (640, 480), 1);
    painter.show(0);
    painter.idle(100);
    painter.fill(0, 77);
    painter.idle(100);
    let status = status(&compositor);
    let counts = &status["outputs"][0];
    assert_eq!((&counts["early_releases"], &counts["written_in_use"]), (&0.into(), &1.into()), "{status}");
    assert_eq!(status["changes"][0]["kind"], "written-in-use", "{status}");
    assert_eq!(status["changes"][0]["suspects"][0]["release"], "held", "{status}");
    compositor.stop().unwrap();
}

/// The control: a client that keeps to its releases is never reported, however fast it draws.
#[test]
#[ignore = "lab"]
fn a_client_that_waits_for_its_releases_is_not_reported() {
    let compositor = Compositor::start(&["--crc"]).unwrap();
    let mut command = compositor.demo_client(&["--frames", "120"]).unwrap();
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    let status = status(&compositor);
    let counts = &status["outputs"][0];
    assert!(counts["equal"].as_u64().unwrap() >= 110, "{status}");
    for kind in ["early_releases", "written_in_use", "changed_otherwise", "different"] {
        assert_eq!(counts[kind], 0, "{kind}: {status}");
    }
    compositor.stop().unwrap();
}

/// The lab's vkms has sources of single planes, without frame numbers, as R-Car has them: paired by
/// arrival, predicted plane by plane.
#[test]
#[ignore = "lab"]
fn a_single_plane_without_frame_numbers() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut painter = Painter::new(&compositor, true, (640, 480), 2);
    painter.show(0);
    let plane = client_plane(&frames(&compositor).pop().unwrap())["plane"].clone();
    let on = msg(&compositor, &["crc", "on", "--source", &format!("plane{plane}")]);
    assert!(on.contains("predicted by the model of vkms, one plane"), "{on}");
    for frame in 0..40 {
        painter.fill(frame % 2, frame as u8 * 5);
        painter.show(frame % 2);
    }
    painter.idle(100);
    let counts = &status(&compositor)["outputs"][0];
    assert!(counts["equal"].as_u64().unwrap() >= 35, "{counts}");
    assert_eq!((&counts["different"], &counts["written_in_use"]), (&0.into(), &0.into()), "{counts}");
    compositor.stop().unwrap();
}

/// Three minutes of a display that is read at every vblank, a client at work for the first ten
/// seconds: no CRC is missed.
#[test]
#[ignore = "lab"]
fn ten_thousand_frames_without_a_gap() {
    let compositor = Compositor::start(&["--crc", "--mode", "640x480"]).unwrap();
    let mut command = compositor.demo_client(&["--frames", "600"]).unwrap();
    assert!(command.stdout(Stdio::null()).status().unwrap().success());
    std::thread::sleep(Duration::from_secs(160));
    let status = status(&compositor);
    let counts = &status["outputs"][0];
    println!("{counts}");
    assert!(counts["entries"].as_u64().unwrap() >= 10_000, "{counts}");
    assert!(counts["equal"].as_u64().unwrap() >= 590, "{counts}");
    for nothing in ["gaps", "different", "unread", "ambiguous", "changed_otherwise"] {
        assert_eq!(counts[nothing], 0, "{nothing}: {counts}");
    }
    compositor.stop().unwrap();
}

/// CRCs end with the display's vblanks, and go on with them; a dark display wakes nobody.
#[test]
#[ignore = "lab"]
fn a_display_that_goes_off_and_on() {
    let compositor = Compositor::start(&["--crc"]).unwrap();
    let mut painter = Painter::new(&compositor, true, (640, 480), 2);
    let state = || status(&compositor)["outputs"][0]["state"].as_str().unwrap().to_owned();
    assert!(poll_until(PATIENCE, || state() == "on"), "{}", state());
    let name = status(&compositor)["outputs"][0]["output"].as_str().unwrap().to_owned();
    for round in 0..3 {
        let before = count(&compositor, "equal");
        for frame in 0..20 {
            painter.fill(frame % 2, (round * 20 + frame) as u8 * 3);
            painter.show(frame % 2);
        }
        painter.idle(100);
        assert!(count(&compositor, "equal") >= before + 15, "{}", status(&compositor));
        msg(&compositor, &["output", &name, "off"]);
        assert!(poll_until(PATIENCE, || state() == "waiting"), "{}", state());
        let woken = compositor.process().wakeups().unwrap();
        painter.idle(2000);
        let woken = compositor.process().wakeups().unwrap() - woken;
        // Its client's turns and this question; a retry would be hundreds.
        assert!(woken < 40, "{woken} wake-ups in the dark");
        msg(&compositor, &["output", &name, "on"]);
        assert!(poll_until(PATIENCE, || state() == "on"), "{}\n{}", state(), compositor.log());
    }
    assert_eq!(count(&compositor, "different"), 0, "{}", status(&compositor));
    compositor.stop().unwrap();
}

/// A display that is plugged in while CRCs are on for all is read, too; one whose mode is set anew
/// is armed again.
#[test]
#[ignore = "lab"]
fn displays_that_come_and_go() {
    let vkms = Vkms::builder("comes").outputs(2, Output::default()).build().unwrap();
    vkms.plug(1, Status::Disconnected).unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--crc"]).unwrap();
    let states = || -> Vec<String> {
        let status = status(&compositor);
        status["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|output| output["state"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(poll_until(PATIENCE, || states() == ["on"]), "{:?}", states());
    vkms.plug(1, Status::Connected).unwrap();
    assert!(poll_until(PATIENCE, || states() == ["on", "on"]), "{:?}\n{}", states(), compositor.log());
    vkms.plug(1, Status::Disconnected).unwrap();
    assert!(poll_until(PATIENCE, || states() == ["on"]), "{:?}", states());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn what_cannot_be_is_said_in_a_line_and_the_session_goes_on() {
    let vkms = Vkms::builder("refused").outputs(2, Output::default()).build().unwrap();
    let mut compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let (first, second) = (vkms.connector(0), vkms.connector(1));
    let known = format!("{first}, {second}");
    let refused = |args: &[&str]| {
        let (code, line) = refused(&compositor.msg(args).unwrap());
        assert_eq!(line.lines().count(), 1, "{line}");
        (code.unwrap(), line)
    };
    for args in [&["crc", "on", "HDMI-A-9"][..], &["crc", "status", "HDMI-A-9"], &["frames", "HDMI-A-9"]] {
        let (code, line) = refused(args);
        assert_eq!(code, 1, "{line}");
        assert!(line.contains(&format!("there is no output HDMI-A-9; there are: {known}")), "{line}");
    }
    let (code, line) = refused(&["crc", "on", &first, "--source", "nonsense"]);
    assert!(code == 1 && line.contains("unknown CRC source nonsense; this driver has auto"), "{line}");
    let (code, line) = refused(&["crc", "check"]);
    assert!(code == 2 && line.contains(&format!("several outputs; name one of them: {known}")), "{line}");
    let (code, line) = refused(&["crc", "check", &first]);
    assert!(code == 2 && line.contains(&format!("turn them on: syncline msg crc on {first}")), "{line}");
    // Somebody else of the same user reads them; of another's programs /proc says nothing.
    let device = kms::Device::open(vkms.card()).unwrap();
    let inventory = device.inventory().unwrap();
    let connector = inventory.connectors.iter().find(|c| c.name == first).unwrap();
    assert!(device.wait_vblanks(connector.crtc().unwrap(), PATIENCE));
    let mut watch = user::command(binary().unwrap());
    watch.args(["crc", "watch", "--output", &first, "--device"]).arg(vkms.card()).stdout(Stdio::piped());
    let mut watch = watch.spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let (code, line) = refused(&["crc", "on", &first]);
    assert!(code == 1 && line.contains("is busy: "), "{line}");
    assert!(line.contains(&format!("syncline (process {})", watch.id())), "{line}");
    watch.kill().unwrap();
    watch.wait().unwrap();
    // And then it works.
    assert!(msg(&compositor, &["crc", "on", &first]).contains(": on, source auto"));
    assert!(compositor.alive());
    compositor.stop().unwrap();
}
