//! An image that a test paints by itself, and the CRC that a vkms display has when it shows that
//! image. Nothing of it comes from the compositor.

use std::time::Duration;

use dmabuf_import::Fourcc;
use kms::crc::vkms::{ModelPlane, crc};
use kms::{Rect, SrcRect};
use serde_json::Value;

use crate::compositor::Compositor;
use crate::time::poll_until;

/// Size of the display, for `--mode 1024x768`.
pub const WIDTH: i32 = 1024;
/// See [`WIDTH`].
pub const HEIGHT: i32 = 768;
/// Red, green, blue.
pub type Colour = [u8; 3];
/// The compositor's background if nothing else is configured.
pub const BACKGROUND: Colour = [0x2b, 0x30, 0x3a];
/// Left, top, width, height on the desktop.
pub type Area = (i32, i32, i32, i32);

/// An image of one display, whose left edge is at `left` of the desktop.
pub struct Image {
    left: i32,
    pixels: Vec<u8>,
}

impl Image {
    /// The background alone.
    pub fn new(left: i32) -> Image {
        let mut image = Image { left, pixels: vec![0; (WIDTH * HEIGHT * 4) as usize] };
        image.paint((left, 0, WIDTH, HEIGHT), BACKGROUND);
        image
    }

    /// Paints an area in one colour, cut at the edges.
    pub fn paint(&mut self, (x, y, w, h): Area, [r, g, b]: Colour) {
        let x = x - self.left;
        for y in y.max(0)..(y + h).min(HEIGHT) {
            for x in x.max(0)..(x + w).min(WIDTH) {
                let at = ((y * WIDTH + x) * 4) as usize;
                self.pixels[at..at + 4].copy_from_slice(&[b, g, r, 0xff]);
            }
        }
    }

    /// The CRC that vkms computes of it.
    pub fn crc(&self) -> u64 {
        let (w, h) = (WIDTH as u32, HEIGHT as u32);
        let (src, dst) = (SrcRect::full(w, h), Rect::new(0, 0, w, h));
        let plane = ModelPlane::new(&self.pixels, w * 4, Fourcc::Xrgb8888 as u32, src, dst);
        u64::from(crc(w, h, &[plane.expect("XRGB8888 is modelled")]))
    }

    /// Waits until a display of the compositor, which runs with `--crc`, shows the image by its CRC.
    /// Error: what it shows instead.
    pub fn wait_shown(&self, compositor: &Compositor, output: &str) -> Result<(), String> {
        let (wanted, mut seen) = (self.crc(), None);
        let shown = poll_until(Duration::from_secs(5), || {
            seen = newest(compositor, output);
            seen == Some(wanted)
        });
        if shown { Ok(()) } else { Err(format!("{output} has the CRC {seen:x?}, the image {wanted:x}")) }
    }
}

/// The CRC of the newest frame of a display of which one was read.
fn newest(compositor: &Compositor, output: &str) -> Option<u64> {
    let out = compositor.msg(&["frames", output, "--json"]).ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    let frames = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    frames.filter_map(|frame| frame["crc"]["read"][0].as_u64()).next_back()
}
