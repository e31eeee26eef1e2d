//! Several displays: each at its own pace, and plugged and pulled while clients render.
//!
//! In virtual time: a frame is late only if the logic makes it so.

use std::process::{Child, Stdio};
use std::time::Duration;

use fence::SwTimeline;
use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::poll_until;
use syncline_tests::vkms::{Output, Status, Vkms};

fn animated(compositor: &Compositor, frames: &str) -> Child {
    let args = ["--windowed", "320x240", "--plain", "--frames", frames];
    compositor.demo_client(&args).unwrap().stdout(Stdio::piped()).spawn().unwrap()
}

fn report(child: Child) -> ClientReport {
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).unwrap()
}

fn lit(compositor: &Compositor) -> usize {
    compositor.status().unwrap()["outputs"].as_array().unwrap().len()
}

#[test]
#[ignore = "lab"]
fn a_storm_of_plugs_while_clients_render() {
    let vkms = Vkms::builder("storm").outputs(3, Output { overlays: 1, ..Output::default() }).build().unwrap();
    let mut compositor = Compositor::start_on(vkms.card(), &[]).unwrap();
    let clients: Vec<Child> = (0..3).map(|_| animated(&compositor, "300")).collect();
    let mut seed = 7u32;
    let mut open = 0;
    for round in 0..150 {
        // A linear congruential generator will do: any order of plugs and pulls, the same at each run.
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let output = (seed >> 16) as usize % 3;
        let status = if seed >> 30 == 0 { Status::Disconnected } else { Status::Connected };
        vkms.plug(output, status).unwrap();
        std::thread::sleep(Duration::from_millis(u64::from(seed >> 8) % 40));
        if round == 50 {
            (0..3).for_each(|output| vkms.plug(output, Status::Disconnected).unwrap());
            assert!(poll_until(Duration::from_secs(3), || lit(&compositor) == 0), "no display is left");
            vkms.plug(0, Status::Connected).unwrap();
            assert!(poll_until(Duration::from_secs(3), || lit(&compositor) == 1), "one is back");
        }
    }
    (0..3).for_each(|output| vkms.plug(output, Status::Connected).unwrap());
    assert!(poll_until(Duration::from_secs(3), || lit(&compositor) == 3), "{}", compositor.log());
    for client in clients {
        let report = report(client);
        assert_eq!((report.presented + report.discarded, report.unanswered), (300, 0));
        assert_eq!(report.releases_signalled, report.releases_expected, "no release is lost");
    }
    // Nothing of the displays that went is left open: two more rounds cost nothing.
    for round in 0..3 {
        (0..3).for_each(|output| vkms.plug(output, Status::Disconnected).unwrap());
        assert!(poll_until(Duration::from_secs(3), || lit(&compositor) == 0));
        (0..3).for_each(|output| vkms.plug(output, Status::Connected).unwrap());
        assert!(poll_until(Duration::from_secs(3), || lit(&compositor) == 3));
        std::thread::sleep(Duration::from_millis(100));
        let now = compositor.process().fd_count().unwrap();
        match round {
            0 => open = now,
            _ => assert_eq!(now, open, "descriptors leaked"),
        }
    }
    assert!(compositor.alive());
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_late_fence_on_one_display_never_delays_another() {
    let vkms = Vkms::builder("two").outputs(2, Output { overlays: 1, ..Output::default() }).build().unwrap();
    // Every fence goes to the display, also one that is never going to signal in time.
    let compositor = Compositor::start_on(vkms.card(), &["--fence-policy", "always"]).unwrap();
    let mut slow = Actor::new(&compositor, "slow", None).unwrap();
    for frame in 0..30 {
        slow.show(frame).unwrap();
    }
    let timeline = SwTimeline::open().unwrap();
    let stuck = slow.commit(30, Gate::Fence(&timeline.fence(1, "late").unwrap())).unwrap();
    let report = report(animated(&compositor, "120"));
    assert_eq!((report.presented, report.unanswered), (120, 0));
    assert_eq!(report.missed_vblanks, 0);
    timeline.inc(1).unwrap();
    slow.presented(&stuck).unwrap();
    compositor.stop().unwrap();
}
