//! A display at a scale of 1.5: by its own CRC, against an image that is painted here. In virtual time.
//!
//! Nothing of the image comes from the compositor.

use std::fs;

use syncline_tests::client::buffer::{Buffer, Source};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::image::{Area, Colour, Image};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};

const RED: Colour = [200, 10, 20];
const GREEN: Colour = [10, 200, 30];
const BLUE: Colour = [10, 30, 200];
/// The size of the window on the desktop, which has 683x512 pixels.
const SIZE: (i32, i32) = (201, 101);
/// Where the compositor puts a first window of this size, 241, 205, in pixels of the display; and its buffer.
const WINDOW: Area = (362, 308, 302, 152);
/// What is painted in the buffer. Lines of one pixel would be mixed with others if anything scaled them.
const PARTS: [(Area, Colour); 4] =
    [((0, 0, 302, 152), RED), ((0, 0, 121, 1), GREEN), ((77, 0, 1, 152), BLUE), ((301, 0, 1, 152), GREEN)];

/// A buffer of the size that the display has for the window.
fn painted(client: &mut Client, source: Source) -> Buffer {
    let (.., w, h) = WINDOW;
    let (buffer, mut pixels) = client.buffer(source, w as u32, h as u32).unwrap();
    let draw = |bytes: &mut [u8]| {
        for ((left, top, width, height), [r, g, b]) in PARTS {
            for (x, y) in (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y))) {
                let at = ((y * w + x) * 4) as usize;
                bytes[at..at + 4].copy_from_slice(&[b, g, r, 0xff]);
            }
        }
    };
    pixels.write(draw).unwrap();
    buffer
}

fn image() -> Image {
    let mut image = Image::new(0);
    for ((x, y, w, h), colour) in PARTS {
        image.paint((WINDOW.0 + x, WINDOW.1 + y, w, h), colour);
    }
    image
}

fn show(client: &mut Client, window: &mut Toplevel, buffer: &Buffer) {
    let commit = Commit { buffer: Some(buffer), frame: true, ..Commit::default() };
    let token = window.commit(client, &commit).unwrap().frame.unwrap();
    client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
}

#[test]
#[ignore = "lab"]
fn what_is_drawn_for_the_scale_is_shown_pixel_by_pixel() {
    let output = Output { overlays: 1, ..Output::default() };
    let vkms = Vkms::builder("scaled").output(output).build().unwrap();
    let folder = user::folder().unwrap();
    let config = folder.path().join("config.toml");
    let scale = format!("[[output]]\nname = \"{}\"\nscale = 1.5\n", vkms.connector(0));
    fs::write(&config, scale).unwrap();
    let config = config.to_str().unwrap();
    let table: [(&[&str], u64, &str); 3] = [
        (&["--planes", "none", "--renderer", "pixman"], 0, "composited"),
        (&["--planes", "none", "--renderer", "gles"], 0, "composited by GLES"),
        (&["--planes", "all", "--renderer", "pixman"], 1, "on a plane, and vkms scales nothing"),
    ];
    for (args, on_planes, what) in table {
        let args = [&["--crc", "--mode", "1024x768", "--config", config], args].concat();
        let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
        let output = &compositor.status().unwrap()["outputs"][0];
        assert_eq!((&output["scale"], &output["width"]), (&1.5.into(), &683.into()), "{output}");
        let name = output["name"].as_str().unwrap();
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "scaled", fullscreen: false }).unwrap();
        let viewporter = client.state.bound.viewporter().unwrap();
        let viewport = viewporter.get_viewport(&window.surface, &client.qh(), ());
        viewport.set_destination(SIZE.0, SIZE.1);
        let buffer = painted(&mut client, Source::Auto);
        for _ in 0..3 {
            show(&mut client, &mut window, &buffer);
        }
        let shown = image().wait_shown(&compositor, name);
        shown.unwrap_or_else(|error| panic!("{what}: {error}\n{}", compositor.log()));
        let crc = compositor.msg(&["crc", "status", "--json"]).unwrap();
        let crc: serde_json::Value = serde_json::from_slice(&crc.stdout).unwrap();
        let counts = &crc["outputs"][0];
        assert!(counts["equal"].as_u64().is_some_and(|equal| equal > 0), "{what}: {counts}");
        assert_eq!((&counts["different"], &counts["unpredicted"]), (&0.into(), &0.into()), "{what}: {counts}");
        let status = compositor.status().unwrap();
        assert_eq!(status["outputs"][0]["on_planes"], on_planes, "{what}: {status}");
        drop(client);
        compositor.stop().unwrap();
    }
}
