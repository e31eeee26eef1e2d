//! Display CRCs of an ordinary user's session by way of `syncline-crcd`: with the helper, without
//! it, and for a user whom it does not serve.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use syncline_tests::compositor::{Compositor, binary, program};
use syncline_tests::lab::find_card;
use syncline_tests::time::poll_until;
use syncline_tests::user::{self, User};

const DEBUGFS: &str = "/sys/kernel/debug";
const PATIENCE: Duration = Duration::from_secs(5);

/// Debugfs is root's alone, as it is everywhere but in the other tests.
fn close_debugfs() {
    chown(DEBUGFS, Some(0), Some(0)).unwrap();
    std::fs::set_permissions(DEBUGFS, std::fs::Permissions::from_mode(0o700)).unwrap();
}

/// The helper of a socket, for members of one group; ends on drop.
struct Helper(Child);

impl Helper {
    fn start(socket: &Path, group: u32) -> Self {
        let program = program("SYNCLINE_CRCD_BIN", "syncline-crcd").unwrap();
        let mut command = Command::new(program);
        command.arg("--socket").arg(socket).args(["--group", &group.to_string()]);
        let helper = Helper(command.stdin(Stdio::null()).spawn().unwrap());
        let listens = || std::fs::metadata(socket).is_ok_and(|file| file.permissions().mode() & 0o777 == 0o660);
        assert!(poll_until(PATIENCE, listens), "{} does not appear", socket.display());
        helper
    }

    /// What the kernel says of its process.
    fn status(&self, field: &str) -> String {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
        line.trim_start_matches(':').trim().to_owned()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end().to_owned()
}

/// The one line of a refusal.
fn line(out: &Output) -> String {
    let line = text(&out.stderr);
    println!("{line}");
    assert!(!out.status.success(), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

/// `syncline crc` of another user, who has no further groups but may open the card.
fn crc_as(uid: u32, socket: &Path, card: &Path, action: &[&str]) -> Output {
    let uid = uid.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &uid, "--regid", &uid, "--clear-groups", "--"]).arg(binary().unwrap());
    command.arg("crc").args(action).arg("--device").arg(card).env("SYNCLINE_CRCD", socket);
    command.output().unwrap()
}

struct Scene {
    seat: User,
    socket: PathBuf,
    session: Compositor,
    folder: tempfile::TempDir,
}

/// A session of the seat's user, who may not enter debugfs.
fn scene() -> Option<Scene> {
    let Some(seat) = User::of_seat() else {
        println!("SKIPPED: there is no user of the seat");
        return None;
    };
    // Everybody may come as far as the socket.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let socket = folder.path().join("crcd.sock");
    let card = find_card(None).unwrap();
    let session = Compositor::start_with(&card, &[], &[("SYNCLINE_CRCD", socket.as_os_str())]).unwrap();
    close_debugfs();
    Some(Scene { seat, socket, session, folder })
}

#[test]
#[ignore = "lab"]
fn a_session_of_an_ordinary_user_has_crcs_through_the_helper() {
    let Some(Scene { seat, socket, mut session, folder: _folder }) = scene() else { return };
    // Without the helper it says so, and goes on.
    let refused = line(&session.msg(&["crc", "on"]).unwrap());
    let words = format!("the helper syncline-crcd, which does not listen at {}: install it", socket.display());
    assert!(refused.contains("no permission for /sys/kernel/debug") && refused.contains(&words), "{refused}");
    assert!(session.alive());

    let helper = Helper::start(&socket, seat.uid);
    // Of all capabilities it has CAP_DAC_OVERRIDE, which is number 1.
    assert_eq!((helper.status("CapEff"), helper.status("CapPrm")), (format!("{:016x}", 2), format!("{:016x}", 2)));
    assert_eq!(helper.status("NoNewPrivs"), "1");
    let on = session.msg(&["crc", "on"]).unwrap();
    assert!(on.status.success(), "{}", text(&on.stderr));
    let mut client = session.demo_client(&["--frames", "60"]).unwrap();
    assert!(client.stdout(Stdio::null()).status().unwrap().success());
    let status: serde_json::Value =
        serde_json::from_slice(&session.msg(&["crc", "status", "--json"]).unwrap().stdout).unwrap();
    println!("{status}");
    let counts = &status["outputs"][0];
    assert!(counts["equal"].as_u64().unwrap() > 30, "{status}");
    assert_eq!(counts["different"].as_u64(), Some(0), "{status}");

    // Another source of the driver, one that it has not, and off.
    let unknown = line(&session.msg(&["crc", "on", "--source", "nonsense"]).unwrap());
    assert!(unknown.contains("unknown CRC source nonsense; this driver has auto"), "{unknown}");
    assert!(session.msg(&["crc", "off"]).unwrap().status.success());
    // The descriptor was the session's alone: nobody reads now.
    let card = session.card.clone();
    let capture = crc_as(0, &socket, &card, &["capture", "3"]);
    assert!(capture.status.success(), "{}", text(&capture.stderr));
    drop(helper);
    session.stop().unwrap();
}

#[test]
#[ignore = "lab"]
fn a_user_outside_the_group_is_refused() {
    let setpriv = Command::new("setpriv").arg("--version").output();
    if !setpriv.is_ok_and(|out| out.status.success()) {
        println!("SKIPPED: setpriv is not installed");
        return;
    }
    let Some(Scene { seat, socket, session, folder: _folder }) = scene() else { return };
    let _helper = Helper::start(&socket, seat.uid);
    let card = session.card.clone();
    let mode = std::fs::metadata(&card).unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(&card, std::fs::Permissions::from_mode(0o666)).unwrap();
    // First the mode of the socket keeps others out; then, without that, the helper does.
    for open in [0o660, 0o666] {
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(open)).unwrap();
        let refused = line(&crc_as(65534, &socket, &card, &["sources"]));
        assert!(refused.contains("which does not serve this user: join the group"), "{refused}");
        let served = crc_as(seat.uid, &socket, &card, &["sources"]);
        assert!(text(&served.stdout).contains("auto*"), "{}", text(&served.stderr));
    }
    std::fs::set_permissions(&card, std::fs::Permissions::from_mode(mode)).unwrap();
    session.stop().unwrap();
}

/// By hand, where it cannot be: one line, and status 1.
#[test]
#[ignore = "lab"]
fn a_helper_that_cannot_start_says_why() {
    let program = program("SYNCLINE_CRCD_BIN", "syncline-crcd").unwrap();
    let folder = user::folder().unwrap();
    let socket = folder.path().join("crcd.sock");
    let start = |command: &mut Command, words: &str| {
        let said = line(&command.stdin(Stdio::null()).output().unwrap());
        assert!(said.starts_with("syncline-crcd: error: ") && said.contains(words), "{said}");
    };
    start(
        Command::new(&program).args(["--group", "0"]),
        "no socket: start it by syncline-crcd.socket, or name one with --socket",
    );
    let at = |group: &str| {
        let mut command = Command::new(&program);
        command.arg("--socket").arg(&socket).args(["--group", group]);
        command
    };
    start(&mut at("nobody-has-this-group"), "there is no group nobody-has-this-group in /etc/group");
    start(
        Command::new(&program).args(["--socket", "/nonexistent/crcd.sock", "--group", "0"]),
        "/nonexistent/crcd.sock",
    );
    if User::of_seat().is_some() {
        let mut command = user::command(&program);
        start(command.arg("--socket").arg(&socket).args(["--group", "1000"]), "it must be started by root");
    }
}
