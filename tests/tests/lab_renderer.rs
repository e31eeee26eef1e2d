//! Which renderer a session gets on a machine whose GPU is none, or gives it no memory; that the
//! session begins all the same; and that a frame makes nothing that the frame before had.
//!
//! vkms has no render node, so that debug builds are told to take it for a card with one
//! (`SYNCLINE_FAULT_GPU`). The EGL behind is Mesa's on the CPU, as on virtio-gpu without virgl.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use dmabuf_import::Mapping;
use drm_fourcc::{DrmFourcc, DrmModifier};
use syncline_tests::bench::runs::watch;
use syncline_tests::client::Feedback;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::buffer::{Pixels, Source, allocate};
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::{Compositor, Picture};
use syncline_tests::error::Result;
use syncline_tests::lab::find_card;

fn start(gpu: &str, args: &[&str]) -> Result<Compositor> {
    Compositor::start_with(&find_card(None)?, args, &[("SYNCLINE_FAULT_GPU", gpu.as_ref())])
}

/// The session's renderer is this one, and what a client commits is on the screen.
fn shows_with(compositor: &Compositor, renderer: &str) {
    assert_eq!(compositor.status().unwrap()["renderer"], renderer, "{}", compositor.log());
    let mut actor = Actor::new(compositor, "shown", None).unwrap();
    actor.show(7).unwrap();
    assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(7));
}

/// Lines of the log that hold the word.
fn lines(compositor: &Compositor, word: &str) -> usize {
    compositor.log().lines().filter(|line| line.contains(word)).count()
}

#[test]
#[ignore = "lab"]
fn a_render_node_with_gl_on_the_cpu_is_no_gpu() {
    let compositor = start("none", &[]).unwrap();
    shows_with(&compositor, "pixman");
    assert_eq!(lines(&compositor, "GL would run on the CPU"), 1, "{}", compositor.log());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn gl_on_the_cpu_is_used_when_asked_for() {
    let compositor = start("none", &["--renderer", "gles"]).unwrap();
    shows_with(&compositor, "gles");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_gpu_that_gets_no_memory_for_the_display_gives_way_to_the_cpu() {
    let compositor = start("starves", &[]).unwrap();
    shows_with(&compositor, "pixman");
    assert_eq!(lines(&compositor, "Permission denied"), 1, "{}", compositor.log());
    assert_eq!(lines(&compositor, "rendering with pixman on the CPU instead"), 1, "{}", compositor.log());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_gpu_that_was_asked_for_and_gets_no_memory_is_an_error() {
    let error = start("starves", &["--renderer", "gles"]).map(drop).unwrap_err().to_string();
    for word in ["cannot light ", "Permission denied", "--renderer pixman"] {
        assert!(error.contains(word), "{word}: {error}");
    }
}

/// System calls that map memory, and that make or close a buffer, an import or a framebuffer.
const MAKES: [&str; 10] = [
    "mmap",
    "munmap",
    "mremap",
    "DRM_IOCTL_GEM_CLOSE",
    "DRM_IOCTL_PRIME_FD_TO_HANDLE",
    "DRM_IOCTL_PRIME_HANDLE_TO_FD",
    "DRM_IOCTL_MODE_CREATE_DUMB",
    "DRM_IOCTL_MODE_DESTROY_DUMB",
    "DRM_IOCTL_MODE_ADDFB2",
    "DRM_IOCTL_MODE_RMFB",
];

/// Two windows that change in every frame are composited, and only what changes is touched: targets,
/// textures and mappings are those of the frames before.
fn makes_nothing(renderer: &str) {
    let compositor = Compositor::start(&["--renderer", renderer, "--planes", "none"]).unwrap();
    assert_eq!(compositor.status().unwrap()["renderer"], renderer, "{}", compositor.log());
    let client = |hue: &str| {
        let args = ["--windowed", "256x256", "--plain", "--frames", "100000", "--hue", hue];
        compositor.demo_client(&args).unwrap().stdout(Stdio::null()).spawn().unwrap()
    };
    let mut clients = ["0", "90"].map(client);
    std::thread::sleep(Duration::from_millis(2000));
    let watched = watch(&compositor, Duration::from_secs(3));
    for client in &mut clients {
        client.kill().unwrap();
        client.wait().unwrap();
    }
    let watched = watched.unwrap();
    assert!(watched.frames > 60, "{watched:?}");
    let made: Vec<_> = MAKES.iter().filter_map(|name| watched.calls.by_name.get_key_value(*name)).collect();
    assert!(made.is_empty(), "{renderer}, in {} frames: {made:?}", watched.frames);
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_frame_of_pixman_makes_nothing() {
    makes_nothing("pixman");
}

#[test]
#[ignore = "lab"]
fn a_frame_of_gles_makes_nothing() {
    makes_nothing("gles");
}

/// GL on the CPU copies dma-bufs. A client that changes more than it says shows which pixels were
/// copied again.
#[test]
#[ignore = "lab"]
fn only_what_a_client_damages_is_copied() {
    let compositor = Compositor::start(&["--renderer", "gles", "--planes", "none"]).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "painter", fullscreen: true }).unwrap();
    let (width, height) = window.size(&client, (640, 480));
    for (value, damage) in [(0x20, None), (0x80, Some((100, 50, 40, 30)))] {
        let (buffer, mut pixels) = client.buffer(Source::Auto, width, height).unwrap();
        pixels.write(|bytes| bytes.fill(value)).unwrap();
        let commit = Commit { buffer: Some(&buffer), damage, feedback: true, ..Commit::default() };
        let token = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
        let presented = |feedback: Option<&Feedback>| matches!(feedback, Some(Feedback::Presented(_)));
        client.wait_for("feedback", Duration::from_secs(5), |state| presented(state.feedback.get(&token))).unwrap();
    }
    let picture = compositor.screenshot().unwrap();
    for (x, y, value) in [(10, 10, 0x20), (99, 60, 0x20), (100, 50, 0x80), (139, 79, 0x80), (140, 80, 0x20)] {
        assert_eq!(picture.at(x, y), [value; 3], "{x}, {y}");
    }
    compositor.stop().unwrap();
}

/// Pixels of no pattern, the same ones for the same seed. Premultiplied if `alpha`, else with
/// anything in the byte that nobody may look at.
fn noise(bytes: &mut [u8], seed: u32, alpha: bool) {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as u8
    };
    for pixel in bytes.chunks_exact_mut(4) {
        let above = next();
        let most = if alpha { u16::from(above) } else { 255 };
        let colour = [0; 3].map(|_| (u16::from(next()) * most / 255) as u8);
        pixel.copy_from_slice(&[colour[0], colour[1], colour[2], above]);
    }
}

/// The size of the translucent window: odd, so that no tile of the renderer is covered as a whole.
const ABOVE: (u32, u32) = (203, 151);

/// What the display shows of an opaque window as large as it, and of a translucent one above it.
fn of_two_windows(renderer: &str) -> Picture {
    let compositor = Compositor::start(&["--renderer", renderer, "--planes", "none"]).unwrap();
    assert_eq!(compositor.status().unwrap()["renderer"], renderer, "{}", compositor.log());
    let mut client = compositor.client().unwrap();
    let mut shown = Vec::new();
    let mut screen = (640, 480);
    for (app_id, seed, format) in [("below", 7, DrmFourcc::Xrgb8888), ("above", 11, DrmFourcc::Argb8888)] {
        let below = format == DrmFourcc::Xrgb8888;
        let mut window = client.toplevel(&Wish { app_id, fullscreen: below }).unwrap();
        if below {
            screen = window.size(&client, screen);
        }
        let (width, height) = if below { screen } else { ABOVE };
        let len = (width * height * 4) as usize;
        let fd = allocate(Source::Auto, len.next_multiple_of(4096)).unwrap();
        let buffer = client.wrap_dmabuf(&fd, width, height, format, u64::from(DrmModifier::Linear)).unwrap();
        let mut pixels = Pixels::Mapped(Mapping::new(Arc::new(fd), true).unwrap());
        pixels.write(|bytes| noise(&mut bytes[..len], seed, !below)).unwrap();
        let commit = Commit { buffer: Some(&buffer), feedback: true, ..Commit::default() };
        let token = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
        let presented = |feedback: Option<&Feedback>| matches!(feedback, Some(Feedback::Presented(_)));
        client.wait_for("feedback", Duration::from_secs(5), |state| presented(state.feedback.get(&token))).unwrap();
        shown.push((window, buffer, pixels));
    }
    let picture = compositor.screenshot().unwrap();
    compositor.stop().unwrap();
    picture
}

/// Opaque pixels are the same; how a product of two bytes is rounded is the renderer's own affair.
#[test]
#[ignore = "lab"]
fn gles_and_pixman_show_the_same_pixels() {
    let (pixman, gles) = (of_two_windows("pixman"), of_two_windows("gles"));
    // The second window lies 32 pixels right of and below the middle of the screen.
    let at = |screen: usize, window: u32| (screen - window as usize) / 2 + 32;
    let (left, top) = (at(pixman.width, ABOVE.0), at(pixman.height, ABOVE.1));
    for (x, y) in (0..pixman.height).flat_map(|y| (0..pixman.width).map(move |x| (x, y))) {
        let in_x = (left..left + ABOVE.0 as usize).contains(&x);
        let translucent = in_x && (top..top + ABOVE.1 as usize).contains(&y);
        let (of_pixman, of_gles) = (pixman.at(x, y), gles.at(x, y));
        let apart = of_pixman.iter().zip(of_gles).map(|(a, b)| a.abs_diff(b)).max();
        assert!(apart <= Some(u8::from(translucent)), "{x}, {y}: {of_pixman:?} {of_gles:?}");
    }
    assert_ne!(pixman.at(10, 10), pixman.at(11, 10), "noise");
}
