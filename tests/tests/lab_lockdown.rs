//! A kernel that is locked down, as by Secure Boot: nobody may open what can be written to in
//! debugfs, root neither. In a program of its own, since only a reboot takes a lockdown back.

use std::process::{Command, Output};

use syncline_tests::compositor::{Compositor, binary};
use syncline_tests::lab::find_card;

const LOCKDOWN: &str = "/sys/kernel/security/lockdown";

fn syncline(args: &[&str]) -> Output {
    Command::new(binary().unwrap()).args(args).output().unwrap()
}

fn crc(args: &[&str]) -> Output {
    let card = find_card(None).unwrap();
    syncline(&[&["crc"], args, &["--device", card.to_str().unwrap()]].concat())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
#[ignore = "lab"]
fn a_lockdown_is_named_and_leaves_the_source_that_is_set() {
    let compositor = Compositor::start(&[]).unwrap();
    let sources = text(&crc(&["sources"]).stdout);
    let plane = sources.split_whitespace().find(|word| word.starts_with("plane")).expect("a plane's source").to_owned();
    assert!(!text(&syncline(&["doctor"]).stdout).contains("locked down"));
    std::fs::write(LOCKDOWN, "integrity").unwrap();

    let doctor = text(&syncline(&["doctor"]).stdout);
    assert!(doctor.contains("the kernel is locked down (Secure Boot)"), "{doctor}");
    let crcs = doctor.lines().find(|line| line.contains("✓ display CRCs")).unwrap_or_else(|| panic!("{doctor}"));
    assert!(crcs.trim_end().ends_with("CRTCs: auto"), "{crcs}");
    let sources = crc(&["sources"]);
    assert!(sources.status.success(), "{}", text(&sources.stderr));
    assert!(text(&sources.stdout).contains("auto") && !text(&sources.stdout).contains("plane"), "{sources:?}");
    let captured = crc(&["capture", "3"]);
    assert!(captured.status.success(), "{}", text(&captured.stderr));
    assert_eq!(text(&captured.stdout).lines().filter(|line| line.contains("0x")).count(), 3, "{captured:?}");
    let refused = crc(&["capture", "3", "--source", &plane]);
    let line = text(&refused.stderr);
    assert_eq!((refused.status.code(), line.trim_end().lines().count()), (Some(2), 1), "{line}");
    assert!(line.contains("the kernel is locked down (Secure Boot)") && line.contains("root neither"), "{line}");

    // A session has the source that is set, too.
    let on = compositor.msg(&["crc", "on"]).unwrap();
    assert!(on.status.success(), "{}", text(&on.stderr));
    compositor.stop().unwrap();
}
