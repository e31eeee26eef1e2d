//! Several displays: each at its own pace, and plugged and pulled while clients render.
//!
//! In virtual time: a frame is late only if the logic makes it so.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use fence::SwTimeline;
use syncline_tests::client::actor::{Actor, Gate};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::time::poll_until;
use syncline_tests::trace::{Trace, What};
use syncline_tests::uinput::Mouse;
use syncline_tests::user;
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
        // A linear congruential generator will do: any order of plugs and pulls, the same at each
        // run.
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

#[test]
#[ignore = "lab"]
fn displays_of_different_refresh_keep_their_own_pace() {
    let vkms = Vkms::builder("rates").outputs(2, Output { overlays: 1, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let (config, path) = (folder.path().join("config.toml"), folder.path().join("trace.json"));
    // What a display without EDID offers beside 60 Hz.
    let mode = format!("[[output]]\nname = \"{}\"\nmode = \"800x600@56\"\n", vkms.connector(1));
    fs::write(&config, mode).unwrap();
    let mouse = Mouse::plug().unwrap();
    let args = ["--config", config.to_str().unwrap(), "--trace", path.to_str().unwrap()];
    let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
    // Windows open where the pointer is; what was moved before a request is seen before its answer.
    let fast = animated(&compositor, "400");
    let windows = || compositor.status().unwrap()["windows"].as_u64().unwrap();
    assert!(poll_until(Duration::from_secs(3), || windows() == 1));
    std::thread::sleep(Duration::from_millis(200));
    mouse.by(4000, 0).unwrap();
    assert_eq!(lit(&compositor), 2);
    let slow = animated(&compositor, "373");
    for (child, frames) in [(fast, 400), (slow, 373)] {
        let report = report(child);
        assert_eq!((report.presented, report.missed_vblanks, report.unanswered), (frames, 0, 0));
    }
    let status = compositor.status().unwrap();
    for output in status["outputs"].as_array().unwrap() {
        assert_eq!(output["missed"], 0, "{output}");
    }
    compositor.stop().unwrap();
    let trace = Trace::read(&path).unwrap();
    for (output, hz) in [(1, 60.0), (2, 56.25)] {
        let flips = trace.events.iter().filter_map(|event| match &event.what {
            What::Flip(flip) if event.tid == output => Some(flip.time_ns),
            _ => None,
        });
        let times: Vec<u64> = flips.collect();
        let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]) as f64 * hz / 1e9).collect();
        assert!(gaps.len() > 370, "output {output}: {} flips", times.len());
        // Each flip is whole periods after the one before, and almost all of them are one: neither
        // display waits for the other.
        assert!(gaps.iter().skip(2).all(|gap| (gap - gap.round()).abs() < 0.02), "output {output}: {gaps:?}");
        let steady = gaps.iter().filter(|gap| (*gap - 1.0).abs() < 0.02).count();
        assert!(steady >= 365, "output {output}: {steady} of {}", gaps.len());
    }
}
