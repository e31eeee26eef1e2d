//! Every error that color-representation-v1 names, and what its words do to YUV pixels, on a plane
//! and composited.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dmabuf_import::Mapping;
use drm_fourcc::DrmFourcc;
use syncline_tests::client::buffer::{Buffer, Source, allocate};
use syncline_tests::client::window::{Commit, Toplevel, Wish};
use syncline_tests::client::{Client, Feedback, PATIENCE};
use syncline_tests::compositor::Compositor;
use syncline_tests::error::Error;
use syncline_tests::trace::{Trace, What};
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};
use wayland_client::Proxy;
use wayland_protocols::wp::color_representation::v1::client::{
    wp_color_representation_manager_v1::{Error as ManagerError, WpColorRepresentationManagerV1},
    wp_color_representation_surface_v1::{
        AlphaMode, ChromaLocation, Coefficients, Error as ObjectError, Range, WpColorRepresentationSurfaceV1,
    },
};
use wayland_protocols::wp::linux_dmabuf::zv1::client::zwp_linux_buffer_params_v1;

const SIZE: (u32, u32) = (320, 240);
/// Y, Cb, Cr of every pixel.
const PIXEL: [u8; 3] = [120, 90, 160];

struct Bench {
    client: Client,
    window: Toplevel,
    manager: WpColorRepresentationManagerV1,
    object: WpColorRepresentationSurfaceV1,
}

impl Bench {
    fn new(compositor: &Compositor) -> Bench {
        let mut client = compositor.client().unwrap();
        let manager: WpColorRepresentationManagerV1 = client.bind(1).unwrap();
        let window = client.toplevel(&Wish { app_id: "colours", fullscreen: false }).unwrap();
        let object = manager.get_surface(&window.surface, &client.qh(), ());
        Bench { client, window, manager, object }
    }

    /// A dma-buf of one colour: NV12, or XRGB8888.
    fn buffer(&mut self, yuv: bool) -> Buffer {
        let (w, h) = SIZE;
        let fd = allocate(Source::Auto, (w * h * 4) as usize).unwrap();
        if !yuv {
            return self.client.wrap_dmabuf(&fd, w, h, DrmFourcc::Xrgb8888, 0).unwrap();
        }
        let fd = Arc::new(fd);
        let draw = |bytes: &mut [u8]| {
            let (luma, chroma) = bytes.split_at_mut((w * h) as usize);
            luma.fill(PIXEL[0]);
            chroma.as_chunks_mut::<2>().0.fill([PIXEL[1], PIXEL[2]]);
        };
        Mapping::new(fd.clone(), true).unwrap().cpu_write(draw).unwrap();
        self.wrap_nv12(&fd)
    }

    fn wrap_nv12(&mut self, fd: &OwnedFd) -> Buffer {
        let ((w, h), qh) = (SIZE, self.client.qh());
        let token = self.client.state.token();
        let params = self.client.state.bound.dmabuf().unwrap().create_params(&qh, token);
        params.add(fd.as_fd(), 0, 0, w, 0, 0);
        params.add(fd.as_fd(), 1, w * h, w, 0, 0);
        let flags = zwp_linux_buffer_params_v1::Flags::empty();
        let wl = params.create_immed(w as i32, h as i32, DrmFourcc::Nv12 as u32, flags, &qh, token);
        params.destroy();
        Buffer { wl, token }
    }

    /// Commits the buffer and waits until it is on the screen.
    fn show(&mut self, buffer: &Buffer) {
        let commit = Commit { buffer: Some(buffer), feedback: true, ..Commit::default() };
        let token = self.window.commit(&mut self.client, &commit).unwrap().feedback.unwrap();
        let shown = |s: &syncline_tests::client::State| s.feedback.contains_key(&token);
        self.client.wait_for("presentation feedback", PATIENCE, shown).unwrap();
        assert!(matches!(self.client.state.feedback[&token], Feedback::Presented(_)));
    }
}

/// `offend` returns the id of the object that the error must name.
fn expect(code: u32, interface: &str, word: &str, offend: impl FnOnce(&mut Bench) -> u32) {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut bench = Bench::new(&compositor);
    bench.client.roundtrip().unwrap();
    let object = offend(&mut bench);
    let Error::Protocol { interface: on, object: id, code: got, message } =
        bench.client.expect_protocol_error().unwrap()
    else {
        unreachable!("expect_protocol_error returns nothing else")
    };
    assert_eq!((got, on.as_str(), id), (code, interface, object), "{message}");
    assert!(message.contains(word), "the message does not name {word}: {message}");
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}

const ON_SURFACE: &str = "wp_color_representation_surface_v1";

#[test]
#[ignore = "lab"]
fn surface_exists() {
    expect(ManagerError::SurfaceExists as u32, "wp_color_representation_manager_v1", "get_surface", |b| {
        b.manager.get_surface(&b.window.surface, &b.client.qh(), ());
        b.manager.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn alpha_mode_that_is_not_offered() {
    expect(ObjectError::AlphaMode as u32, ON_SURFACE, "set_alpha_mode", |b| {
        b.object.set_alpha_mode(AlphaMode::Straight);
        b.object.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn coefficients_that_are_not_offered() {
    expect(ObjectError::Coefficients as u32, ON_SURFACE, "set_coefficients_and_range", |b| {
        b.object.set_coefficients_and_range(Coefficients::Ictcp, Range::Full);
        b.object.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn identity_of_limited_range_is_not_offered() {
    expect(ObjectError::Coefficients as u32, ON_SURFACE, "set_coefficients_and_range", |b| {
        b.object.set_coefficients_and_range(Coefficients::Identity, Range::Limited);
        b.object.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn a_matrix_for_rgb() {
    expect(ObjectError::PixelFormat as u32, ON_SURFACE, "wl_surface.commit", |b| {
        let buffer = b.buffer(false);
        b.object.set_coefficients_and_range(Coefficients::Bt709, Range::Limited);
        let commit = Commit { buffer: Some(&buffer), ..Commit::default() };
        b.window.commit(&mut b.client, &commit).unwrap();
        b.object.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn a_matrix_for_the_rgb_that_is_shown_already() {
    expect(ObjectError::PixelFormat as u32, ON_SURFACE, "wl_surface.commit", |b| {
        let buffer = b.buffer(false);
        b.show(&buffer);
        b.object.set_coefficients_and_range(Coefficients::Bt601, Range::Full);
        b.window.commit(&mut b.client, &Commit::default()).unwrap();
        b.object.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn the_identity_for_yuv() {
    expect(ObjectError::PixelFormat as u32, ON_SURFACE, "wl_surface.commit", |b| {
        let buffer = b.buffer(true);
        b.object.set_coefficients_and_range(Coefficients::Identity, Range::Full);
        let commit = Commit { buffer: Some(&buffer), ..Commit::default() };
        b.window.commit(&mut b.client, &commit).unwrap();
        b.object.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn a_chroma_location_for_rgb() {
    expect(ObjectError::PixelFormat as u32, ON_SURFACE, "4:2:0", |b| {
        let buffer = b.buffer(false);
        b.object.set_chroma_location(ChromaLocation::Type0);
        let commit = Commit { buffer: Some(&buffer), ..Commit::default() };
        b.window.commit(&mut b.client, &commit).unwrap();
        b.object.id().protocol_id()
    });
}

#[test]
#[ignore = "lab"]
fn an_object_whose_surface_is_gone() {
    expect(ObjectError::Inert as u32, ON_SURFACE, "destroyed", |b| {
        let surface = b.client.state.bound.compositor().unwrap().create_surface(&b.client.qh(), ());
        let object = b.manager.get_surface(&surface, &b.client.qh(), ());
        surface.destroy();
        object.set_coefficients_and_range(Coefficients::Bt709, Range::Limited);
        object.id().protocol_id()
    });
}

/// Red, green, blue of [`PIXEL`] by matrix and range (H.273 8.3), in doubles.
fn rgb(kr: f64, kb: f64, full: bool) -> [u8; 3] {
    let [y, cb, cr] = PIXEL.map(f64::from);
    let (y, cb, cr) = match full {
        true => (y / 255., (cb - 128.) / 255., (cr - 128.) / 255.),
        false => ((y - 16.) / 219., (cb - 128.) / 224., (cr - 128.) / 224.),
    };
    let (r, b) = (y + 2. * (1. - kr) * cr, y + 2. * (1. - kb) * cb);
    let g = (y - kr * r - kb * b) / (1. - kr - kb);
    [r, g, b].map(|v| (v * 255.).round().clamp(0., 255.) as u8)
}

/// Shows one NV12 picture as nobody says, as three words say, and as nobody says again. Whatever
/// shows it, the screenshot (which is composited) has the formula's colours. Returns the CRCs that
/// followed one upon the other.
fn phases(card: &Path, planes: &str) -> Vec<String> {
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let args = ["--crc", "--trace", &path.to_string_lossy(), "--planes", planes];
    let compositor = Compositor::start_on(card, &args).unwrap();
    let mut bench = Bench::new(&compositor);
    let buffer = bench.buffer(true);
    // CRCs are settled before the first picture, and each picture is there for some of them.
    let some_frames = Duration::from_millis(100);
    bench.client.idle(some_frames).unwrap();
    let bt601 = (0.299, 0.114);
    let said = [
        (None, rgb(bt601.0, bt601.1, false)),
        (Some((Coefficients::Bt709, Range::Full)), rgb(0.2126, 0.0722, true)),
        (Some((Coefficients::Bt2020, Range::Limited)), rgb(0.2627, 0.0593, false)),
        (Some((Coefficients::Bt601, Range::Full)), rgb(bt601.0, bt601.1, true)),
    ];
    for (word, expected) in said {
        if let Some((coefficients, range)) = word {
            bench.object.set_coefficients_and_range(coefficients, range);
        }
        bench.show(&buffer);
        bench.client.idle(some_frames).unwrap();
        looks(&compositor, expected, &format!("{planes}: {word:?}"));
    }
    bench.object.destroy();
    bench.show(&buffer);
    bench.client.idle(some_frames).unwrap();
    looks(&compositor, said[0].1, "after the object is gone");
    bench.show(&buffer);
    compositor.stop().unwrap();
    let trace = Trace::read(&path).unwrap();
    let mut values = Vec::new();
    for event in &trace.events {
        let What::Crc(crc) = &event.what else { continue };
        assert_ne!(crc.verdict, "different", "{planes}: frame {}", crc.frame);
        if let Some(read) = crc.read.as_ref().filter(|_| crc.verdict == "equal").map(ToString::to_string)
            && values.last() != Some(&read)
        {
            values.push(read);
        }
    }
    values
}

/// Some pixel of the middle of the window, wherever that is: the colour is nowhere else.
fn looks(compositor: &Compositor, expected: [u8; 3], what: &str) {
    let picture = compositor.screenshot().unwrap();
    let close = |got: [u8; 3]| got.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 2);
    let found = (0..picture.height).flat_map(|y| (0..picture.width).map(move |x| (x, y)));
    let count = found.filter(|&(x, y)| close(picture.at(x, y))).count();
    assert!(count >= (SIZE.0 * SIZE.1) as usize * 9 / 10, "{what}: {count} pixels of about {expected:?}");
}

#[test]
#[ignore = "lab"]
fn what_is_said_is_what_planes_and_renderer_show() {
    let vkms = Vkms::builder("colours").output(Output { overlays: 2, ..Output::default() }).build().unwrap();
    for planes in ["all", "none"] {
        let values = phases(vkms.card(), planes);
        println!("planes {planes}: CRCs {values:?}");
        // Four pictures, then the first again.
        let [.., a, b, c, d, again] = &values[..] else { panic!("{planes}: only {values:?}") };
        assert_eq!(a, again, "{planes}: {values:?}");
        let mut different = [a, b, c, d];
        different.sort_unstable();
        assert!(different.windows(2).all(|pair| pair[0] != pair[1]), "{planes}: {values:?}");
    }
}
