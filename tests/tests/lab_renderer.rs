//! Which renderer a session gets on a machine whose GPU is none, or gives it no memory; that the
//! session begins all the same; and that a frame makes nothing that the frame before had.
//!
//! vkms has no render node, so that debug builds are told to take it for a card with one
//! (`SYNCLINE_FAULT_GPU`). The EGL behind is Mesa's on the CPU, as on virtio-gpu without virgl.

use std::process::Stdio;
use std::time::Duration;

use syncline_tests::bench::runs::watch;
use syncline_tests::client::Feedback;
use syncline_tests::client::actor::Actor;
use syncline_tests::client::buffer::Source;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::Compositor;
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
