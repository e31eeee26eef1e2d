//! What `syncline run` says when it cannot run: one clear line, and exit status 1.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use syncline_tests::compositor::{Compositor, binary};
use syncline_tests::lab::find_card;
use syncline_tests::time::poll_until;
use syncline_tests::user;

fn command() -> Command {
    let mut command = user::command(binary().unwrap());
    command.arg("run").args(["--socket", "syncline-bad-input"]);
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn end(mut child: Child) -> Output {
    let ended = poll_until(Duration::from_secs(10), || !matches!(child.try_wait(), Ok(None)));
    if !ended {
        child.kill().unwrap();
    }
    let out = child.wait_with_output().unwrap();
    assert!(ended, "it ran although it should not: {}", String::from_utf8_lossy(&out.stderr));
    out
}

/// Runs it; it must end with status 1 and one line that holds all of `words`.
fn refused(command: &mut Command, words: &[&str]) {
    let out = end(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(1), "{text}");
    let errors: Vec<&str> = text.lines().filter(|l| l.contains("error")).collect();
    assert_eq!(errors.len(), 1, "one line, please: {text}");
    assert!(errors[0].starts_with("syncline: error: "), "{text}");
    for word in words {
        assert!(errors[0].to_lowercase().contains(word), "{word:?} is not in: {text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

#[test]
#[ignore = "lab"]
fn no_such_device() {
    refused(command().args(["--device", "/dev/dri/card77"]), &["/dev/dri/card77", "no such file"]);
}

#[test]
#[ignore = "lab"]
fn not_a_drm_device() {
    refused(command().args(["--device", "/dev/null"]), &["/dev/null"]);
}

/// Each device that is named is wanted, also beside one that would do.
#[test]
#[ignore = "lab"]
fn one_of_two_devices() {
    let card = find_card(None).unwrap();
    refused(
        command().arg("--device").arg(&card).args(["--device", "/dev/dri/card77"]),
        &["/dev/dri/card77", "no such file"],
    );
    // The same one twice is one.
    let name = card.to_str().unwrap();
    let twice = Compositor::start(&["--device", name]).unwrap();
    assert_eq!(twice.status().unwrap()["cards"], serde_json::json!([name]));
    twice.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn no_permission() {
    let card = find_card(None).unwrap();
    let setpriv = Command::new("setpriv").arg("--version").output();
    if !setpriv.is_ok_and(|out| out.status.success()) {
        println!("SKIPPED: setpriv is not installed");
        return;
    }
    // The folder of the build may be closed to others: a copy is not.
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("syncline");
    std::fs::copy(binary().unwrap(), &copy).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&copy);
    command.args(["run", "--socket", "syncline-bad-input", "--device"]).arg(&card);
    command.env("XDG_RUNTIME_DIR", folder.path()).env_remove("RUST_LOG").stdin(Stdio::null());
    refused(&mut command, &["permission denied"]);
}

#[test]
#[ignore = "lab"]
fn busy_device() {
    let card = find_card(None).unwrap();
    // The first opener of a card is its master, until it closes it.
    let _master = std::fs::File::options().read(true).write(true).open(&card).unwrap();
    refused(command().arg("--device").arg(&card), &["busy"]);
}

#[test]
#[ignore = "lab"]
fn another_syncline_has_the_device() {
    let first = Compositor::start(&[]).unwrap();
    refused(command().arg("--device").arg(&first.card), &["busy"]);
    first.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn unknown_mode() {
    let card = find_card(None).unwrap();
    refused(command().arg("--device").arg(&card).args(["--mode", "12345x7"]), &["12345x7"]);
}

#[test]
#[ignore = "lab"]
fn missing_seat() {
    refused(command().env("LIBSEAT_BACKEND", "seatd").env("SEATD_SOCK", "/nonexistent/seatd.sock"), &["seat"]);
}

#[test]
#[ignore = "lab"]
fn bad_configuration() {
    let folder = user::folder().unwrap();
    let config = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let card = find_card(None).unwrap();
    let try_config = |path: &Path, words: &[&str]| {
        refused(command().arg("--device").arg(&card).arg("--config").arg(path), words);
    };
    try_config(&config("syntax.toml", "this is = = not toml\n"), &["syntax.toml:1"]);
    try_config(&config("unknown.toml", "no_such_setting = 1\n"), &["unknown.toml", "no_such_setting"]);
    try_config(Path::new("/nonexistent/syncline.toml"), &["/nonexistent/syncline.toml"]);
}

#[test]
#[ignore = "lab"]
fn no_runtime_directory() {
    let card = find_card(None).unwrap();
    refused(command().env_remove("XDG_RUNTIME_DIR").arg("--device").arg(&card), &["xdg_runtime_dir"]);
}
