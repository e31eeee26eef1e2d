//! When the kernel does not: a flip that never comes, a display pulled meanwhile, a device that
//! goes.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fence::SwTimeline;
use syncline_tests::client::Feedback;
use syncline_tests::client::actor::{Actor, Gate, Shot};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::poll_until;
use syncline_tests::uinput::Mouse;
use syncline_tests::vkms::{Output, Status, Vkms};

const SOON: Duration = Duration::from_secs(3);
/// The compositor gives a flip five seconds.
const OVERDUE: Duration = Duration::from_secs(8);

fn lit(compositor: &Compositor) -> usize {
    compositor.status().unwrap()["outputs"].as_array().unwrap().len()
}

fn neighbour(compositor: &Compositor, frames: &str) -> Child {
    let args = ["--windowed", "320x240", "--plain", "--frames", frames];
    compositor.demo_client(&args).unwrap().stdout(Stdio::piped()).spawn().unwrap()
}

fn report(child: Child) -> ClientReport {
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// Two displays; a fullscreen client on the first one whose commit waits in the kernel for
/// `timeline`.
///
/// The timeline goes first, in a test that fails too: a compositor ends only when its last commit
/// is over, and whoever waits for that while the fence is his own waits for ever.
struct Stuck {
    timeline: SwTimeline,
    compositor: Compositor,
    slow: Actor,
    shot: Shot,
    vkms: Vkms,
    mouse: Mouse,
    /// Before the commit that hangs.
    since: Instant,
}

fn stuck(name: &str) -> Stuck {
    // Plugged in before the compositor starts, which then knows it from the beginning.
    let mouse = Mouse::plug().unwrap();
    let vkms = Vkms::builder(name).outputs(2, Output { overlays: 1, ..Output::default() }).build().unwrap();
    // Every fence goes to the display, also one that never signals.
    let compositor = Compositor::start_on(vkms.card(), &["--fence-policy", "always"]).unwrap();
    let mut slow = Actor::new(&compositor, "slow", None).unwrap();
    let timeline = SwTimeline::open().unwrap();
    let handed = || compositor.status().unwrap()["counters"]["acquires_handed_over"].as_u64().unwrap();
    // A steady past: only a surface whose fences come soon has them handed over. On a busy machine
    // it takes longer.
    for frame in 1..=300 {
        let last = frame % 30 == 0;
        let before = if last { handed() } else { 0 };
        let since = Instant::now();
        let shot = slow.commit(frame.into(), Gate::Fence(&timeline.fence(frame, "late").unwrap())).unwrap();
        std::thread::sleep(Duration::from_millis(if last { 100 } else { 1 }));
        if last && handed() > before {
            return Stuck { timeline, compositor, slow, shot, vkms, mouse, since };
        }
        timeline.inc(1).unwrap();
        slow.presented(&shot).unwrap();
    }
    panic!("no fence was handed over: {}", compositor.log());
}

impl Stuck {
    /// Waits until the compositor has said whose fence it is.
    fn held(&mut self) {
        assert!(
            poll_until(OVERDUE, || self.compositor.log().contains("has not flipped for 5 s")),
            "{}",
            self.compositor.log()
        );
        assert!(self.since.elapsed() >= Duration::from_secs(5), "given its time");
        let log = self.compositor.log();
        let line = log.lines().find(|line| line.contains("has not flipped")).unwrap();
        assert!(line.contains(&format!("pid {}", std::process::id())), "{line}");
        assert!(line.contains("sw_sync") && line.contains("holding the output"), "{line}");
        assert_eq!(self.slow.feedback(&self.shot).unwrap(), Feedback::Discarded);
    }
}

#[test]
#[ignore = "lab"]
fn a_flip_that_never_comes_holds_its_output_until_the_fence_signals() {
    let mut stuck = stuck("held");
    // Windows open where the pointer is: on the other display. What was moved before the request is
    // seen before the answer.
    stuck.mouse.by(4000, 0).unwrap();
    assert_eq!(lit(&stuck.compositor), 2);
    let beside = neighbour(&stuck.compositor, "300");
    stuck.held();
    let beside = report(beside);
    assert_eq!((beside.presented, beside.unanswered), (300, 0), "the other display keeps its pace");
    stuck.timeline.inc(1).unwrap();
    stuck.slow.show(32).expect("the display goes on with the flip");
    stuck.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_held_display_goes_on_when_its_culprit_dies() {
    let mut stuck = stuck("dies");
    stuck.held();
    let Stuck { timeline, compositor, slow, shot, vkms, .. } = stuck;
    drop((timeline, slow, shot));
    let mut next = Actor::new(&compositor, "next", None).unwrap();
    next.show(1).expect("the display shows somebody else");
    compositor.stop().unwrap();
    drop(vkms);
}

#[test]
#[ignore = "lab"]
fn a_display_is_pulled_while_its_commit_hangs() {
    let stuck = stuck("pulled");
    std::thread::sleep(Duration::from_millis(200));
    stuck.vkms.plug(0, Status::Disconnected).unwrap();
    assert!(poll_until(SOON, || lit(&stuck.compositor) == 1), "{}", stuck.compositor.log());
    let beside = report(neighbour(&stuck.compositor, "60"));
    assert_eq!((beside.presented, beside.unanswered), (60, 0));
    // Its CRTC is still busy: the display cannot be lit, and nobody waits for that.
    stuck.vkms.plug(0, Status::Connected).unwrap();
    let beside = report(neighbour(&stuck.compositor, "60"));
    assert_eq!((beside.presented, beside.unanswered), (60, 0));
    assert_eq!(lit(&stuck.compositor), 1, "{}", stuck.compositor.log());
    stuck.timeline.inc(1).unwrap();
    assert!(poll_until(SOON, || lit(&stuck.compositor) == 2), "{}", stuck.compositor.log());
    stuck.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_device_that_goes_takes_its_displays_along_and_nothing_else() {
    let vkms = Vkms::builder("gone").outputs(2, Output::default()).build().unwrap();
    let mut compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let mut actor = Actor::new(&compositor, "stays", None).unwrap();
    actor.show(1).unwrap();
    drop(vkms);
    actor.commit(2, Gate::Open).unwrap();
    assert!(poll_until(SOON, || lit(&compositor) == 0), "{}", compositor.log());
    actor.client.roundtrip().expect("the session lives");
    assert!(compositor.alive());
    compositor.stop().unwrap();
}
