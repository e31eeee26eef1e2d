//! Tiled windows on a real display: what changes together is shown in one frame, by the CRC of every
//! frame; a client that is slow, or whose fence is, delays places alone.

use std::time::Duration;

use fence::SwTimeline;
use serde_json::Value;
use syncline_tests::client::buffer::{Buffer, Pixels, Source};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::image::{Colour, HEIGHT, Image, WIDTH};
use syncline_tests::vkms::{Output, Vkms};

const RED: Colour = [200, 10, 20];
const GREEN: Colour = [20, 190, 30];
const BLUE: Colour = [10, 30, 210];
const WHITE: Colour = [250, 250, 250];
const GREY: Colour = [90, 90, 90];
const YELLOW: Colour = [220, 210, 0];
const HALF: i32 = WIDTH / 2;

/// The ways to the screen: planes beside pixman, pixman alone, GLES alone, planes beside GLES.
const WORLDS: [&[&str]; 4] = [
    &["--renderer", "pixman", "--planes", "all"],
    &["--renderer", "pixman", "--planes", "none"],
    &["--renderer", "gles", "--planes", "none"],
    &["--renderer", "gles", "--planes", "all"],
];

/// A window that draws itself in one colour.
struct Tile {
    client: Client,
    window: Toplevel,
    drawn: Vec<(Buffer, Pixels)>,
}

impl Tile {
    fn new(compositor: &Compositor, name: &str) -> Tile {
        let mut client = compositor.client().unwrap();
        let window = client.toplevel(&Wish { app_id: name, fullscreen: false }).unwrap();
        Tile { client, window, drawn: Vec::new() }
    }

    /// The size that it was told last.
    fn told(&mut self) -> (i32, i32) {
        self.client.roundtrip().unwrap();
        let (width, height) = self.window.size(&self.client, (1, 1));
        (width as i32, height as i32)
    }

    fn paint(&mut self, (width, height): (i32, i32), [r, g, b]: Colour) {
        let (buffer, mut pixels) = self.client.buffer(Source::Heap, width as u32, height as u32).unwrap();
        let paint = |bytes: &mut [u8]| bytes.chunks_exact_mut(4).for_each(|p| p.copy_from_slice(&[b, g, r, 0xff]));
        pixels.write(paint).unwrap();
        self.drawn.push((buffer, pixels));
    }

    fn newest(&self) -> &Buffer {
        &self.drawn.last().expect("something is painted").0
    }

    /// Does what it was told, in this colour.
    fn answer(&mut self, colour: Colour) {
        let size = self.told();
        self.paint(size, colour);
        let commit = Commit { buffer: Some(&self.drawn.last().unwrap().0), ..Commit::default() };
        self.window.commit(&mut self.client, &commit).unwrap();
        self.client.roundtrip().unwrap();
    }

    /// Shows another colour in this size, and answers nothing; until a frame has shown it.
    fn show(&mut self, size: (i32, i32), colour: Colour) {
        self.paint(size, colour);
        let (qh, token) = (self.client.qh(), self.client.state.token());
        self.window.surface.frame(&qh, token);
        self.window.surface.attach(Some(&self.newest().wl), 0, 0);
        self.window.damage();
        self.window.surface.commit();
        self.client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
    }
}

/// Two windows side by side.
fn halves(left: Colour, right: Colour) -> u64 {
    let mut image = Image::new(0);
    image.paint((0, 0, HALF, HEIGHT), left);
    image.paint((HALF, 0, HALF, HEIGHT), right);
    image.crc()
}

/// The CRCs of what the display has shown, one after the other, since the first of these.
fn shown_since(compositor: &Compositor, first: u64) -> Vec<u64> {
    let name = compositor.status().unwrap()["outputs"][0]["name"].as_str().unwrap().to_owned();
    let out = compositor.msg(&["frames", &name, "--json"]).unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let frames = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut shown: Vec<u64> = frames.filter_map(|frame| frame["crc"]["read"][0].as_u64()).collect();
    shown.dedup();
    shown.split_off(shown.iter().position(|crc| *crc == first).expect("the first one was shown"))
}

fn wait_for(compositor: &Compositor, left: Colour, right: Colour) {
    let name = compositor.status().unwrap()["outputs"][0]["name"].as_str().unwrap().to_owned();
    let mut image = Image::new(0);
    image.paint((0, 0, HALF, HEIGHT), left);
    image.paint((HALF, 0, HALF, HEIGHT), right);
    image.wait_shown(compositor, &name).unwrap_or_else(|error| panic!("{error}\n{}", compositor.log()));
}

/// In each world: a session that tiles, and its first window, which has the whole display.
fn in_each_world(test: impl Fn(&Compositor, Tile)) {
    for world in WORLDS {
        let vkms = Vkms::builder("tiled").output(Output { overlays: 2, ..Output::default() }).build().unwrap();
        let tiling = ["--set", "desktop.layout=\"tiling\"", "--set", "desktop.gap=0", "--set", "desktop.outer-gap=0"];
        let args = [&["--crc", "--mode", "1024x768"], world, &tiling].concat();
        let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
        let mut left = Tile::new(&compositor, "left");
        assert_eq!(left.told(), (WIDTH, HEIGHT), "{world:?}");
        left.answer(RED);
        wait_for(&compositor, RED, RED);
        test(&compositor, left);
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn two_windows_change_in_one_frame_and_present_until_then() {
    in_each_world(|compositor, mut left| {
        let mut right = Tile::new(compositor, "right");
        assert_eq!(right.told(), (HALF, HEIGHT));
        right.answer(GREEN);
        // The first one takes its time, and goes on as it is.
        for colour in [GREY, YELLOW, WHITE] {
            left.show((WIDTH, HEIGHT), colour);
        }
        assert_eq!(left.told(), (HALF, HEIGHT));
        left.answer(BLUE);
        wait_for(compositor, BLUE, GREEN);
        let before = [RED, GREY, YELLOW, WHITE].map(|colour| halves(colour, colour));
        let expected = [&before[..], &[halves(BLUE, GREEN)]].concat();
        assert_eq!(shown_since(compositor, expected[0]), expected, "{}", compositor.log());
    });
}

#[test]
#[ignore = "lab"]
fn a_fence_that_never_comes_delays_places_and_nobody_s_frames() {
    in_each_world(|compositor, mut left| {
        let mut right = Tile::new(compositor, "right");
        right.answer(GREEN);
        let timeline = SwTimeline::open().unwrap();
        let fence = timeline.fence(1, "never").unwrap();
        left.window.fenced(&left.client).unwrap();
        let size = left.told();
        assert_eq!(size, (HALF, HEIGHT));
        left.paint(size, BLUE);
        let fenced = Commit {
            buffer: Some(&left.drawn.last().unwrap().0),
            acquire_fence: Some(std::os::fd::AsFd::as_fd(&fence)),
            ..Commit::default()
        };
        left.window.commit(&mut left.client, &fenced).unwrap();
        // The layout goes on without it; what it has shown is cut.
        wait_for(compositor, RED, GREEN);
        right.show((HALF, HEIGHT), WHITE);
        right.show((HALF, HEIGHT), YELLOW);
        right.client.idle(Duration::from_millis(300)).unwrap();
        timeline.inc(1).unwrap();
        wait_for(compositor, BLUE, YELLOW);
        let sides = [(RED, RED), (RED, GREEN), (RED, WHITE), (RED, YELLOW), (BLUE, YELLOW)];
        let expected = sides.map(|(left, right)| halves(left, right));
        assert_eq!(shown_since(compositor, expected[0]), expected, "{}", compositor.log());
    });
}
