//! `syncline crc` on a real kernel: the whole suite, references, a display broken on purpose, and
//! each line of bad input.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Instant;

use syncline_tests::compositor::{Compositor, binary};
use syncline_tests::lab::find_card;

const FAULT: &str = "/sys/module/vkms/parameters/fault";

fn crc(args: &[&str]) -> Output {
    let card = find_card(None).unwrap();
    let mut command = Command::new(binary().unwrap());
    // What failed tests leave is not for the home of whoever runs this.
    command.env("XDG_STATE_HOME", "/run/state");
    command.arg("crc").args(args).arg("--device").arg(card).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn json(out: &Output) -> serde_json::Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&out.stderr)))
}

/// Titles of the tests that came out like this.
fn tests(report: &serde_json::Value, outcome: &str) -> Vec<String> {
    let all = report["tests"].as_array().unwrap().iter().filter(|test| test["outcome"] == outcome);
    all.map(|test| format!("{}: {}", test["suite"].as_str().unwrap(), test["name"].as_str().unwrap())).collect()
}

/// vkms is whole again, whatever happens.
struct Broken;

impl Broken {
    fn by(fault: u32) -> Self {
        std::fs::write(FAULT, fault.to_string()).unwrap();
        Self
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        std::fs::write(FAULT, "0").ok();
    }
}

#[test]
#[ignore = "lab"]
fn the_whole_suite_passes() {
    let start = Instant::now();
    let out = crc(&["test", "--format", "junit"]);
    let took = start.elapsed();
    let xml = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{xml}\n{}", text(&out.stderr));
    let head = xml.lines().find(|line| line.contains("<testsuites")).unwrap();
    println!("{took:?}: {head}");
    let number = |name: &str| -> usize {
        let rest = head.split_once(&format!(" {name}=\"")).unwrap().1;
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    assert_eq!((number("failures"), number("tests")), (0, xml.matches("<testcase").count()));
    assert!(number("tests") - number("skipped") > 150, "{head}");
}

/// The display breaks, and just the tests of what is broken fail, with pictures.
#[test]
#[ignore = "lab"]
fn a_display_broken_on_purpose_fails_at_the_right_test() {
    let dir = tempfile::tempdir().unwrap();
    let pictures = dir.path().to_str().unwrap();
    for (fault, suite) in [(3, "rotation"), (4, "gamma"), (5, "encoding")] {
        let broken = Broken::by(fault);
        let out = crc(&["test", suite, "--format", "json", "--out", pictures]);
        drop(broken);
        let report = json(&out);
        assert_eq!(out.status.code(), Some(1), "{report}");
        let (failed, passed) = (tests(&report, "fail"), tests(&report, "pass"));
        println!("fault {fault}: {} failed, {} passed", failed.len(), passed.len());
        assert!(!failed.is_empty());
        if fault == 3 {
            assert!(failed.iter().all(|name| name.contains("reflected")), "{failed:?}");
            assert!(passed.iter().all(|name| !name.contains("reflected")), "{passed:?}");
        }
        let files =
            report["tests"].as_array().unwrap().iter().find(|test| test["outcome"] == "fail").unwrap()["files"].clone();
        let pictures = files.as_array().unwrap().iter().filter(|file| file.as_str().unwrap().ends_with(".png"));
        assert_eq!(pictures.count(), 3, "{files}");
        assert!(files.as_array().unwrap().iter().all(|file| Path::new(file.as_str().unwrap()).exists()));
        assert_eq!(crc(&["test", suite]).status.code(), Some(0), "whole again");
    }
}

/// What each display rounds in its own way is not taken for a fault of it, and neither is a suite
/// in which nothing was tested taken for a pass.
#[test]
#[ignore = "lab"]
fn a_display_that_rounds_otherwise_passes_by_composition() {
    let judged = |suite: &str, judge: &str| {
        let other = Broken::by(6);
        let out = crc(&["test", suite, "--judge", judge, "--format", "json"]);
        drop(other);
        let report = json(&out);
        (out.status.code(), tests(&report, "pass").len(), tests(&report, "fail"), tests(&report, "skip").len())
    };
    let (status, passed, failed, skipped) = judged("all", "composition");
    println!("by composition: {passed} passed, {skipped} skipped");
    assert_eq!((status, failed), (Some(0), vec![]));
    assert!(passed > 100, "{passed} passed, {skipped} skipped");
    // The control: vkms's own arithmetic does see the difference.
    let (status, _, failed, _) = judged("position", "best");
    assert_eq!(status, Some(1), "{failed:?}");
    // Every scene of this suite is scaled.
    let (status, passed, failed, skipped) = judged("scaling", "composition");
    assert_eq!((status, passed, failed), (Some(2), 0, vec![]), "{skipped} skipped");
}

/// The folder of a failed case is whole, and the case that it names fails again, as often as it is
/// repeated, until the display is.
#[test]
#[ignore = "lab"]
fn a_failed_case_leaves_a_folder_and_is_found_again_by_its_id() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let broken = Broken::by(3);
    let (title, name) = ("rotation: primary by 0 reflected in x", "rotation-primary-by-0-reflected-in-x");
    let report = json(&crc(&["test", "--case", title, "--format", "json", "--out", out]));
    assert_eq!(tests(&report, "fail"), [title]);
    let folder = dir.path().join(name);
    let text =
        |file: &str| std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    for (file, words) in [
        ("case.txt", &[title, " instead of ", "--case '", "seed: 0", "driver: vkms", "EDID: "][..]),
        (
            "request.txt",
            &[
                "PAGE_FLIP_EVENT",
                "plane ",
                "rotation = rotate-0, reflect-x (",
                "COLOR_PIPELINE = ",
                "CRTC_ID = ",
                "CRTC_X = ",
            ],
        ),
        ("state.txt", &["crtc[", "plane[", "rotation="]),
        ("dmesg.txt", &[]),
        ("trace.txt", &["drm_vblank_event"]),
    ] {
        let text = text(file);
        assert!(!text.is_empty() && !text.contains("not available"), "{file}: {text}");
        words.iter().for_each(|words| assert!(text.contains(words), "{file} has no {words:?}: {text}"));
    }
    println!("{}", text("case.txt"));
    for picture in ["expected.png", "shown.png", "difference.png"] {
        assert!(folder.join(picture).exists(), "{picture}");
    }

    let again = |id: &str, more: &[&str]| {
        let args = [&["test", "--case", id, "--repeat", "3", "--format", "json", "--out", out], more].concat();
        let report = json(&crc(&args));
        (tests(&report, "fail"), tests(&report, "pass"))
    };
    let (failed, passed) = again(title, &[]);
    assert_eq!((failed.len(), passed.len()), (3, 0), "{failed:?} {passed:?}");
    assert_eq!(failed[2], format!("{title} (3 of 3)"));
    assert_eq!(again(name, &["--seed", "7"]).0.len(), 3, "by the folder's name, with other images");
    drop(broken);
    let (failed, passed) = again(title, &[]);
    assert_eq!((failed.len(), passed.len()), (0, 3), "{failed:?}");
    let none = crc(&["test", "--case", "rotation: nonsense"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(crate::text(&none.stderr).contains("no case `rotation: nonsense` on this display"));
}

/// The machine really sleeps, and only when that is asked for.
#[test]
#[ignore = "lab"]
fn the_picture_is_there_after_sleeping() {
    let slept =
        || -> u64 { std::fs::read_to_string("/sys/power/suspend_stats/success").unwrap().trim().parse().unwrap() };
    let before = slept();
    let unasked = json(&crc(&["test", "suspend", "--format", "json"]));
    assert_eq!((tests(&unasked, "skip").len(), slept()), (1, before), "{unasked}");
    let asked = json(&crc(&["test", "suspend", "--suspend", "--format", "json"]));
    assert_eq!((tests(&asked, "pass").len(), slept()), (1, before + 1), "{asked}");
}

#[test]
#[ignore = "lab"]
fn what_was_learnt_is_verified() {
    let dir = tempfile::tempdir().unwrap();
    let refs = dir.path().to_str().unwrap();
    let none = crc(&["verify", refs, "rotation"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("syncline crc record"), "{}", text(&none.stderr));
    assert_eq!(crc(&["record", refs, "rotation"]).status.code(), Some(0));
    let equal = crc(&["verify", refs, "rotation", "--format", "json"]);
    assert_eq!(equal.status.code(), Some(0), "{}", text(&equal.stderr));
    assert!(tests(&json(&equal), "pass").len() >= 16);
    let broken = Broken::by(3);
    let changed = crc(&["verify", refs, "rotation", "--format", "json"]);
    drop(broken);
    assert_eq!(changed.status.code(), Some(1));
    assert!(tests(&json(&changed), "fail").iter().all(|name| name.contains("reflected")));

    // A changed file, another configuration, a damaged file.
    let file = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let same = crc(&["diff", file.to_str().unwrap(), file.to_str().unwrap()]);
    assert_eq!((same.status.code(), same.stdout.len()), (Some(0), 0));
    let other = crc(&["verify", refs, "rotation", "--mode", "800x600"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("never judges another"), "{}", text(&other.stderr));
    std::fs::write(&file, "version = [").unwrap();
    let damaged = crc(&["verify", refs, "rotation"]);
    assert_eq!(damaged.status.code(), Some(2));
    assert!(text(&damaged.stderr).contains(".toml:1:"), "{}", text(&damaged.stderr));
    for out in [none, other, damaged] {
        println!("{}", text(&out.stderr).trim_end());
        assert_eq!(text(&out.stderr).trim_end().lines().count(), 1, "{}", text(&out.stderr));
    }
}

#[test]
#[ignore = "lab"]
fn read_beside_a_session() {
    let compositor = Compositor::start(&[]).unwrap();
    let sources = crc(&["sources"]);
    assert!(text(&sources.stdout).lines().any(|line| line == "auto" || line == "auto*"), "{}", text(&sources.stderr));
    let capture = crc(&["capture", "5"]);
    assert_eq!(capture.status.code(), Some(0), "{}", text(&capture.stderr));
    let lines = text(&capture.stdout);
    println!("{lines}");
    assert_eq!(lines.lines().filter(|line| line.contains("0x")).count(), 5);
    // A session owns the display: nobody else draws.
    let busy = crc(&["test"]);
    assert_eq!(busy.status.code(), Some(2));
    assert!(text(&busy.stderr).contains("is busy"), "{}", text(&busy.stderr));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn each_refusal_is_one_line_and_status_2() {
    let none =
        Command::new(binary().unwrap()).args(["crc", "sources", "--device", "/dev/dri/card77"]).output().unwrap();
    for (out, words) in [
        (none, "/dev/dri/card77"),
        (crc(&["test", "everything"]), "no suite `everything`; there is all, formats"),
        (crc(&["test", "--source", "plane9999"]), "unknown CRC source plane9999; this driver has auto"),
        (crc(&["test", "--output", "HDMI-A-9"]), "no connected output HDMI-A-9; there is Virtual"),
        (crc(&["test", "--mode", "123x45"]), "has no mode 123x45; it offers"),
        (crc(&["diff", "/nowhere/a", "/nowhere/b"]), "/nowhere/a"),
    ] {
        let line = text(&out.stderr);
        println!("{}", line.trim_end());
        assert_eq!(out.status.code(), Some(2), "{line}");
        assert!(line.contains(words), "{line}: no {words}");
        assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    }
}
