//! The pointer where no plane is made for it: by the display's own CRC, against an image that is
//! painted here.
//!
//! The image has the background, one window and a client's pointer, each of one colour. Nothing of
//! it comes from the compositor.

use syncline_tests::client::buffer::{Buffer, Source};
use syncline_tests::client::seat::Seat;
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::image::{Area, Colour, HEIGHT, Image, WIDTH};
use syncline_tests::uinput::Pointer;
use syncline_tests::vkms::{Output, Vkms};
use wayland_client::protocol::wl_surface::WlSurface;

const RED: Colour = [200, 10, 20];
const GREEN: Colour = [10, 200, 30];
/// Where the compositor puts a first window of this size.
const WINDOW: Area = (362, 284, 300, 200);

/// A client with a red window, whose pointer is a green square.
struct Person {
    client: Client,
    seat: Seat,
    _window: Toplevel,
    cursor: WlSurface,
    buffers: Vec<Buffer>,
}

impl Person {
    fn new(compositor: &Compositor, (w, h): (i32, i32)) -> Person {
        let mut client = compositor.client().unwrap();
        let seat = client.seat().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "person", fullscreen: false }).unwrap();
        let buffer = coloured(&mut client, RED, (w, h));
        let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
        let token = window.commit(&mut client, &commit).unwrap().frame.unwrap();
        client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
        let cursor = client.state.bound.compositor().unwrap().create_surface(&client.qh(), ());
        Person { client, seat, _window: window, cursor, buffers: vec![buffer] }
    }

    /// Shows a square of `size` pixels of the buffer at `scale`, which is over the pointer's
    /// position by `hotspot`.
    fn point(&mut self, size: i32, scale: i32, hotspot: i32) {
        self.client.wait_for("the pointer", PATIENCE, |s| s.input.pointer_focus.is_some()).unwrap();
        let serial = self.client.state.input.enter_serial;
        self.seat.pointer.set_cursor(serial, Some(&self.cursor), hotspot, hotspot);
        let buffer = coloured(&mut self.client, GREEN, (size, size));
        self.cursor.set_buffer_scale(scale);
        self.cursor.attach(Some(&buffer.wl), 0, 0);
        self.cursor.damage_buffer(0, 0, i32::MAX, i32::MAX);
        self.cursor.commit();
        self.client.flush().unwrap();
        self.buffers.push(buffer);
    }
}

fn coloured(client: &mut Client, [r, g, b]: Colour, (w, h): (i32, i32)) -> Buffer {
    let (buffer, mut pixels) = client.buffer(Source::Shm, w as u32, h as u32).unwrap();
    pixels.write(|bytes| bytes.as_chunks_mut::<4>().0.fill([b, g, r, 0xff])).unwrap();
    buffer
}

/// Waits until a display shows the image; and no CRC may differ from its prediction.
fn expect(compositor: &Compositor, output: &str, image: &Image, what: &str) {
    let shown = image.wait_shown(compositor, output);
    shown.unwrap_or_else(|error| panic!("{what}: {error}\n{}", compositor.log()));
    assert_eq!(compositor.status().unwrap()["counters"]["crc_different"], 0, "{what}");
}

fn start(outputs: usize, overlays: u32) -> (Vkms, Compositor, Vec<String>) {
    let output = Output { cursor: false, overlays, ..Output::default() };
    let vkms = Vkms::builder("pointer").outputs(outputs, output).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &["--crc", "--mode", "1024x768"]).unwrap();
    let status = compositor.status().unwrap();
    let mut names: Vec<_> = status["outputs"].as_array().unwrap().iter().collect();
    names.sort_by_key(|output| output["x"].as_i64());
    let names = names.iter().map(|output| output["name"].as_str().unwrap().to_owned()).collect();
    (vkms, compositor, names)
}

#[test]
#[ignore = "lab"]
fn the_pointer_is_seen_without_a_cursor_plane() {
    for overlays in [0, 1] {
        let pointer = Pointer::plug(WIDTH, HEIGHT).unwrap();
        let (_vkms, compositor, names) = start(1, overlays);
        let mut person = Person::new(&compositor, (300, 200));
        let scene = |cursor: Option<Area>| {
            let mut image = Image::new(0);
            image.paint(WINDOW, RED);
            cursor.into_iter().for_each(|area| image.paint(area, GREEN));
            image
        };
        for (x, y) in [(400, 300), (500, 400)] {
            pointer.to(x, y).unwrap();
            person.point(16, 1, 4);
            expect(&compositor, &names[0], &scene(Some((x - 4, y - 4, 16, 16))), "16 pixels at scale 1");
        }
        person.point(48, 2, 6);
        expect(&compositor, &names[0], &scene(Some((494, 394, 24, 24))), "48 pixels at scale 2");
        person.point(96, 1, 48);
        expect(&compositor, &names[0], &scene(Some((452, 352, 96, 96))), "96 pixels");
        let serial = person.client.state.input.enter_serial;
        person.seat.pointer.set_cursor(serial, None, 0, 0);
        person.client.flush().unwrap();
        expect(&compositor, &names[0], &scene(None), "hidden");
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn the_pointer_is_seen_across_two_outputs() {
    let pointer = Pointer::plug(2 * WIDTH, HEIGHT).unwrap();
    let (_vkms, compositor, names) = start(2, 0);
    // It fills the first display, so that the pointer is over it up to the edge.
    let mut person = Person::new(&compositor, (WIDTH, HEIGHT));
    pointer.to(WIDTH - 8, 300).unwrap();
    person.point(96, 1, 48);
    let cursor = (WIDTH - 8 - 48, 300 - 48, 96, 96);
    let mut left = Image::new(0);
    left.paint((0, 0, WIDTH, HEIGHT), RED);
    left.paint(cursor, GREEN);
    let mut right = Image::new(WIDTH);
    right.paint(cursor, GREEN);
    expect(&compositor, &names[0], &left, "the left part");
    expect(&compositor, &names[1], &right, "the right part");
    compositor.stop().unwrap();
}
