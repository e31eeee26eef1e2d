//! `syncline doctor` on a real kernel: before a session, beside one, and without a device.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output};

use syncline_tests::compositor::{Compositor, binary};
use syncline_tests::vkms::{self, Status, Vkms};

fn doctor(args: &[&str]) -> Output {
    Command::new(binary().unwrap()).arg("doctor").args(args).output().unwrap()
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
#[ignore = "lab"]
fn the_lab_is_ready() {
    let out = doctor(&[]);
    let text = text(&out);
    assert_eq!(out.status.code(), Some(0), "{text}");
    for line in
        ["✓ mode setting", "✓ IN_FENCE_FD", "✓ syncobj timelines", "✓ fence deadlines", "✓ display CRCs", "✓ writeback"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains('✗') && !text.contains('\x1b'), "{text}");
}

#[test]
#[ignore = "lab"]
fn beside_a_session_which_does_not_notice() {
    let compositor = Compositor::start(&[]).unwrap();
    let before = compositor.status().unwrap();
    let out = doctor(&[]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains(", lit"), "{}", text(&out));
    let after = compositor.status().unwrap();
    assert_eq!(before["counters"]["refused_commits"], after["counters"]["refused_commits"]);
    compositor.stop().unwrap();
    // And the card is not held by anybody afterwards.
    Compositor::start(&[]).unwrap().stop().unwrap();
}

/// The package's rules, read by the guest's udevd, give each of their devices to `video`.
#[test]
#[ignore = "lab"]
fn the_rules_of_the_package_give_devices_to_the_group_video() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/70-syncline.rules");
    let group = std::fs::read_to_string("/etc/group").unwrap();
    let video = group.lines().find_map(|line| line.strip_prefix("video:")?.split(':').nth(1)?.parse::<u32>().ok());
    let (Some(video), true) = (video, std::path::Path::new("/run/udev/rules.d").is_dir()) else {
        println!("SKIPPED: there is no group video, or no udevd");
        return;
    };
    std::fs::copy(rules, "/run/udev/rules.d/70-syncline.rules").unwrap();
    let udevadm = |args: &[&str]| assert!(Command::new("udevadm").args(args).status().unwrap().success(), "{args:?}");
    udevadm(&["control", "--reload"]);
    let subsystems = ["misc", "dma_heap", "cec"].map(|subsystem| format!("--subsystem-match={subsystem}"));
    let subsystems = subsystems.each_ref().map(String::as_str);
    udevadm(&[&["trigger", "--action=add", "--settle"], &subsystems[..]].concat());
    for node in ["/dev/udmabuf", "/dev/dma_heap/system", "/dev/cec0"] {
        let node = std::fs::metadata(node).unwrap_or_else(|error| panic!("{node}: {error}"));
        assert_eq!((node.gid(), node.mode() & 0o777), (video, 0o660), "{node:?}");
    }
}

#[test]
#[ignore = "lab"]
fn json_is_whole() {
    let out = doctor(&["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((json["format"].as_u64(), json["report"]["verdict"].as_str()), (Some(1), Some("ready")));
    let cards = json["machine"]["cards"].as_array().unwrap();
    let card = cards.iter().find(|card| !card["inventory"].is_null()).unwrap();
    assert_eq!(card["inventory"]["driver"]["name"], "vkms");
    let inventory: kms::Inventory = serde_json::from_value(card["inventory"].clone()).unwrap();
    assert_eq!(serde_json::to_value(&inventory).unwrap(), card["inventory"]);
}

#[test]
#[ignore = "lab"]
fn a_card_with_nothing_plugged_in_is_not_ready() {
    let output = vkms::Output { status: Status::Disconnected, ..vkms::Output::default() };
    let vkms = Vkms::builder("doctor").output(output).build().unwrap();
    let out = doctor(&["--device", vkms.card().to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("nothing plugged in") && text(&out).contains("Not ready"), "{}", text(&out));
    let gone = doctor(&["--device", "/dev/dri/card77"]);
    assert_eq!(gone.status.code(), Some(2), "{}", text(&gone));
    assert!(text(&gone).contains("there is no /dev/dri/card77"), "{}", text(&gone));
}
