//! Flips on a real kernel: late in-fences, out-fences, tests and refusals that change nothing,
//! leaks.

mod lab;

use std::os::fd::AsFd;
use std::time::Duration;

use fence::{Status, SwTimeline};
use kms::{Device, PlaneState, Rect, SrcRect, Step};
use lab::{Screen, card, framebuffers, now, open_fds};
use rustix::io::Errno;

#[test]
#[ignore = "lab"]
fn a_late_in_fence_holds_the_flip_and_only_that() {
    let mut screen = Screen::new();
    let red = screen.painted(|_, _| 0xff_0000);
    let timeline = SwTimeline::open().expect("sw_sync");
    let fence = timeline.fence(1, "late").expect("fence");
    let (state, serial) = (screen.full(red.id()), screen.serial());
    let mut frame = screen.output.frame();
    frame.set(0, state.with_fence(fence.as_fd()));
    let start = now();
    let committed = frame.commit(serial).expect("commit");
    let took = now() - start;
    assert!(took < 50_000_000, "a non-blocking commit took {took} ns");
    let out_fence = committed.out_fence.expect("vkms has OUT_FENCE_PTR");
    assert!(screen.wait_flip_for(Duration::from_millis(100)).is_none(), "the flip waits for the fence");
    assert_eq!(out_fence.status().expect("status"), Status::Active);
    let signalled = now();
    timeline.inc(1).expect("inc");
    let flip = screen.wait_flip().expect("flip");
    assert!(flip.time + 1000 > signalled, "the flip comes after the signal");
    let late = flip.time.saturating_sub(signalled) / screen.output.mode().period_ns();
    println!("flip {} us after the signal", flip.time.saturating_sub(signalled) / 1000);
    assert!(late <= 5, "{late} vblanks after the signal");
    assert_eq!(out_fence.status().expect("status"), Status::Signalled);
}

#[test]
#[ignore = "lab"]
fn the_out_fence_signals_at_the_flip() {
    let mut screen = Screen::new();
    let buffers = [screen.painted(|x, _| x), screen.painted(|_, y| y)];
    let mut worst = 0;
    for at in 0..30 {
        let (state, serial) = (screen.full(buffers[at % 2].id()), screen.serial());
        let mut frame = screen.output.frame();
        frame.set(0, state);
        let out_fence = frame.commit(serial).expect("commit").out_fence.expect("out-fence");
        // The kernel forgets the driver's name when the fence signals.
        let before = out_fence.driver_and_status().expect("info");
        assert!(before.status == Status::Signalled || before.driver.as_str() == "vkms", "{before:?}");
        let flip = screen.wait_flip().expect("flip");
        assert_eq!(flip.user_data, serial);
        let after = out_fence.driver_and_status().expect("info");
        assert_eq!((after.status, after.fences), (Status::Signalled, 1));
        worst = worst.max(after.at.abs_diff(flip.time));
    }
    println!("out-fence and flip event differ by {worst} ns at most");
    assert!(worst < 1_000_000, "{worst} ns");
}

#[test]
#[ignore = "lab"]
fn a_failed_in_fence_does_not_hold_the_flip() {
    let mut screen = Screen::new();
    let red = screen.painted(|_, _| 0xff_0000);
    let timeline = SwTimeline::open().expect("sw_sync");
    let fence = timeline.fence(1, "never").expect("fence");
    drop(timeline);
    assert!(matches!(fence.status().expect("status"), Status::Failed(_)));
    screen.show(&[(0, screen.full(red.id()).with_fence(fence.as_fd()))]);
}

#[test]
#[ignore = "lab"]
fn frames_come_at_the_refresh_rate_and_leak_nothing() {
    let mut screen = Screen::new();
    let buffers = [screen.painted(|x, y| x ^ y), screen.painted(|x, y| x & y)];
    let timeline = SwTimeline::open().expect("sw_sync");
    let before = (open_fds(), framebuffers(&screen.device), screen.device.gem().len());
    let mut clock = kms::vblank::Clock::new(screen.output.mode().period_ns(), screen.output.mode().blanking_ns());
    let (mut first, mut last) = (None, 0);
    for at in 0..120u32 {
        let fence = timeline.fence(at + 1, "frame").expect("fence");
        let (state, serial) = (screen.full(buffers[at as usize % 2].id()), screen.serial());
        let mut frame = screen.output.frame();
        frame.set(0, state.with_fence(fence.as_fd()));
        let committed = frame.commit(serial).expect("commit");
        timeline.inc(1).expect("inc");
        // A framebuffer of each frame, dropped while a commit is in flight.
        let dumb = screen.device.dumb(64, 64, dmabuf_import::Fourcc::Argb8888).expect("dumb");
        drop(dumb.framebuffer().clone());
        let flip = screen.wait_flip().expect("flip");
        let sequence = clock.flip(now(), flip.time, flip.sequence);
        first.get_or_insert(sequence);
        last = sequence;
        assert!(committed.out_fence.is_some_and(|fence| fence.is_signalled()));
    }
    let vblanks = last - first.unwrap_or(0);
    println!("119 flips in {vblanks} vblanks");
    assert!(vblanks < 240, "{vblanks} vblanks for 119 flips");
    let after = (open_fds(), framebuffers(&screen.device), screen.device.gem().len());
    assert_eq!(before, after, "descriptors, framebuffers, GEM handles");
}

#[test]
#[ignore = "lab"]
fn a_test_changes_nothing() {
    let mut screen = Screen::new();
    let red = screen.painted(|_, _| 0xff_0000);
    let before = screen.kernel_value(0, "FB_ID");
    let state = screen.full(red.id());
    let mut frame = screen.output.frame();
    frame.set(0, state);
    frame.test().expect("test");
    assert_eq!(screen.kernel_value(0, "FB_ID"), before);
    // Control: a commit does.
    screen.show(&[(0, state)]);
    assert_eq!(screen.kernel_value(0, "FB_ID"), red.id().value());
}

#[test]
#[ignore = "lab"]
fn a_refused_frame_leaves_all_as_it_was() {
    let mut screen = Screen::new();
    let red = screen.painted(|_, _| 0xff_0000);
    let before = (screen.kernel_value(0, "FB_ID"), screen.kernel_value(0, "CRTC_W"));
    // vkms does not scale.
    let scaled = PlaneState::new(red.id(), SrcRect::full(64, 64), Rect::new(0, 0, 128, 128));
    let timeline = SwTimeline::open().expect("sw_sync");
    let fence = timeline.fence(1, "unused").expect("fence");
    let (fds, serial) = (open_fds(), screen.serial());
    let mut frame = screen.output.frame();
    frame.set(0, scaled.with_fence(fence.as_fd()));
    let error = frame.commit(serial).expect_err("vkms refuses to scale");
    println!("{error}");
    assert_eq!((error.step, error.errno), (Step::Commit, Errno::RANGE));
    assert_eq!((screen.kernel_value(0, "FB_ID"), screen.kernel_value(0, "CRTC_W")), before);
    assert_eq!(open_fds(), fds, "no out-fence leaks");
    assert!(screen.output.in_flight().is_none());
    screen.show(&[(0, screen.full(red.id()))]);
}

#[test]
#[ignore = "lab"]
fn only_one_master() {
    let mut screen = Screen::new();
    let second = Device::open(card("vkms")).expect("a second opener may look");
    let error = second.acquire_master().expect_err("but not become master");
    println!("{error}");
    assert_eq!(error.errno, Errno::BUSY);
    assert!(screen.device.is_master() && !second.is_master());
    screen.device.release_master().expect("drop");
    assert!(!screen.device.is_master() && !second.is_master(), "it is nobody's");
    second.acquire_master().expect("now it may");
    assert!(!screen.device.is_master() && second.is_master());
    let (state, serial) = (screen.full(screen.black.id()), screen.serial());
    let mut frame = screen.output.frame();
    frame.set(0, state);
    assert_eq!(frame.commit(serial).expect_err("lost").errno, Errno::ACCESS);
    second.release_master().expect("drop");
    screen.device.acquire_master().expect("back");
    screen.show(&[(0, state)]);
}
