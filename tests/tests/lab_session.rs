//! Beginning and end of a session: what the exit status says, and that the card is left as it was
//! found.

use std::process::{Command, Stdio};
use std::time::Duration;

use syncline_tests::client::actor::Actor;
use syncline_tests::compositor::{Compositor, START, binary};
use syncline_tests::demo::ClientReport;
use syncline_tests::lab::{Objects, card_number, find_card};
use syncline_tests::time::poll_until;
use syncline_tests::user;

/// Which CRTCs are on, and what they show, as the kernel says.
fn card_state(compositor_card: &std::path::Path) -> Option<Vec<String>> {
    let path = format!("/sys/kernel/debug/dri/{}/state", card_number(compositor_card)?);
    let text = std::fs::read_to_string(path).ok()?;
    let wanted = ["crtc[", "\tenable=", "\tactive=", "\tmode:", "plane[", "\tcrtc=", "\tfb="];
    Some(text.lines().filter(|l| wanted.iter().any(|w| l.starts_with(w))).map(str::to_owned).collect())
}

/// An ordinary user's session under a seat manager: no right but what the seat gives.
#[test]
#[ignore = "lab"]
fn a_session_of_uid_1000_shows_the_demos_client() {
    let compositor = Compositor::start(&[]).unwrap();
    let process = std::fs::read_to_string(format!("/proc/{}/status", compositor.process().0)).unwrap();
    let field = |name: &str| {
        let line = process.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(field("Uid:"), ["1000"; 4]);
    assert_eq!(field("Gid:"), ["1000"; 4]);
    assert_eq!(field("Groups:"), [""; 0]);
    assert_eq!(u64::from_str_radix(&field("CapEff:")[0], 16), Ok(0), "capabilities");
    let mut client = compositor.demo_client(&["--frames", "30", "--warmup", "10"]).unwrap();
    let out = client.stdout(Stdio::piped()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let report: ClientReport = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((report.presented, report.unanswered), (30, 0));
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn sigterm_ends_well_and_restores_the_card() {
    let card = find_card(None).unwrap();
    // The kernel lets go of the last session's buffers some time after its end.
    poll_until(Duration::from_secs(5), || Objects::count(&card).dma_bufs == Some(0));
    let before = (card_state(&card), Objects::count(&card));
    let mut compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "actor", None).unwrap();
    actor.show(1).unwrap();
    assert_ne!(card_state(&card), before.0, "the card shows nothing while syncline runs");
    assert_eq!(compositor.terminate().unwrap().code(), Some(0), "{}", compositor.log());
    assert!(actor.client.roundtrip().is_err(), "the connection must be closed");
    drop(actor);
    assert!(!compositor.socket_path().exists(), "the socket is left behind");
    let after = || (card_state(&card), Objects::count(&card));
    poll_until(Duration::from_secs(5), || after() == before);
    assert_eq!(after(), before);
}

#[test]
#[ignore = "lab"]
fn a_log_in_a_file_has_no_colours() {
    let compositor = Compositor::start(&[]).unwrap();
    let log = compositor.log();
    assert!(log.contains("INFO"), "the log is empty: {log:?}");
    assert!(!log.contains('\x1b'), "{log:?}");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn sigint_ends_well() {
    let mut compositor = Compositor::start(&[]).unwrap();
    Command::new("kill").args(["-INT", &compositor.process().0.to_string()]).status().unwrap();
    assert_eq!(compositor.wait(START).unwrap().code(), Some(0), "{}", compositor.log());
}

#[test]
#[ignore = "lab"]
fn msg_quit_ends_well() {
    let mut compositor = Compositor::start(&[]).unwrap();
    assert!(compositor.msg(&["quit"]).unwrap().status.success());
    assert_eq!(compositor.wait(START).unwrap().code(), Some(0), "{}", compositor.log());
    // And there is nobody to talk to any more.
    let late = compositor.msg(&["status"]).unwrap();
    assert_eq!(late.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&late.stderr).starts_with("syncline: error: "));
}

#[test]
#[ignore = "lab"]
fn until_exit_passes_the_status_on() {
    let card = find_card(None).unwrap();
    for (script, status) in [("exit 0", 0), ("exit 7", 7), ("test -n \"$WAYLAND_DISPLAY\" && exit 3", 3)] {
        let mut child = user::command(binary().unwrap())
            .args(["run", "--socket", "syncline-until-exit", "--device"])
            .arg(&card)
            .args(["--until-exit", "--", "sh", "-c", script])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let ended = poll_until(START, || !matches!(child.try_wait(), Ok(None)));
        if !ended {
            child.kill().unwrap();
        }
        assert_eq!(child.wait().unwrap().code(), Some(status), "{script}");
    }
}

#[test]
#[ignore = "lab"]
fn until_exit_of_a_program_that_is_not_there() {
    let card = find_card(None).unwrap();
    let out = user::command(binary().unwrap())
        .args(["run", "--socket", "syncline-until-exit", "--device"])
        .arg(&card)
        .args(["--until-exit", "--", "/nonexistent/program"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stderr);
    assert!(!out.status.success() && text.contains("/nonexistent/program"), "{text}");
}

#[test]
#[ignore = "lab"]
fn status_counts() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "actor", None).unwrap();
    actor.show(1).unwrap();
    let first = compositor.status().unwrap();
    for key in ["/counters/frames", "/counters/missed", "/outputs/0/name", "/windows", "/fds"] {
        assert!(first.pointer(key).is_some(), "{key} is missing: {first}");
    }
    assert_eq!(first["windows"].as_u64(), Some(1), "{first}");
    for frame in 2..12 {
        actor.show(frame).unwrap();
    }
    let second = compositor.status().unwrap();
    let frames = |status: &serde_json::Value| status["counters"]["frames"].as_u64().unwrap();
    assert!(frames(&second) >= frames(&first) + 10, "{first}\n{second}");
    drop(actor);
    let gone = poll_until(Duration::from_secs(3), || compositor.status().unwrap()["windows"].as_u64() == Some(0));
    assert!(gone, "the surface of a client that left is still counted");
    compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_screenshot_shows_the_frame() {
    let compositor = Compositor::start(&[]).unwrap();
    let mut actor = Actor::new(&compositor, "actor", None).unwrap();
    for frame in [1, 77, 4242] {
        actor.show(frame).unwrap();
        assert_eq!(compositor.screenshot().unwrap().stamp(0, 0), Some(frame));
    }
    compositor.stop().unwrap();
}
