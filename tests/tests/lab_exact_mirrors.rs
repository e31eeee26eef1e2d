//! A display that mirrors another one: both by their own CRCs, against an image that is painted here, and a client
//! that draws into its buffers as soon as they are released. In virtual time.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use syncline_tests::client::PATIENCE;
use syncline_tests::client::buffer::Source;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::Compositor;
use syncline_tests::demo::ClientReport;
use syncline_tests::image::{Colour, Image};
use syncline_tests::time::poll_until;
use syncline_tests::user;
use syncline_tests::vkms::{Output, Status, Vkms};

const RED: Colour = [200, 10, 20];

/// Two displays; the second one mirrors the first one, with what `more` says of it.
fn desk(more: &str) -> (Vkms, tempfile::TempDir, PathBuf) {
    let vkms = Vkms::builder("mirrors").outputs(2, Output { overlays: 1, ..Output::default() }).build().unwrap();
    let folder = user::folder().unwrap();
    let config = folder.path().join("config.toml");
    let (first, second) = (vkms.connector(0), vkms.connector(1));
    fs::write(&config, format!("[[output]]\nname = \"{second}\"\nmirror = \"{first}\"\n{more}")).unwrap();
    (vkms, folder, config)
}

/// What is known of the CRCs of each display.
fn crcs(compositor: &Compositor) -> Vec<Value> {
    let out = compositor.msg(&["crc", "status", "--json"]).unwrap();
    let status: Value = serde_json::from_slice(&out.stdout).unwrap();
    status["outputs"].as_array().unwrap().clone()
}

fn status_of(compositor: &Compositor, at: usize) -> Value {
    compositor.status().unwrap()["outputs"][at].clone()
}

#[test]
#[ignore = "lab"]
fn a_mirror_of_the_same_size_shows_the_same_pixels_on_planes_and_without() {
    let (vkms, _folder, config) = desk("");
    for (planes, on_planes) in [("none", 0), ("all", 1)] {
        let args = ["--crc", "--mode", "1024x768", "--planes", planes, "--config", config.to_str().unwrap()];
        let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
        let mut client = compositor.client().unwrap();
        let mut window = client.toplevel(&Wish { app_id: "mirrored", fullscreen: false }).unwrap();
        let (buffer, mut pixels) = client.buffer(Source::Auto, 320, 240).unwrap();
        let [r, g, b] = RED;
        pixels.write(|bytes| bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|of| *of = [b, g, r, 0xff])).unwrap();
        for _ in 0..3 {
            let commit = Commit { buffer: Some(&buffer), frame: true, ..Commit::default() };
            let token = window.commit(&mut client, &commit).unwrap().frame.unwrap();
            client.wait_for("a frame callback", PATIENCE, |state| state.callbacks.contains_key(&token)).unwrap();
        }
        let out = compositor.msg(&["windows", "--json"]).unwrap();
        let windows: Value = serde_json::from_slice(&out.stdout).unwrap();
        let at = |axis: usize| windows[0]["location"][axis].as_i64().unwrap() as i32;
        let mut image = Image::new(0);
        image.paint((at(0), at(1), 320, 240), RED);
        for output in [vkms.connector(0), vkms.connector(1)] {
            let shown = image.wait_shown(&compositor, &output);
            shown.unwrap_or_else(|error| panic!("planes {planes}: {error}\n{}", compositor.log()));
        }
        for (at, counts) in crcs(&compositor).iter().enumerate() {
            assert!(counts["equal"].as_u64().is_some_and(|equal| equal > 0), "planes {planes}: {counts}");
            assert_eq!((&counts["different"], &counts["unpredicted"]), (&0.into(), &0.into()), "{counts}");
            assert_eq!(status_of(&compositor, at)["on_planes"], on_planes, "planes {planes}, display {at}");
        }
        drop(client);
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn an_animated_client_is_shown_on_both_and_no_buffer_is_free_too_early() {
    // Of another size, shape and rate, and of the same.
    for (more, mode) in [("", true), ("mode = \"800x600@56\"\n", false)] {
        let (vkms, _folder, config) = desk(more);
        let mut args = vec!["--crc", "--config", config.to_str().unwrap()];
        args.extend(if mode { &["--mode", "1024x768"][..] } else { &[] });
        let compositor = Compositor::start_on(vkms.card(), &args).unwrap();
        let demo = ["--windowed", "320x240", "--plain", "--frames", "200"];
        let client = compositor.demo_client(&demo).unwrap().stdout(Stdio::piped()).spawn().unwrap();
        let out = client.wait_with_output().unwrap();
        assert!(out.status.success());
        let report: ClientReport = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!((report.presented, report.missed_vblanks, report.unanswered), (200, 0, 0), "{more}");
        assert_eq!(report.releases_signalled, report.releases_expected, "{more}: no release is lost");
        for (at, counts) in crcs(&compositor).iter().enumerate() {
            let output = status_of(&compositor, at);
            let frames = output["frame"].as_u64().unwrap();
            assert!(frames > 150, "display {at} shows the animation: {output}");
            assert!(counts["equal"].as_u64().is_some_and(|equal| equal > 100), "{more}{at}: {counts}");
            for nothing in ["different", "early_releases", "written_in_use"] {
                assert_eq!(counts[nothing], 0, "{more}{at}: {nothing}: {counts}");
            }
            assert_eq!(output["missed"], 0, "{output}");
        }
        assert_eq!(status_of(&compositor, 0)["mirrors"], Value::Null);
        assert_ne!(status_of(&compositor, 1)["mirrors"], Value::Null);
        compositor.stop().unwrap();
    }
}

#[test]
#[ignore = "lab"]
fn a_mirror_goes_on_alone_when_its_source_is_pulled() {
    let (vkms, _folder, config) = desk("");
    let compositor = Compositor::start_on(vkms.card(), &["--config", config.to_str().unwrap()]).unwrap();
    let mirrors = |at: usize| status_of(&compositor, at)["mirrors"].is_string();
    assert!(mirrors(1));
    vkms.plug(0, Status::Disconnected).unwrap();
    let alone = || compositor.status().unwrap()["outputs"].as_array().is_some_and(|all| all.len() == 1) && !mirrors(0);
    assert!(poll_until(Duration::from_secs(3), alone), "{}", compositor.log());
    vkms.plug(0, Status::Connected).unwrap();
    assert!(poll_until(Duration::from_secs(3), || mirrors(0) || mirrors(1)), "{}", compositor.log());
    compositor.stop().unwrap();
}
