//! The key combinations that are the compositor's own.

use std::time::Duration;

use syncline_tests::client::PATIENCE;
use syncline_tests::client::seat::Heard;
use syncline_tests::compositor::START;
use syncline_tests::time::poll_until;
use syncline_tests::uinput::code;
use syncline_tests::user;

use crate::desk::{Desk, GREEN, RED};

#[test]
#[ignore = "lab"]
fn super_q_asks_the_focused_window_to_close() {
    let desk = Desk::new(&[]);
    let mut other = desk.person(RED, (300, 200));
    let mut focused = desk.person(GREEN, (300, 200));
    focused.wait("the focus", |i| i.keyboard_focus.is_some());
    focused.heard();
    desk.keyboard.chord(&[code::KEY_LEFTMETA, code::KEY_Q]).unwrap();
    focused.wait_wanted("xdg_toplevel.close", |w| w.closed);
    focused.wait_heard(&Heard::Key { key: code::KEY_LEFTMETA.into(), pressed: false });
    let heard = focused.heard();
    let q = |h: &Heard| matches!(h, Heard::Key { key, .. } if *key == u32::from(code::KEY_Q));
    assert!(!heard.iter().any(q), "the client was told of a key that was ours: {heard:?}");
    other.idle();
    assert!(!other.wanted().closed, "another window was asked to close");
    // The window closes, and the next one has the focus.
    drop(focused);
    other.wait("the focus", |i| i.keyboard_focus.is_some());
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn ctrl_alt_backspace_ends_the_session_well() {
    let mut desk = Desk::new(&[]);
    let mut person = desk.person(RED, (300, 200));
    desk.keyboard.chord(&[code::KEY_LEFTCTRL, code::KEY_LEFTALT, code::KEY_BACKSPACE]).unwrap();
    assert_eq!(desk.compositor.wait(START).unwrap().code(), Some(0), "{}", desk.compositor.log());
    assert!(person.client.roundtrip().is_err(), "the connection must be closed");
    assert!(!desk.compositor.socket_path().exists(), "the socket is left behind");
}

#[test]
#[ignore = "lab"]
fn super_return_starts_the_configured_terminal() {
    let folder = user::folder().unwrap();
    let (config, proof) = (folder.path().join("config.toml"), folder.path().join("proof"));
    let script = format!("echo $WAYLAND_DISPLAY > {0}.new && mv {0}.new {0}", proof.display());
    std::fs::write(&config, format!("terminal = [\"sh\", \"-c\", \"{script}\"]\n")).unwrap();
    let desk = Desk::new(&["--config", &config.to_string_lossy()]);
    desk.keyboard.chord(&[code::KEY_LEFTMETA, code::KEY_ENTER]).unwrap();
    assert!(poll_until(PATIENCE, || proof.exists()), "nothing was started: {}", desk.compositor.log());
    assert_eq!(std::fs::read_to_string(&proof).unwrap().trim(), desk.compositor.socket);
    // It is collected when it ends.
    let zombies = || {
        let pid = desk.compositor.process().0;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        !children.trim().is_empty()
    };
    assert!(poll_until(Duration::from_secs(5), || !zombies()), "a program that ended is still there");
    desk.compositor.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_terminal_that_is_not_there_costs_nothing() {
    let folder = user::folder().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "terminal = [\"/nonexistent/terminal\"]\n").unwrap();
    let desk = Desk::new(&["--config", &config.to_string_lossy()]);
    desk.keyboard.chord(&[code::KEY_LEFTMETA, code::KEY_ENTER]).unwrap();
    let told = poll_until(PATIENCE, || desk.compositor.log().contains("/nonexistent/terminal"));
    assert!(told, "nobody was told: {}", desk.compositor.log());
    desk.still_works();
    desk.compositor.stop().unwrap();
}

/// A key of the configuration is the session's; saved without the binding, it is the client's again.
#[test]
#[ignore = "lab"]
fn a_binding_of_the_configuration_holds_until_the_file_says_otherwise() {
    let folder = user::folder().unwrap();
    let (config, proof) = (folder.path().join("config.toml"), folder.path().join("proof"));
    std::fs::write(&config, format!("[bindings]\na = \"spawn touch {}\"\n", proof.display())).unwrap();
    let desk = Desk::new(&["--config", &config.to_string_lossy()]);
    let mut person = desk.person(RED, (300, 200));
    person.wait("the focus", |i| i.keyboard_focus.is_some());
    person.heard();
    desk.keyboard.chord(&[code::KEY_A]).unwrap();
    assert!(poll_until(PATIENCE, || proof.exists()), "nothing was started: {}", desk.compositor.log());
    std::fs::write(&config, "").unwrap();
    let read = || desk.compositor.status().unwrap()["configuration"]["reloads"] == 1;
    assert!(poll_until(PATIENCE, read), "the file was not read again: {}", desk.compositor.log());
    person.idle();
    let a = Heard::Key { key: code::KEY_A.into(), pressed: true };
    assert!(!person.heard().contains(&a), "the client was told of a key that was ours");
    desk.keyboard.chord(&[code::KEY_A]).unwrap();
    person.wait_heard(&a);
    desk.compositor.stop().unwrap();
}
