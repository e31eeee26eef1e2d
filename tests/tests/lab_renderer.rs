//! Which renderer a session gets on a machine whose GPU is none, or gives it no memory; and that
//! the session begins all the same.
//!
//! vkms has no render node, so that debug builds are told to take it for a card with one
//! (`SYNCLINE_FAULT_GPU`). The EGL behind is Mesa's on the CPU, as on virtio-gpu without virgl.

use syncline_tests::client::actor::Actor;
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
