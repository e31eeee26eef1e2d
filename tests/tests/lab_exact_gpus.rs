//! One session on several cards: each shows its own frames at its own pace, and takes along what is
//! its own when it goes.
//!
//! In virtual time: a frame is late only if the logic makes it so, and every CRC can be judged.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::lab::{Objects, find_card};
use syncline_tests::time::poll_until;
use syncline_tests::trace::{Trace, What};
use syncline_tests::uinput::Mouse;
use syncline_tests::user;
use syncline_tests::vkms::{Output, Vkms};

const SOON: Duration = Duration::from_secs(5);
const TRUST: [&str; 4] = ["--fence-policy", "trusted", "--trust", "sw_sync"];

fn card(name: &str) -> Vkms {
    Vkms::builder(name).output(Output { overlays: 2, ..Output::default() }).build().unwrap()
}

/// A session on these cards.
fn start(cards: &[&Path], args: &[&str]) -> Compositor {
    let others: Vec<&str> = cards[1..].iter().flat_map(|card| ["--device", card.to_str().unwrap()]).collect();
    Compositor::start_on(cards[0], &[&others[..], args].concat()).unwrap()
}

fn client(compositor: &Compositor, args: &[&str]) -> Child {
    compositor.demo_client(args).unwrap().stdout(Stdio::piped()).spawn().unwrap()
}

fn report(child: Child) -> ClientReport {
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

/// The cards of the outputs, in their order.
fn lit(compositor: &Compositor) -> Vec<String> {
    let status = compositor.status().unwrap();
    let outputs = status["outputs"].as_array().unwrap();
    outputs.iter().map(|output| output["card"].as_str().unwrap().to_owned()).collect()
}

fn wait_lit(compositor: &Compositor, cards: &[&Path]) {
    let wanted: Vec<_> = cards.iter().map(|card| card.to_str().unwrap()).collect();
    assert!(poll_until(SOON, || lit(compositor) == wanted), "{wanted:?}: {}", compositor.log());
}

/// Moves the pointer to the first output, or to the last one: there windows open.
fn point(mouse: &Mouse, last: bool) {
    mouse.by(if last { 8000 } else { -8000 }, 0).unwrap();
    std::thread::sleep(Duration::from_millis(100));
}

/// What happened on one output.
#[derive(Debug, Default)]
struct Shown {
    equal: u64,
    other: u64,
    /// Different values of the equal ones.
    values: HashSet<String>,
    /// Commits with a client's buffer on a plane.
    direct: u64,
    /// Of these, with a fence.
    fenced: u64,
}

fn by_output(path: &Path) -> BTreeMap<u64, Shown> {
    let trace = Trace::read(path).unwrap();
    assert!(trace.complete);
    let mut all = BTreeMap::<u64, Shown>::new();
    for event in &trace.events {
        match &event.what {
            What::Crc(crc) => {
                let shown = all.entry(event.tid).or_default();
                match crc.verdict.as_str() {
                    "equal" => {
                        shown.equal += 1;
                        shown.values.insert(format!("{:?}", crc.read));
                    }
                    "settling" => {}
                    _ => shown.other += 1,
                }
            }
            What::KmsCommit(commit) => {
                let shown = all.entry(event.tid).or_default();
                shown.direct += u64::from(commit.planes.iter().any(|plane| plane.surface.is_some()));
                shown.fenced += u64::from(commit.planes.iter().any(|plane| plane.surface.is_some() && plane.in_fence));
            }
            _ => {}
        }
    }
    all
}

/// A window on each of two cards, composited by `renderer`: what the clients say, and what each
/// output did.
fn side_by_side(renderer: &str, planes: &str) -> ([ClientReport; 2], BTreeMap<u64, Shown>) {
    let (first, second) = (find_card(None).unwrap(), card("second"));
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let trace =
        ["--renderer", renderer, "--planes", planes, "--crc", "--trace", &path.to_string_lossy()].map(str::to_owned);
    let mut args: Vec<&str> = trace.iter().map(String::as_str).collect();
    args.extend(TRUST);
    let compositor = start(&[&first, second.card()], &args);
    wait_lit(&compositor, &[&first, second.card()]);
    assert_eq!(compositor.status().unwrap()["renderer"], renderer, "{}", compositor.log());
    let mouse = Mouse::plug().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let reports = [false, true].map(|last| {
        point(&mouse, last);
        let child =
            client(&compositor, &["--windowed", "320x240", "--frames", "120", "--hue", if last { "90" } else { "0" }]);
        // Both are there before the pointer moves on.
        let windows = if last { 2 } else { 1 };
        assert!(poll_until(SOON, || compositor.status().unwrap()["windows"] == windows));
        std::thread::sleep(Duration::from_millis(200));
        child
    });
    let reports = reports.map(report);
    compositor.stop().unwrap();
    (reports, by_output(&path))
}

/// A client's own buffer and fence are on planes of either card.
#[test]
#[ignore = "lab"]
fn windows_on_two_cards_at_full_rate() {
    let (reports, shown) = side_by_side("pixman", "all");
    for report in reports {
        assert_eq!((report.presented, report.discarded, report.unanswered), (120, 0, 0));
        assert_eq!(report.releases_signalled, report.releases_expected);
        assert!(report.fps > 59.9 && report.fps < 60.1, "{} frames a second", report.fps);
    }
    assert_eq!(shown.len(), 2);
    for (output, shown) in shown {
        assert_eq!(shown.other, 0, "output {output}: {shown:?}");
        assert!(shown.equal > 120 && shown.values.len() > 100, "output {output}: {shown:?}");
        assert!(shown.direct > 100 && shown.fenced > 30, "output {output}: {shown:?}");
    }
}

/// The GPU's card draws for the other one too.
#[test]
#[ignore = "lab"]
fn one_gpu_draws_for_two_cards() {
    let (reports, shown) = side_by_side("gles", "none");
    for report in reports {
        assert_eq!((report.presented, report.unanswered), (120, 0));
        assert_eq!((report.releases_signalled, report.releases_failed), (report.releases_expected, 0));
    }
    assert_eq!(shown.len(), 2);
    for (output, shown) in shown {
        assert_eq!((shown.other, shown.direct), (0, 0), "output {output}: {shown:?}");
        assert!(shown.equal > 100 && shown.values.len() > 60, "output {output}: {shown:?}");
    }
}

/// Its buffer has a framebuffer on each card, and is released when both have let go of it.
#[test]
#[ignore = "lab"]
fn one_window_across_two_cards() {
    let (first, second) = (card("left"), card("right"));
    let folder = user::folder().unwrap();
    let path = folder.path().join("trace.json");
    let trace = path.to_string_lossy().into_owned();
    let compositor = start(&[first.card(), second.card()], &[&["--crc", "--trace", &trace][..], &TRUST].concat());
    wait_lit(&compositor, &[first.card(), second.card()]);
    let width = compositor.status().unwrap()["outputs"][0]["width"].as_u64().unwrap();
    let mouse = Mouse::plug().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    point(&mouse, false);
    // Wider than the display that it opens on.
    let report = report(client(&compositor, &["--windowed", &format!("{}x300", width + 400), "--frames", "120"]));
    assert_eq!((report.presented + report.discarded, report.unanswered), (120, 0));
    assert_eq!((report.releases_signalled, report.releases_failed), (report.releases_expected, 0));
    compositor.stop().unwrap();
    let shown = by_output(&path);
    assert_eq!(shown.len(), 2);
    for (output, shown) in shown {
        assert_eq!(shown.other, 0, "output {output}: {shown:?}");
        assert!(shown.values.len() > 50 && shown.direct > 50, "output {output}: {shown:?}");
    }
}

/// What the kernel keeps for the session.
fn held(compositor: &Compositor) -> (BTreeMap<String, usize>, Objects) {
    (compositor.process().fds().unwrap(), Objects::count(&compositor.card))
}

#[test]
#[ignore = "lab"]
fn a_card_leaves_and_comes_back_while_clients_render() {
    let first = find_card(None).unwrap();
    let mut second = Some(card("second"));
    let node = second.as_ref().unwrap().card().to_owned();
    let mut compositor = start(&[&first, &node], &[]);
    wait_lit(&compositor, &[&first, &node]);
    let mouse = Mouse::plug().unwrap();
    std::thread::sleep(Duration::from_millis(300));
    point(&mouse, false);
    let mut stays = Actor::new(&compositor, "stays", Some((300, 200))).unwrap();
    stays.show(1).unwrap();
    point(&mouse, true);
    let mut moves = Actor::new(&compositor, "moves", Some((320, 240))).unwrap();
    moves.show(1).unwrap();
    let mut open = None;
    for round in 0..4 {
        let clients = [client(&compositor, &["--windowed", "200x150", "--frames", "90", "--plain"]), {
            point(&mouse, false);
            client(&compositor, &["--windowed", "220x130", "--frames", "90", "--shm"])
        }];
        std::thread::sleep(Duration::from_millis(500));
        // A frame of it is in flight.
        let shot = moves.commit(10 + round, Gate::Open).unwrap();
        drop(second.take());
        wait_lit(&compositor, &[&first]);
        moves.feedback(&shot).expect("it is answered");
        // Its window has gone to the display that is left.
        moves.show(20 + round).unwrap();
        stays.show(20 + round).unwrap();
        for client in clients {
            let report = report(client);
            assert_eq!((report.presented + report.discarded, report.unanswered), (90, 0), "{}", compositor.log());
            assert_eq!((report.releases_signalled, report.releases_failed), (report.releases_expected, 0));
        }
        let back = card("second");
        assert_eq!(back.card(), node, "the kernel gives it the same node");
        second = Some(back);
        wait_lit(&compositor, &[&first, &node]);
        moves.show(30 + round).unwrap();
        point(&mouse, true);
        let report = report(client(&compositor, &["--windowed", "200x150", "--frames", "30", "--plain"]));
        assert_eq!((report.presented, report.unanswered, report.missed_vblanks), (30, 0, 0));
        std::thread::sleep(Duration::from_millis(200));
        let now = held(&compositor);
        match &open {
            // The first client may make the compositor open what it keeps for good.
            None if round == 0 => {}
            None => open = Some(now),
            Some(open) => assert_eq!(now, *open, "round {round}: something of the card is left"),
        }
    }
    assert!(compositor.alive());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_session_without_any_card_waits_for_one() {
    let (first, second) = (card("left"), card("right"));
    let nodes = [first.card().to_owned(), second.card().to_owned()];
    let mut compositor = start(&[&nodes[0], &nodes[1]], &[]);
    wait_lit(&compositor, &[&nodes[0], &nodes[1]]);
    let shm = client(&compositor, &["--windowed", "200x150", "--frames", "120", "--shm"]);
    std::thread::sleep(Duration::from_millis(500));
    // The clients' timelines keep the first one's number.
    drop((second, first));
    assert!(poll_until(SOON, || lit(&compositor).is_empty()), "{}", compositor.log());
    std::thread::sleep(Duration::from_millis(500));
    assert!(compositor.alive(), "{}", compositor.log());
    let stranger = card("stranger");
    assert_eq!(stranger.card(), nodes[1], "a device that is not named, under the number of one that is");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(lit(&compositor).len(), 0, "{}", compositor.log());
    let first = card("left");
    assert!(!nodes.iter().any(|node| node == first.card()), "one that is, under another");
    wait_lit(&compositor, &[first.card()]);
    // New clients' timelines live on it.
    let mut explicit = Actor::new(&compositor, "explicit", Some((300, 200))).unwrap();
    explicit.show(1).unwrap();
    let report = report(shm);
    assert_eq!((report.presented + report.discarded, report.unanswered), (120, 0));
    assert!(compositor.log().contains("taken in"), "{}", compositor.log());
    assert!(compositor.alive());
    compositor.stop().unwrap();
}

/// The GPU's card leaves: the rest is composited by the CPU.
#[test]
#[ignore = "lab"]
fn the_card_that_renders_leaves() {
    let (first, second) = (card("left"), card("right"));
    let mut compositor = start(&[first.card(), second.card()], &["--renderer", "gles"]);
    wait_lit(&compositor, &[first.card(), second.card()]);
    let shm = client(&compositor, &["--windowed", "200x150", "--frames", "120", "--shm"]);
    std::thread::sleep(Duration::from_millis(700));
    drop(first);
    wait_lit(&compositor, &[second.card()]);
    let report = report(shm);
    assert_eq!((report.presented + report.discarded, report.unanswered), (120, 0));
    assert_eq!(compositor.status().unwrap()["renderer"], "pixman", "{}", compositor.log());
    assert!(compositor.alive());
    compositor.stop().unwrap();
}

/// No card is named: all of the seat that have a display, now and later.
#[test]
#[ignore = "lab"]
fn every_card_of_the_seat() {
    let first = find_card(None).unwrap();
    let dark = Output { status: syncline_tests::vkms::Status::Disconnected, ..Output::default() };
    let idle = Vkms::builder("idle").output(dark).build().unwrap();
    let compositor = Compositor::start_on_all(&[]).unwrap();
    wait_lit(&compositor, &[&first]);
    let log = compositor.log();
    let line = |card: &Path| {
        log.lines().filter(|line| line.contains("left out") && line.contains(card.to_str().unwrap())).count()
    };
    assert_eq!(line(idle.card()), 1, "{log}");
    let late = card("late");
    wait_lit(&compositor, &[&first, late.card()]);
    idle.plug(0, syncline_tests::vkms::Status::Connected).unwrap();
    wait_lit(&compositor, &[&first, late.card(), idle.card()]);
    drop(late);
    wait_lit(&compositor, &[&first, idle.card()]);
    let report = report(client(&compositor, &["--windowed", "200x150", "--frames", "60", "--plain"]));
    assert_eq!((report.presented, report.unanswered), (60, 0));
    compositor.stop().unwrap();
}
