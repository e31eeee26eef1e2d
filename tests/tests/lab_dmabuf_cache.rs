//! Buffers are imported once: shown again they cost no import, and what goes leaves nothing.

use std::time::Duration;

use syncline_tests::bench::dmabuf::{brackets, drops, imports};
use syncline_tests::bench::runs::{TRUSTING, client, finish, watch};
use syncline_tests::bench::strace::Calls;
use syncline_tests::client::PATIENCE;
use syncline_tests::client::buffer::Source;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::lab::Objects;
use syncline_tests::time::poll_until;

/// What a client of this kind costs while it shows the same few buffers in turn.
fn shown_again(compositor: &[&str], args: &[&str]) -> (Calls, u64) {
    let compositor = Compositor::start(&[&TRUSTING[..], compositor].concat()).unwrap();
    let child = client(&compositor, 400, &[&["--plain"], args].concat()).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let counted = watch(&compositor, Duration::from_secs(2)).unwrap();
    finish(child, Duration::from_secs(60)).unwrap();
    compositor.stop().unwrap();
    (counted.calls, counted.frames)
}

#[test]
#[ignore = "lab"]
fn shown_again_on_a_plane_it_costs_no_import_and_no_copy() {
    let (calls, frames) = shown_again(&[], &[]);
    assert!(frames >= 60, "{frames} frames");
    assert_eq!((imports(&calls), drops(&calls)), (0, 0), "{calls:?}");
}

/// The CPU reads the client's buffer and writes the picture: one bracket each a frame, two ioctls
/// each, and nothing else.
#[test]
#[ignore = "lab"]
fn drawn_again_by_the_cpu_it_costs_two_brackets_a_frame() {
    let (calls, frames) = shown_again(&["--planes", "none", "--renderer", "pixman"], &["--windowed", "320x200"]);
    assert!(frames >= 60, "{frames} frames");
    let (ioctls, frames) = (brackets(&calls), calls.by_name["DRM_IOCTL_MODE_ATOMIC"]);
    assert_eq!((imports(&calls) - ioctls, drops(&calls)), (0, 0), "{calls:?}");
    // One commit a frame; the span cuts a frame at either end.
    assert!(ioctls.abs_diff(4 * frames) <= 4, "{ioctls} ioctls in {frames} frames: {calls:?}");
}

/// Each size is a buffer of its own, which is shown once and destroyed. Everything is counted from
/// outside, by the kernel: a GEM handle that leaked would keep its dma-buf.
#[test]
#[ignore = "lab"]
fn a_thousand_sizes_leave_nothing() {
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "sizes", fullscreen: false }).unwrap();
    let mut resize = |from: u32, to: u32| {
        let mut last = None;
        for step in from..to {
            let (w, h) = (64 + step % 251, 64 + step % 193);
            let (buffer, _pixels) = client.buffer(Source::Auto, w, h).unwrap();
            let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
            let token = window.commit(&mut client, &commit).unwrap().frame.unwrap();
            client.wait_for("a frame callback", PATIENCE, |s| s.callbacks.contains_key(&token)).unwrap();
            if let Some(old) = last.replace(buffer) {
                let old: syncline_tests::client::buffer::Buffer = old;
                old.wl.destroy();
            }
        }
        // The last one is shown on; it goes with the first one of the next time.
        last.unwrap().wl.destroy();
        client.roundtrip().unwrap();
    };
    let count = |compositor: &Compositor| (compositor.process().fds().unwrap(), Objects::count(&compositor.card));
    resize(0, 20);
    std::thread::sleep(Duration::from_millis(300));
    let (before, memory) = (count(&compositor), compositor.process().rss_kib().unwrap());
    resize(20, 1020);
    let mut after = count(&compositor);
    // Buffers differ in size, so bytes do too.
    let same = |after: &(_, Objects)| {
        let (fds, objects): &(std::collections::BTreeMap<String, usize>, Objects) = after;
        (fds, objects.framebuffers, objects.dma_bufs) == (&before.0, before.1.framebuffers, before.1.dma_bufs)
    };
    poll_until(Duration::from_secs(3), || {
        after = count(&compositor);
        same(&after)
    });
    assert!(same(&after), "before: {before:?}\nafter: {after:?}");
    assert!(after.1.framebuffers.is_some() && after.1.dma_bufs.is_some(), "nothing was counted");
    let grown = compositor.process().rss_kib().unwrap().saturating_sub(memory);
    assert!(grown < 2048, "{grown} KiB more");
    assert!(compositor.alive(), "{}", compositor.log());
    compositor.stop().unwrap();
}
