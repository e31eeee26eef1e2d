//! A desk: a compositor with a keyboard and a pointer, and the people who work at it (clients with
//! one window each).
//!
//! Windows are of one colour, so that a screenshot says where each of them is and who is on top.

use std::time::Duration;

use syncline_tests::client::buffer::Source;
use syncline_tests::client::seat::{Heard, Input, Seat};
use syncline_tests::client::state::Window;
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::{Compositor, Picture};
use syncline_tests::time::poll_until;
use syncline_tests::uinput::{Keyboard, Pointer};
use wayland_client::protocol::wl_surface::WlSurface;

pub const WIDTH: i32 = 1024;
pub const HEIGHT: i32 = 768;
pub const RED: [u8; 3] = [200, 10, 20];
pub const GREEN: [u8; 3] = [10, 200, 30];
pub const BLUE: [u8; 3] = [10, 30, 200];
const WHITE: [u8; 3] = [250, 250, 250];

/// Left, top, width, height in pixels.
pub type Area = (i32, i32, i32, i32);

/// A compositor on 1024 × 768 pixels with its devices.
pub struct Desk {
    pub compositor: Compositor,
    pub keyboard: Keyboard,
    pub pointer: Pointer,
}

impl Desk {
    pub fn new(args: &[&str]) -> Desk {
        let keyboard = Keyboard::plug().unwrap();
        let pointer = Pointer::plug(WIDTH, HEIGHT).unwrap();
        let mut all = vec!["--mode", "1024x768"];
        all.extend(args);
        Desk { compositor: Compositor::start(&all).unwrap(), keyboard, pointer }
    }

    /// Someone with a window of that colour and size.
    pub fn person(&self, colour: [u8; 3], size: (i32, i32)) -> Person {
        let mut client = self.compositor.client().unwrap();
        let seat = client.seat().unwrap();
        let window = client.toplevel(&Wish { app_id: "person", fullscreen: false }).unwrap();
        let mut person = Person { client, seat, window, colour };
        person.paint(size);
        person
    }

    /// The pixels that have a colour, as the rectangle around them.
    pub fn find(&self, colour: [u8; 3]) -> Option<Area> {
        area(&self.compositor.screenshot().unwrap(), colour)
    }

    /// Where the window of that colour is; it must be somewhere.
    pub fn area(&self, colour: [u8; 3]) -> Area {
        self.find(colour).expect("the window is not to be seen")
    }

    /// Waits until the colour covers that rectangle (and nothing beyond).
    pub fn expect(&self, colour: [u8; 3], wanted: Area) {
        let mut seen = None;
        let right = poll_until(PATIENCE, || {
            seen = self.find(colour);
            seen == Some(wanted)
        });
        assert!(right, "wanted at {wanted:?}, seen at {seen:?}");
    }

    /// Waits until a pixel has a colour.
    pub fn expect_pixel(&self, x: i32, y: i32, colour: [u8; 3]) {
        let mut seen = [0; 3];
        let right = poll_until(PATIENCE, || {
            seen = self.compositor.screenshot().unwrap().at(x as usize, y as usize);
            seen == colour
        });
        assert!(right, "wanted {colour:?} at {x}, {y}, seen {seen:?}");
    }

    /// The session still works: someone new gets a window, the focus, a key and the pointer.
    pub fn still_works(&self) {
        let mut person = self.person(WHITE, (200, 100));
        let (x, y, ..) = self.area(WHITE);
        person.wait("the focus", |p| p.keyboard_focus.is_some());
        self.keyboard.chord(&[48]).unwrap();
        person.wait_heard(&Heard::Key { key: 48, pressed: false });
        self.pointer.to(x + 7, y + 3).unwrap();
        person.wait("the pointer", |p| p.pointer_focus.is_some());
        self.pointer.click(x + 8, y + 4).unwrap();
        person.wait_heard(&Heard::Button { button: 0x110, pressed: false });
    }
}

fn area(picture: &Picture, colour: [u8; 3]) -> Option<Area> {
    let mut found: Option<(usize, usize, usize, usize)> = None;
    for y in 0..picture.height {
        for x in 0..picture.width {
            if picture.at(x, y) == colour {
                let (l, t, r, b) = found.unwrap_or((x, y, x, y));
                found = Some((l.min(x), t.min(y), r.max(x), b.max(y)));
            }
        }
    }
    found.map(|(l, t, r, b)| (l as i32, t as i32, (r - l + 1) as i32, (b - t + 1) as i32))
}

/// A client with a seat and one window. Dropped, it is as a client that was killed.
pub struct Person {
    pub client: Client,
    pub seat: Seat,
    pub window: Toplevel,
    pub colour: [u8; 3],
}

impl Person {
    /// Shows the window in this size.
    pub fn paint(&mut self, size: (i32, i32)) {
        let buffer = self.coloured(self.colour, size);
        let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
        let token = self.window.commit(&mut self.client, &commit).unwrap().frame.unwrap();
        self.client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
    }

    /// A buffer of one colour.
    pub fn coloured(&mut self, colour: [u8; 3], (w, h): (i32, i32)) -> syncline_tests::client::buffer::Buffer {
        let (buffer, mut pixels) = self.client.buffer(Source::Shm, w as u32, h as u32).unwrap();
        let [r, g, b] = colour;
        pixels.write(|bytes| bytes.as_chunks_mut::<4>().0.fill([b, g, r, 0xff])).unwrap();
        buffer
    }

    /// Shows another surface, once its first configure has been acknowledged.
    pub fn show(&mut self, surface: &WlSurface, colour: [u8; 3], size: (i32, i32)) {
        let buffer = self.coloured(colour, size);
        surface.attach(Some(&buffer.wl), 0, 0);
        surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        surface.commit();
        self.client.flush().unwrap();
    }

    /// What the compositor wants of the window now.
    pub fn wanted(&self) -> Window {
        self.client.state.windows.get(&self.window.token).cloned().unwrap_or_default()
    }

    /// Waits for something that the seat says.
    pub fn wait(&mut self, what: &str, done: impl Fn(&Input) -> bool) {
        let waited = self.client.wait_for(what, PATIENCE, |s| done(&s.input));
        waited.unwrap_or_else(|e| panic!("{e}; heard so far: {:?}", self.client.state.input.heard));
    }

    /// Waits until this has been heard.
    pub fn wait_heard(&mut self, wanted: &Heard) {
        self.wait(&format!("{wanted:?}"), |input| input.heard.contains(wanted));
    }

    /// Waits for a configure that is as it should be.
    pub fn wait_wanted(&mut self, what: &str, done: impl Fn(&Window) -> bool) {
        let token = self.window.token;
        let waited = self.client.wait_for(what, PATIENCE, |s| s.windows.get(&token).is_some_and(&done));
        waited.unwrap_or_else(|e| panic!("{e}; newest configure: {:?}", self.wanted()));
    }

    /// Takes what has been heard so far, including what is on its way.
    pub fn heard(&mut self) -> Vec<Heard> {
        self.client.roundtrip().unwrap();
        std::mem::take(&mut self.client.state.input.heard)
    }

    /// Presses the left button at a pixel of the desktop and waits until this client knows.
    pub fn press_at(&mut self, desk: &Desk, x: i32, y: i32) {
        self.client.state.input.heard.clear();
        desk.pointer.to(x, y).unwrap();
        desk.pointer.button(0x110, true).unwrap();
        self.wait_heard(&Heard::Button { button: 0x110, pressed: true });
    }

    /// Handles events for a moment, where nothing is to be waited for.
    pub fn idle(&mut self) {
        self.client.idle(Duration::from_millis(100)).unwrap();
    }
}
