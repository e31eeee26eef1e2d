//! Where CRCs cannot be had: no debugfs, no right to it, a display that is off, a reader before us,
//! one that is too slow, a driver without. Each is one clear line and the right exit status, in
//! `syncline crc` as in a session, which goes on.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use syncline_tests::compositor::{Compositor, binary};
use syncline_tests::lab::find_card;

const DEBUGFS: &str = "/sys/kernel/debug";

fn sh(script: &str) {
    let done = Command::new("sh").args(["-ec", script]).status().unwrap();
    assert!(done.success(), "{script}");
}

/// Undoes what was done to the machine.
struct Undo(String);

impl Drop for Undo {
    fn drop(&mut self) {
        let _ = Command::new("sh").args(["-c", &self.0]).status();
    }
}

fn without_debugfs() -> Undo {
    sh(&format!("umount -l {DEBUGFS}"));
    Undo(format!("mount -t debugfs none {DEBUGFS}"))
}

/// All DRM directories of debugfs are empty.
fn without_crc_files(empty: &Path) -> Undo {
    let dirs = || std::fs::read_dir(format!("{DEBUGFS}/dri")).unwrap().flatten().map(|entry| entry.path());
    let dirs: Vec<PathBuf> = dirs().filter(|path| path.join("crtc-0").is_dir() && !path.is_symlink()).collect();
    assert!(!dirs.is_empty());
    let mut undo = String::new();
    for dir in &dirs {
        sh(&format!("mount --bind {} {}", empty.display(), dir.display()));
        undo.push_str(&format!("umount -l {};", dir.display()));
    }
    Undo(undo)
}

fn crc(args: &[&str]) -> Output {
    Command::new(binary().unwrap()).arg("crc").args(args).arg("--device").arg(card()).output().unwrap()
}

fn card() -> PathBuf {
    find_card(None).unwrap()
}

/// The one line of a refusal.
fn line(out: &Output, status: i32) -> String {
    let line = String::from_utf8_lossy(&out.stderr).trim_end().to_owned();
    println!("{line}");
    assert_eq!(out.status.code(), Some(status), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[test]
#[ignore = "lab"]
fn no_debugfs() {
    let words = "debugfs is not mounted at /sys/kernel/debug (mount -t debugfs none /sys/kernel/debug)";
    let mut compositor = Compositor::start(&[]).unwrap();
    let undo = without_debugfs();
    for action in ["sources", "watch"] {
        let refused = line(&crc(&[action]), 2);
        assert!(refused.contains(words), "{refused}");
    }
    let refused = line(&compositor.msg(&["crc", "on"]).unwrap(), 1);
    assert!(refused.contains(words), "{refused}");
    drop(undo);
    assert!(compositor.alive());
    assert!(compositor.msg(&["crc", "on"]).unwrap().status.success(), "and then it works");
    compositor.stop().unwrap();
    // Who asks for CRCs from the beginning does not get a session without.
    let _undo = without_debugfs();
    let error = Compositor::start(&["--crc"]).map(drop).unwrap_err().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
#[ignore = "lab"]
fn no_permission() {
    let setpriv = Command::new("setpriv").arg("--version").output();
    if !setpriv.is_ok_and(|out| out.status.success()) {
        println!("SKIPPED: setpriv is not installed");
        return;
    }
    let compositor = Compositor::start(&[]).unwrap();
    let mode = std::fs::metadata(card()).unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(card(), std::fs::Permissions::from_mode(0o666)).unwrap();
    let _undo = Undo(format!("chmod {mode:o} {}", card().display()));
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(binary().unwrap());
    let refused = line(&nobody.args(["crc", "sources", "--device"]).arg(card()).output().unwrap(), 2);
    assert!(refused.contains("no permission for /sys/kernel/debug"), "{refused}");
    assert!(refused.contains("CAP_DAC_OVERRIDE"), "{refused}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_display_that_is_off() {
    for action in [&["sources"][..], &["capture", "3"]] {
        let refused = line(&crc(action), 2);
        assert!(refused.contains("is off: no CRTC scans out for it; start a session"), "{refused}");
    }
}

#[test]
#[ignore = "lab"]
fn somebody_reads_already() {
    let compositor = Compositor::start(&["--crc"]).unwrap();
    let armed = || String::from_utf8_lossy(&compositor.msg(&["crc", "status"]).unwrap().stdout).contains(": on,");
    assert!(syncline_tests::time::poll_until(std::time::Duration::from_secs(5), armed));
    let refused = line(&crc(&["capture", "3"]), 2);
    let holder = format!("syncline (process {}) reads the CRCs of this CRTC", compositor.process().0);
    assert!(refused.contains("is busy: ") && refused.contains(&holder), "{refused}");
    // It is let go by the switch.
    assert!(compositor.msg(&["crc", "off"]).unwrap().status.success());
    assert_eq!(crc(&["capture", "3"]).status.code(), Some(0));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_driver_without_crcs() {
    let words = "no display CRCs at CRTC 0 (the driver offers none)";
    let mut compositor = Compositor::start(&[]).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let undo = without_crc_files(empty.path());
    for action in [&["sources"][..], &["capture", "3"]] {
        let refused = line(&crc(action), 2);
        assert!(refused.contains(words), "{refused}");
    }
    let refused = line(&compositor.msg(&["crc", "on"]).unwrap(), 1);
    assert!(refused.contains(words), "{refused}");
    assert!(compositor.alive());
    compositor.stop().unwrap();
    let refused = line(&crc(&["test", "alpha"]), 2);
    assert!(refused.contains(words), "{refused}");
    drop(undo);
}

#[test]
#[ignore = "lab"]
fn unknown_sources() {
    let compositor = Compositor::start(&[]).unwrap();
    let refused = line(&crc(&["capture", "3", "--source", "nonsense"]), 2);
    assert!(refused.contains("unknown CRC source nonsense; this driver has auto"), "{refused}");
    compositor.stop().unwrap();
}

/// A reader that is kept from reading until the kernel has no room: a capture with a hole in it is
/// none.
#[test]
#[ignore = "lab"]
fn entries_that_were_lost() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut command = Command::new(binary().unwrap());
    command.args(["crc", "capture", "600", "--device"]).arg(card()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let signal = |name: &str| sh(&format!("kill -{name} {}", child.id()));
    std::thread::sleep(Duration::from_millis(500));
    signal("STOP");
    // The kernel keeps 128 entries: two seconds.
    std::thread::sleep(Duration::from_secs(4));
    signal("CONT");
    let refused = line(&child.wait_with_output().unwrap(), 2);
    assert!(refused.contains("CRC entries were lost") && refused.contains("read too slowly"), "{refused}");
    compositor.stop().unwrap();
}
