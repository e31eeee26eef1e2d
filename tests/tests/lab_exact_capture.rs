//! Pictures of displays, by the displays' CRCs: what `syncline msg screenshot --prove` says, and that each of
//! many captured frames is the one that was shown.
//!
//! The CRC of a captured picture is computed here, by the model of vkms; the display's comes from `syncline msg
//! frames`, which says of which frame it is.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Output as Done, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use camera::{Camera, Subject};
use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::crc::vkms::{ModelPlane, crc};
use kms::{Rect, SrcRect};
use serde_json::Value;
use syncline_tests::client::Client;
use syncline_tests::client::buffer::{Buffer, Pixels, Source, allocate};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::compositor::{Compositor, Picture, binary};
use syncline_tests::trace::Trace;
use syncline_tests::trace::analysis::Summary;
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};

const PATIENCE: Duration = Duration::from_secs(5);
const FAULT: &str = "/sys/module/vkms/parameters/fault";
const SIZE: (u32, u32) = (320, 240);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A client with a window that is not the whole screen.
struct Painter {
    client: Client,
    window: Toplevel,
    buffers: Vec<(Buffer, Pixels)>,
    frame: usize,
}

impl Painter {
    fn new(compositor: &Compositor, source: Source, buffers: usize) -> Painter {
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: "painter", fullscreen: false }).unwrap();
        let buffers = (0..buffers).map(|_| client.buffer(source, SIZE.0, SIZE.1).unwrap()).collect();
        Painter { client, window, buffers, frame: 0 }
    }

    /// Draws the next frame, which no other one is like, and waits until it is on the screen.
    fn show(&mut self) {
        self.frame += 1;
        let (frame, count) = (self.frame, self.buffers.len());
        let (buffer, pixels) = &mut self.buffers[frame % count];
        let draw = |bytes: &mut [u8]| {
            for (at, pixel) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                *pixel = [at as u8, (at >> 8) as u8 ^ frame as u8, (frame >> 3) as u8, 0xff];
            }
        };
        pixels.write(draw).unwrap();
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = self.window.commit(&mut self.client, &commit).unwrap().feedback.unwrap();
        self.client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
    }
}

/// Takes a picture with a proof: what it says, and the picture.
fn prove(compositor: &Compositor, args: &[&str]) -> (Option<i32>, Value, Picture) {
    let file = compositor.scratch("proof.png");
    let path = file.to_str().unwrap();
    let out: Done = compositor.msg(&[&["screenshot", "--prove", "--json", path], args].concat()).unwrap();
    let proof = serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)));
    (out.status.code(), proof, Picture::read(&file).unwrap())
}

fn crc_state(compositor: &Compositor) -> Value {
    let out = compositor.msg(&["crc", "status", "--json"]).unwrap();
    serde_json::from_slice::<Value>(&out.stdout).unwrap()["outputs"][0]["state"].clone()
}

#[test]
#[ignore = "lab"]
fn a_still_picture_is_proven_and_its_crcs_are_turned_off_again() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut painter = Painter::new(&compositor, Source::Auto, 1);
    painter.show();
    for round in 0..3 {
        let (status, proof, picture) = prove(&compositor, &[]);
        assert_eq!((status, &proof["verdict"], &proof["why"]), (Some(0), &"equal".into(), &Value::Null), "{proof}");
        assert_eq!(proof["read"][0], proof["picture"], "{proof}");
        assert!(picture == compositor.screenshot().unwrap(), "{round}: it is the usual picture");
        assert_eq!(crc_state(&compositor), "off");
    }
    let said = compositor.msg(&["screenshot", "--prove", compositor.scratch("b.png").to_str().unwrap()]).unwrap();
    assert!(text(&said.stdout).contains(": the picture is equal to frame "), "{}", text(&said.stdout));
    // With CRCs that were on before, they stay on.
    assert!(compositor.msg(&["crc", "on"]).unwrap().status.success());
    painter.show();
    assert_eq!((prove(&compositor, &[]).0, crc_state(&compositor)), (Some(0), "on".into()));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn pictures_of_an_animated_client_are_proven() {
    let vkms = Vkms::builder("proven").output(Output { overlays: 1, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let mut painter = Painter::new(&compositor, Source::Auto, 3);
    painter.show();
    let proofs = std::thread::scope(|scope| {
        let proofs = scope.spawn(|| (0..20).map(|_| prove(&compositor, &[])).collect::<Vec<_>>());
        while !proofs.is_finished() {
            painter.show();
        }
        proofs.join().unwrap()
    });
    let frames: Vec<u64> = proofs.iter().map(|(_, proof, _)| proof["frame"].as_u64().unwrap()).collect();
    for (status, proof, _) in &proofs {
        assert_eq!((status, &proof["verdict"]), (&Some(0), &"equal".into()), "{proof}");
    }
    assert!(frames.windows(2).all(|pair| pair[0] < pair[1]), "each is of another frame: {frames:?}");
    compositor.stop().unwrap();
}

/// vkms is whole again, whatever happens.
struct Broken;

impl Broken {
    fn by(fault: u32) -> Self {
        std::fs::write(FAULT, fault.to_string()).unwrap();
        Self
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        std::fs::write(FAULT, "0").ok();
    }
}

/// The control: the display leaves out one line of a window, and the picture has it.
#[test]
#[ignore = "lab"]
fn a_display_that_shows_something_else_is_found_out() {
    let vkms = Vkms::builder("altered").output(Output { overlays: 1, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--crc"]).unwrap();
    let mut painter = Painter::new(&compositor, Source::Auto, 2);
    painter.show();
    let broken = Broken::by(1);
    painter.show();
    let (status, proof, picture) = prove(&compositor, &[]);
    assert_eq!((status, &proof["verdict"], &proof["why"]), (Some(1), &"different".into(), &Value::Null), "{proof}");
    assert_ne!(proof["read"][0], proof["picture"], "{proof}");
    assert!(picture == compositor.screenshot().unwrap(), "the picture is right");
    let out = compositor.msg(&["screenshot", "--prove", compositor.scratch("c.png").to_str().unwrap()]).unwrap();
    assert!(out.status.code() == Some(1) && text(&out.stdout).contains("the picture is DIFFERENT"));
    drop(broken);
    painter.show();
    assert_eq!(prove(&compositor, &[]).0, Some(0), "whole again");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn what_cannot_be_known_is_said_with_its_reason() {
    let vkms = Vkms::builder("unknown").output(Output { overlays: 1, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--crc"]).unwrap();
    let mut painter = Painter::new(&compositor, Source::Auto, 1);
    painter.show();
    let why = |args: &[&str]| {
        let (status, proof, _) = prove(&compositor, args);
        assert_eq!((status, &proof["verdict"]), (Some(2), &"unknown".into()), "{args:?}: {proof}");
        proof["why"].as_str().unwrap().to_owned()
    };
    for part in [&["--region", "0,0 100x100"][..], &["--window", "1"]] {
        assert!(why(part).contains("is that of all it shows"));
    }
    // From a source that is one plane.
    let plane = compositor.msg(&["frames", "--json"]).unwrap();
    let last: Value = serde_json::from_str(text(&plane.stdout).lines().last().unwrap()).unwrap();
    let source = format!("plane{}", last["planes"][0]["plane"]);
    assert!(compositor.msg(&["crc", "on", "--source", &source]).unwrap().status.success());
    assert!(why(&[]).contains("a source that is not the whole display"));
    assert!(compositor.msg(&["crc", "on"]).unwrap().status.success());
    painter.show();
    assert_eq!(prove(&compositor, &[]).0, Some(0));
    // What vkms blends it blends in 16 bits, and the picture in 8.
    let (w, h) = (200, 100);
    let fd = allocate(Source::Auto, w * h * 4).unwrap();
    let glass =
        painter.client.wrap_dmabuf(&fd, w as u32, h as u32, DrmFourcc::Argb8888, DrmModifier::Linear.into()).unwrap();
    let mut map = dmabuf_import::Mapping::new(std::sync::Arc::new(fd), true).unwrap();
    map.cpu_write(|bytes| {
        let pixels = bytes.as_chunks_mut::<4>().0.iter_mut().enumerate();
        pixels.for_each(|(at, pixel)| *pixel = [at as u8 / 3, 20, 60, 0x7f]);
    })
    .unwrap();
    let mut window = painter.client.toplevel(&Wish { app_id: "glass", fullscreen: false }).unwrap();
    let commit = Commit { buffer: Some(&glass), feedback: true, ..Commit::default() };
    let token = window.commit(&mut painter.client, &commit).unwrap().feedback.unwrap();
    painter.client.wait_for("feedback", PATIENCE, |state| state.feedback.contains_key(&token)).unwrap();
    assert!(why(&[]).contains("blends a buffer"));
    compositor.stop().unwrap();
    // A display without vblanks has no CRCs.
    let vkms = Vkms::builder("silent").output(Output::default()).no_vblanks().build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    Painter::new(&compositor, Source::Auto, 1).show();
    let (status, proof, _) = prove(&compositor, &[]);
    assert_eq!((status, &proof["verdict"]), (Some(2), &"unknown".into()), "{proof}");
    println!("without vblanks: {proof}");
    compositor.stop().unwrap();
}

/// Whoever captures every frame has just what was shown, and nobody's frame is late for it.
fn recorded(name: &str, overlays: u32, source: Source) {
    const FRAMES: usize = 600;
    let vkms = Vkms::builder(name).output(Output { overlays, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let trace = folder.path().join("trace.json");
    let compositor = Compositor::start_on(vkms.card(), &["--crc", "--trace", trace.to_str().unwrap()]).unwrap();
    let mut follow = compositor.command(binary().unwrap());
    follow.args(["msg", "--socket", &compositor.socket, "frames", "--json", "--follow"]).stdout(Stdio::piped());
    let mut follow = follow.spawn().unwrap();
    let lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let heard = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let mut painter = Painter::new(&compositor, source, 3);
    (0..3).for_each(|_| painter.show());
    let captured = std::thread::scope(|scope| {
        let captured = scope.spawn(|| {
            let mut camera =
                Camera::open(&compositor.socket_path(), &Subject::Output(vkms.connector(0)), false).unwrap();
            let (width, height) = camera.size();
            let mut captured = Vec::new();
            camera.ask().unwrap();
            while captured.len() < FRAMES {
                let until = Some(Instant::now() + PATIENCE);
                let shown = camera.picture(until, &AtomicBool::new(false)).unwrap().expect("a picture in time");
                camera.ask().unwrap();
                let (src, dst) = (SrcRect::full(width, height), Rect::new(0, 0, width, height));
                let pixels = camera.pixels().as_flattened();
                let plane = ModelPlane::new(pixels, width * 4, DrmFourcc::Xrgb8888 as u32, src, dst).unwrap();
                captured.push((shown.time, crc(width, height, &[plane])));
            }
            captured
        });
        while !captured.is_finished() {
            painter.show();
        }
        captured.join().unwrap()
    });
    painter.client.idle(Duration::from_millis(500)).unwrap();
    follow.kill().unwrap();
    follow.wait().unwrap();
    let shown: HashMap<u64, Value> = heard
        .join()
        .unwrap()
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|frame| (frame["time_ns"].as_u64().unwrap(), frame))
        .collect();
    compositor.stop().unwrap();
    let mut numbers = Vec::new();
    for (time, crc) in &captured {
        let frame = shown.get(time).unwrap_or_else(|| panic!("no frame was shown at {time}"));
        assert_eq!((&frame["crc"]["verdict"], &frame["missed"]), (&"equal".into(), &0.into()), "{frame}");
        assert_eq!(frame["crc"]["read"][0], *crc, "{frame}");
        numbers.push(frame["frame"].as_u64().unwrap());
    }
    let skipped = numbers.windows(2).filter(|pair| pair[0] + 1 != pair[1]).count();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]) && skipped == 0, "{skipped} skipped: {numbers:?}");
    let summary = Summary::of(&Trace::read(&trace).unwrap());
    println!(
        "{name}: {} captured, {} frames, {} missed, {:?}",
        captured.len(),
        summary.frames,
        summary.missed,
        summary.crcs
    );
    assert_eq!((summary.missed, summary.crcs.different, summary.kms_errors), (0, 0, 0));
}

#[test]
#[ignore = "lab"]
fn six_hundred_composited_frames_are_captured_as_they_were_shown() {
    recorded("recorded", 0, Source::Shm);
}

#[test]
#[ignore = "lab"]
fn six_hundred_frames_on_planes_are_captured_as_they_were_shown() {
    recorded("on-planes", 1, Source::Auto);
}

/// How many pictures the display has put into clients' buffers itself.
fn written(compositor: &Compositor) -> u64 {
    compositor.status().unwrap()["counters"]["written_pictures"].as_u64().unwrap()
}

/// Whether pixels of B, G, R, and a byte that means nothing, are those of a screenshot.
fn is_shown(compositor: &Compositor, pixels: &[u8]) -> bool {
    let shown = compositor.screenshot().unwrap();
    let has = |at: usize| {
        let [b, g, r, _] = pixels.as_chunks::<4>().0[at];
        shown.at(at % shown.width, at / shown.width) == [r, g, b]
    };
    pixels.len() == shown.width * shown.height * 4 && (0..shown.width * shown.height).all(has)
}

/// Without a GPU, the display itself puts each of an animated client's frames into a camera's dma-buf: it is
/// what the display shows, and nothing is late for it.
#[test]
#[ignore = "lab"]
fn a_writeback_connector_puts_the_image_into_the_clients_buffer() {
    const FRAMES: usize = 300;
    let vkms =
        Vkms::builder("written").output(Output { overlays: 1, writeback: true, ..Output::default() }).build().unwrap();
    let asked = [("SYNCLINE_WRITEBACK", "1".as_ref())];
    let compositor = Compositor::start_with(vkms.card(), &["--renderer", "pixman"], &asked).unwrap();
    let mut painter = Painter::new(&compositor, Source::Auto, 3);
    (0..3).for_each(|_| painter.show());
    let memory = std::cell::RefCell::new(None);
    let allocate = |width: u32, height: u32| {
        let fd = allocate(Source::Auto, (width * height * 4).next_multiple_of(4096) as usize).unwrap();
        *memory.borrow_mut() = Some(dmabuf_import::Mapping::new(Arc::new(fd.try_clone().unwrap()), false).unwrap());
        Ok(fd)
    };
    let of = Subject::Output(vkms.connector(0));
    let mut camera = Camera::open_into(&compositor.socket_path(), &of, true, &allocate).unwrap();
    let (width, height) = camera.size();
    let memory = memory.into_inner().unwrap();
    let take = |camera: &mut Camera| {
        let until = Some(Instant::now() + PATIENCE);
        let shown = camera.picture(until, &AtomicBool::new(false)).unwrap().expect("a picture in time");
        let picture = memory.cpu_read(|pixels| pixels[..(width * height * 4) as usize].to_vec()).unwrap();
        (shown, picture)
    };
    // The first one comes at once: it is drawn.
    camera.ask().unwrap();
    let (first, drawn) = take(&mut camera);
    assert_eq!((first.damage.len(), written(&compositor)), (1, 0));
    assert!(is_shown(&compositor, &drawn), "the first picture is what is shown");
    let mut late = Vec::new();
    for frame in 0..FRAMES {
        camera.ask().unwrap();
        painter.show();
        let (shown, picture) = take(&mut camera);
        late.push(shown.time);
        if frame % 50 == 0 {
            let [x, y, w, h] = shown.damage[0];
            assert!(shown.damage.len() == 1 && w <= SIZE.0 && h <= SIZE.1, "{:?}: only the window", (x, y, w, h));
            assert!(is_shown(&compositor, &picture), "{frame}: the picture is what is shown");
        }
    }
    assert_eq!(written(&compositor), FRAMES as u64, "each of them by the display");
    // CRCs would stop at a job: while they are read, pictures are drawn.
    assert!(compositor.msg(&["crc", "on"]).unwrap().status.success());
    camera.ask().unwrap();
    painter.show();
    let (_, picture) = take(&mut camera);
    assert!(is_shown(&compositor, &picture));
    assert_eq!(written(&compositor), FRAMES as u64);
    let missed = &compositor.status().unwrap()["counters"]["missed"];
    println!("{FRAMES} pictures by the display; {missed} vblanks missed, the first job's modeset included");
    compositor.stop().unwrap();
}
