//! A session that is locked, on real displays: what they show by their CRCs, and which clients cannot
//! keep it open.

use std::time::Duration;

use fence::SwTimeline;
use serde_json::Value;
use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::compositor::Compositor;
use syncline_tests::image::{HEIGHT, Image, WIDTH};
use syncline_tests::time::poll_until;
use syncline_tests::uinput::Pointer;
use syncline_tests::vkms::{Output, Status, Vkms};

const SOON: Duration = Duration::from_secs(3);
const MODE: [&str; 3] = ["--crc", "--mode", "1024x768"];

fn fences(compositor: &Compositor) -> Value {
    let out = compositor.msg(&["fences", "--json"]).unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Frames whose fences signal 3 ms after their commits: a past, by which the next fence is handed over.
fn make_a_past(actor: &mut Actor) {
    let timeline = SwTimeline::open().unwrap();
    for value in 1..41 {
        let shot = actor.commit(u64::from(value), Gate::Fence(&timeline.fence(value, "").unwrap())).unwrap();
        std::thread::sleep(Duration::from_millis(3));
        timeline.inc(1).unwrap();
        actor.presented(&shot).unwrap();
    }
}

fn names(compositor: &Compositor) -> Vec<String> {
    let status = compositor.status().unwrap();
    let outputs = status["outputs"].as_array().unwrap().iter();
    outputs.map(|output| output["name"].as_str().unwrap().to_owned()).collect()
}

/// Waits until display `n` shows one shade, and nothing else on any plane.
fn shows(compositor: &Compositor, n: usize, shade: u8) {
    let left = n as i32 * WIDTH;
    let mut image = Image::new(left);
    image.paint((left, 0, WIDTH, HEIGHT), [shade; 3]);
    let name = names(compositor).swap_remove(n);
    image.wait_shown(compositor, &name).unwrap_or_else(|error| panic!("{error}\n{}", compositor.log()));
}

fn is_locked(compositor: &Compositor) -> bool {
    compositor.status().unwrap()["locked"] == true
}

#[test]
#[ignore = "lab"]
fn displays_are_black_while_a_client_s_fence_never_comes() {
    let vkms = Vkms::builder("locked").outputs(2, Output { overlays: 1, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &MODE).unwrap();
    let pointer = Pointer::plug(WIDTH * 2, HEIGHT).unwrap();
    let mut actor = Actor::new(&compositor, "pending", Some((640, 480))).unwrap();
    actor.show(0).unwrap();
    pointer.to(200, 200).unwrap();
    let timeline = SwTimeline::open().unwrap();
    actor.commit(1, Gate::Fence(&timeline.fence(1, "never").unwrap())).unwrap();
    actor.commit(2, Gate::Nothing).unwrap();
    actor.client.roundtrip().unwrap();
    // It leaves the displays: its image is the session's own, which no CRC here knows.
    drop(pointer);
    let mut locker = compositor.client().unwrap();
    let lock = locker.lock().unwrap();
    locker.wait_locked(&lock).unwrap();
    assert!(is_locked(&compositor));
    (0..2).for_each(|n| shows(&compositor, n, 0));
    // What comes now is not seen, whether its fence comes or not.
    timeline.inc(1).unwrap();
    actor.commit(3, Gate::Open).unwrap();
    actor.client.idle(Duration::from_millis(200)).unwrap();
    (0..2).for_each(|n| shows(&compositor, n, 0));
    // A display that comes is black, too, until it is covered.
    vkms.plug(1, Status::Disconnected).unwrap();
    assert!(poll_until(SOON, || names(&compositor).len() == 1), "{}", compositor.log());
    vkms.plug(1, Status::Connected).unwrap();
    assert!(poll_until(SOON, || names(&compositor).len() == 2), "{}", compositor.log());
    shows(&compositor, 1, 0);
    locker.roundtrip().unwrap();
    let first = locker.nth_output(0).unwrap();
    let second = locker.nth_output(1).unwrap();
    locker.cover(&lock, &first, 90).unwrap();
    locker.cover(&lock, &second, 180).unwrap();
    locker.roundtrip().unwrap();
    shows(&compositor, 0, 90);
    shows(&compositor, 1, 180);
    // The locker dies: nothing of it is left, and nothing is open.
    drop(locker);
    (0..2).for_each(|n| shows(&compositor, n, 0));
    assert!(is_locked(&compositor));
    let mut other = compositor.client().unwrap();
    let lock = other.lock().unwrap();
    other.wait_locked(&lock).unwrap();
    lock.lock.unlock_and_destroy();
    other.roundtrip().unwrap();
    assert!(!is_locked(&compositor));
    actor.show(4).unwrap();
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_client_whose_fence_the_display_waits_for_is_ended_for_the_lock() {
    let args = [&MODE[..], &["--fence-policy", "always"]].concat();
    let vkms = Vkms::builder("held").output(Output { overlays: 1, ..Output::default() }).build().unwrap();
    let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
    let mut actor = Actor::new(&compositor, "holds", None).unwrap();
    make_a_past(&mut actor);
    let timeline = SwTimeline::open().unwrap();
    actor.commit(50, Gate::Fence(&timeline.fence(1, "never").unwrap())).unwrap();
    actor.client.roundtrip().unwrap();
    let waits = || fences(&compositor)["acquires"].as_array().unwrap().iter().any(|a| a["waits_for"] == "hardware");
    assert!(poll_until(SOON, waits), "not handed over: {}", fences(&compositor));
    let mut locker = compositor.client().unwrap();
    let lock = locker.lock().unwrap();
    locker.flush().unwrap();
    // It has a second for its fence.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let ended = actor.client.expect_protocol_error().unwrap();
    assert!(ended.to_string().contains("from being locked"), "{ended}");
    assert_eq!(locker.state.locks.get(&lock.token), None, "its picture is still on the display");
    // A process that ends closes its timeline.
    drop((actor, timeline));
    locker.wait_locked(&lock).unwrap();
    shows(&compositor, 0, 0);
    compositor.stop().unwrap();
}
