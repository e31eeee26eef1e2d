//! A panel that is mounted turned: by the display's own CRC, against an image that is painted here.
//! In virtual time.
//!
//! The panel's right side is up, so what its user sees is turned clockwise on it. Nothing of the image
//! comes from the compositor.

use std::path::Path;

use kms::{Device, PlaneKind};
use syncline_tests::client::buffer::{Buffer, Source};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::image::{Area, Colour, HEIGHT, Image, WIDTH};
use syncline_tests::uinput::Pointer;
use syncline_tests::vkms::{Output, Panel, Vkms};
use wayland_client::protocol::wl_output::Transform;

const RED: Colour = [200, 10, 20];
const GREEN: Colour = [10, 200, 30];
const BLUE: Colour = [10, 30, 200];
/// Where the compositor puts a first window of this size on a desktop of 768x1024.
const WINDOW: Area = (234, 412, 300, 200);
/// What is painted in the window: it looks like itself in no other position.
const PARTS: [(Area, Colour); 3] = [((0, 0, 300, 200), RED), ((0, 0, 120, 50), GREEN), ((0, 150, 40, 50), BLUE)];

/// Where on the panel a part of the desktop is.
fn on_panel((x, y, w, h): Area) -> Area {
    (WIDTH - y - h, x, h, w)
}

/// The image of the window on the panel.
fn image() -> Image {
    let mut image = Image::new(0);
    for ((x, y, w, h), colour) in PARTS {
        image.paint(on_panel((WINDOW.0 + x, WINDOW.1 + y, w, h)), colour);
    }
    image
}

fn card(overlays: u32) -> Vkms {
    let output = Output { overlays, ..Output::default() };
    Vkms::builder("turned").output(output).panel(Panel::RightUp).build().unwrap()
}

fn start(card: &Path, args: &[&str]) -> Compositor {
    let mut all = vec!["--crc", "--mode", "1024x768"];
    all.extend(args);
    let compositor = Compositor::start_on(card, &all).unwrap();
    let output = &compositor.status().unwrap()["outputs"][0];
    assert_eq!((&output["transform"], &output["width"]), (&"270".into(), &768.into()), "{output}");
    compositor
}

/// A buffer that is painted for the window: upright, or turned as the display is.
fn painted(client: &mut Client, turned: bool) -> Buffer {
    let (w, h) = if turned { (200, 300) } else { (300, 200) };
    let (buffer, mut pixels) = client.buffer(Source::Auto, w, h).unwrap();
    let draw = |bytes: &mut [u8]| {
        for ((left, top, width, height), [r, g, b]) in PARTS {
            for (x, y) in (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y))) {
                let (x, y) = if turned { (199 - y, x) } else { (x, y) };
                let at = ((y * w as i32 + x) * 4) as usize;
                bytes[at..at + 4].copy_from_slice(&[b, g, r, 0xff]);
            }
        }
    };
    pixels.write(draw).unwrap();
    buffer
}

fn show(client: &mut Client, window: &mut Toplevel, buffer: &Buffer) {
    let commit = Commit { buffer: Some(buffer), frame: true, ..Commit::default() };
    let token = window.commit(client, &commit).unwrap().frame.unwrap();
    client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
}

/// The display shows the image, and no frame differed from its prediction or could not be predicted.
fn expect(compositor: &Compositor, image: &Image, what: &str) {
    let status = compositor.status().unwrap();
    let output = status["outputs"][0]["name"].as_str().unwrap();
    let shown = image.wait_shown(compositor, output);
    shown.unwrap_or_else(|error| panic!("{what}: {error}\n{}", compositor.log()));
    let crc = compositor.msg(&["crc", "status", "--json"]).unwrap();
    let crc: serde_json::Value = serde_json::from_slice(&crc.stdout).unwrap();
    let counts = &crc["outputs"][0];
    assert!(counts["equal"].as_u64().is_some_and(|equal| equal > 0), "{what}: {counts}");
    assert_eq!((&counts["different"], &counts["unpredicted"]), (&0.into(), &0.into()), "{what}: {counts}");
}

/// `rotation` of the overlay, as the kernel has it.
fn rotation(card: &Path) -> u64 {
    let inventory = Device::open(card).unwrap().inventory().unwrap();
    let overlay = inventory.planes.iter().find(|plane| plane.kind == PlaneKind::Overlay).unwrap();
    overlay.props.value("rotation").expect("vkms turns planes")
}

#[test]
#[ignore = "lab"]
fn a_window_is_upright_on_a_panel_whose_right_side_is_up() {
    let vkms = card(1);
    let table: [(&[&str], bool, u64, &str); 5] = [
        (&["--planes", "none", "--renderer", "pixman"], false, 0, "composited"),
        (&["--planes", "none", "--renderer", "pixman"], true, 0, "composited from a turned buffer"),
        (&["--planes", "none", "--renderer", "gles"], false, 0, "composited by GLES"),
        (&["--planes", "all", "--renderer", "pixman"], false, 1, "turned by a plane"),
        (&["--planes", "all", "--renderer", "pixman"], true, 1, "turned by its client"),
    ];
    for (args, turned, on_planes, what) in table {
        let compositor = start(vkms.card(), args);
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "turned", fullscreen: false }).unwrap();
        let buffer = painted(&mut client, turned);
        window.surface.set_buffer_transform(if turned { Transform::_270 } else { Transform::Normal });
        for _ in 0..3 {
            show(&mut client, &mut window, &buffer);
        }
        expect(&compositor, &image(), what);
        let status = compositor.status().unwrap();
        assert_eq!(status["outputs"][0]["on_planes"], on_planes, "{what}: {status}");
        if on_planes > 0 {
            // DRM_MODE_ROTATE_270 and DRM_MODE_ROTATE_0.
            assert_eq!(rotation(vkms.card()), if turned { 1 } else { 8 }, "{what}");
        }
        drop(client);
        compositor.stop().unwrap();
    }
}

/// The image of its client is green with a blue corner, 20x10, and points with 4, 2.
#[test]
#[ignore = "lab"]
fn the_pointer_is_upright_where_it_is_put() {
    for overlays in [0, 1] {
        let vkms = card(overlays);
        let pointer = Pointer::plug(WIDTH, HEIGHT).unwrap();
        let compositor = start(vkms.card(), &["--renderer", "pixman"]);
        let mut client = compositor.client().unwrap();
        let seat = client.seat().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "turned", fullscreen: false }).unwrap();
        let buffer = painted(&mut client, false);
        show(&mut client, &mut window, &buffer);
        // The pixels of the panel below the pointer, and what its user sees there.
        for ((x, y), (left, top)) in [((500, 300), (300, 524)), ((450, 400), (400, 574))] {
            pointer.to(x, y).unwrap();
            client.wait_for("the pointer", PATIENCE, |s| s.input.pointer_focus.is_some()).unwrap();
            let cursor = client.state.bound.compositor().unwrap().create_surface(&client.qh(), ());
            seat.pointer.set_cursor(client.state.input.enter_serial, Some(&cursor), 4, 2);
            let (image_buffer, mut pixels) = client.buffer(Source::Shm, 20, 10).unwrap();
            let draw = |bytes: &mut [u8]| {
                for (at, pixel) in bytes.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                    let [r, g, b] = if at % 20 < 5 && at / 20 < 3 { BLUE } else { GREEN };
                    *pixel = [b, g, r, 0xff];
                }
            };
            pixels.write(draw).unwrap();
            cursor.attach(Some(&image_buffer.wl), 0, 0);
            cursor.damage_buffer(0, 0, i32::MAX, i32::MAX);
            cursor.commit();
            client.flush().unwrap();
            let mut image = image();
            image.paint(on_panel((left - 4, top - 2, 20, 10)), GREEN);
            image.paint(on_panel((left - 4, top - 2, 5, 3)), BLUE);
            expect(&compositor, &image, "the pointer");
            let status = compositor.status().unwrap();
            assert_eq!(status["outputs"][0]["pointer_on_plane"], true, "{status}");
        }
        drop(client);
        compositor.stop().unwrap();
    }
}
