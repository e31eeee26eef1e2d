//! `syncline session`: the real binary starts its compositor again after a crash, on displays that exist in it only.

use std::fs;
use std::io::Write;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use syncline_tests::client::Client;
use syncline_tests::client::buffer::Source;
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::{START, binary};
use syncline_tests::time::poll_until;
use tempfile::TempDir;

const SOCKET: &str = "wayland-session";

/// A session with one display.
struct Session {
    supervisor: Child,
    folder: TempDir,
}

impl Session {
    fn start(options: &[&str], env: &[(&str, &str)]) -> Session {
        let folder = tempfile::tempdir().unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(binary().unwrap());
        command.args(["session", "--socket", SOCKET, "--", "--headless", "800x600"]).args(options);
        let nowhere = format!("unix:path={}/no-bus", folder.path().display());
        command
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("XDG_STATE_HOME", folder.path().join("home"))
            .env("XDG_CONFIG_HOME", folder.path().join("home"))
            .env("XDG_CONFIG_DIRS", folder.path().join("home"))
            .env("DBUS_SYSTEM_BUS_ADDRESS", &nowhere)
            .env("DBUS_SESSION_BUS_ADDRESS", &nowhere)
            .env_remove("WAYLAND_DISPLAY")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let session = Session { supervisor: command.spawn().unwrap(), folder };
        assert!(poll_until(START, || session.compositor().is_some()), "{}", session.log());
        session
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The process of the compositor: it is behind the socket of `syncline msg`.
    fn compositor(&self) -> Option<Pid> {
        let stream = UnixStream::connect(self.path(&format!("{SOCKET}.ipc"))).ok()?;
        Some(rustix::net::sockopt::socket_peercred(&stream).ok()?.pid)
    }

    /// Another one than this.
    fn after(&self, old: Pid, patience: Duration) -> Pid {
        let mut new = None;
        poll_until(patience, || {
            new = self.compositor().filter(|pid| *pid != old);
            new.is_some()
        });
        new.unwrap_or_else(|| panic!("no compositor after {old:?}; the log:\n{}", self.log()))
    }

    fn kill(&self) -> Pid {
        let pid = self.compositor().unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        pid
    }

    /// A mistake on purpose; the second end is open until the compositor is gone, as nothing is answered.
    fn fault(&self, kind: &str) -> (Pid, UnixStream) {
        let pid = self.compositor().unwrap();
        let mut stream = UnixStream::connect(self.path(&format!("{SOCKET}.ipc"))).unwrap();
        writeln!(stream, "{{\"request\":\"fault\",\"kind\":\"{kind}\"}}").unwrap();
        (pid, stream)
    }

    fn client(&self) -> Client {
        Client::connect(&self.path(SOCKET).to_string_lossy()).unwrap()
    }

    fn msg(&self, args: &[&str]) -> String {
        let mut command = Command::new(binary().unwrap());
        command.arg("msg").args(["--socket", SOCKET]).args(args).env("XDG_RUNTIME_DIR", self.folder.path());
        let out = command.output().unwrap();
        assert!(out.status.success(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// The workspace of the only window.
    fn workspace(&self) -> Option<String> {
        let windows: serde_json::Value = serde_json::from_str(&self.msg(&["windows", "--json"])).unwrap();
        Some(windows.as_array()?.first()?["workspace"].as_str()?.to_owned())
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        kill_process(Pid::from_child(&self.supervisor), signal).unwrap();
        self.wait(START)
    }

    fn wait(&mut self, patience: Duration) -> ExitStatus {
        let mut status = None;
        poll_until(patience, || {
            status = self.supervisor.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap_or_else(|| panic!("the session goes on; the log:\n{}", self.log()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Its compositor ends with it.
        self.supervisor.kill().ok();
        self.supervisor.wait().ok();
        if std::thread::panicking() {
            eprintln!("log of the session:\n{}", self.log());
        }
    }
}

/// A window that shows something.
fn show(client: &mut Client) {
    let mut window = client.toplevel(&Wish { app_id: "org.example.Back", fullscreen: false }).unwrap();
    let (width, height) = window.size(client, (64, 48));
    let (buffer, _) = client.buffer(Source::Shm, width, height).unwrap();
    window.commit(client, &Commit { buffer: Some(&buffer), ..Commit::default() }).unwrap();
    client.roundtrip().unwrap();
}

#[test]
fn a_client_finds_the_socket_and_its_workspace_again_after_a_kill() {
    let mut session = Session::start(&[], &[]);
    let mut client = session.client();
    show(&mut client);
    session.msg(&["action", "move-to-workspace 3"]);
    let state = session.path(&format!("{SOCKET}.state"));
    let written = || fs::read_to_string(&state).is_ok_and(|text| text.contains("\"workspace\":\"3\""));
    assert!(poll_until(START, written), "{:?}", fs::read_to_string(&state));
    let killed = session.kill();
    // At once: the socket is there, and whoever connects waits.
    let mut client = session.client();
    show(&mut client);
    session.after(killed, START);
    assert_eq!(session.workspace().as_deref(), Some("3"), "{}", session.log());
    assert!(session.end(Signal::TERM).success(), "{}", session.log());
    let left: Vec<_> = fs::read_dir(session.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(SOCKET)), "{left:?}");
}

#[test]
fn a_panic_is_written_down_and_the_session_goes_on() {
    let session = Session::start(&[], &[]);
    let (panicked, _stream) = session.fault("panic");
    session.after(panicked, START);
    let crash = fs::read_to_string(session.path("home/syncline/crash.txt")).unwrap();
    assert!(crash.contains("a fault on purpose") && crash.contains("an event of Msg("), "{crash}");
    assert!(session.log().contains("the compositor has ended with status 70; it starts again"), "{}", session.log());
}

#[test]
fn a_loop_that_stands_is_ended_after_ten_seconds_and_not_before() {
    let session = Session::start(&[], &[]);
    let begun = Instant::now();
    let (stands, _stream) = session.fault("stand");
    session.after(stands, Duration::from_secs(30));
    let took = begun.elapsed();
    assert!((Duration::from_secs(10)..Duration::from_secs(12)).contains(&took), "{took:?}\n{}", session.log());
    let crash = fs::read_to_string(session.path("home/syncline/crash.txt")).unwrap();
    assert!(crash.contains("The loop has stood for ten seconds") && crash.contains("an event of Msg("), "{crash}");
    assert!(crash.contains("is in state S, in system call"), "{crash}");
}

#[test]
fn five_crashes_in_a_minute_end_the_session() {
    let mut session = Session::start(&[], &[]);
    let mut last = session.kill();
    for _ in 0..4 {
        last = session.after(last, START);
        kill_process(last, Signal::KILL).unwrap();
    }
    assert_eq!(session.wait(START).code(), Some(70));
    assert!(session.log().contains("5 times in a minute: the session ends"), "{}", session.log());
    assert!(!session.path(SOCKET).exists());
}

#[test]
fn a_session_that_was_locked_is_locked_after_a_crash() {
    let session = Session::start(&["--set", "commands.lock=[]"], &[]);
    let mut client = session.client();
    let lock = client.lock().unwrap();
    client.wait_locked(&lock).unwrap();
    let state = session.path(&format!("{SOCKET}.state"));
    assert!(poll_until(START, || fs::read_to_string(&state).is_ok_and(|text| text.contains("\"locked\":true"))));
    let killed = session.kill();
    session.after(killed, START);
    let locked = || session.msg(&["status", "--json"]).contains("\"locked\":true");
    assert!(poll_until(START, locked), "{}", session.msg(&["status", "--json"]));
    // Another client may unlock it: the one before is gone.
    let mut client = session.client();
    let lock = client.lock().unwrap();
    client.wait_locked(&lock).unwrap();
    lock.lock.unlock_and_destroy();
    client.roundtrip().unwrap();
    assert!(session.msg(&["status", "--json"]).contains("\"locked\":false"));
}

#[test]
fn a_compositor_ends_with_the_process_that_keeps_its_socket() {
    let mut session = Session::start(&[], &[]);
    let compositor = session.compositor().unwrap();
    session.end(Signal::KILL);
    let gone = || rustix::process::test_kill_process(compositor).is_err();
    // Nobody reaps it here but init.
    let zombie = || {
        fs::read_to_string(format!("/proc/{}/stat", compositor.as_raw_nonzero()))
            .is_ok_and(|stat| stat.contains(") Z "))
    };
    assert!(poll_until(START, || gone() || zombie()), "{}", session.log());
}

#[test]
fn the_service_manager_hears_of_the_session_and_programs_do_not_hear_of_the_manager() {
    let folder = tempfile::tempdir().unwrap();
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(START)).unwrap();
    let heard = || {
        let mut message = [0; 200];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let (notify, seen) = (folder.path().join("notify"), folder.path().join("environment"));
    let shell = format!("env > {0}.new && mv {0}.new {0}", seen.display());
    let env = [("NOTIFY_SOCKET", notify.to_str().unwrap()), ("WATCHDOG_USEC", "400000"), ("DISPLAY", ":0")];
    let mut session = Session::start(&["--", "sh", "-c", &shell], &env);
    let mut words = vec![heard()];
    while words.iter().filter(|word| *word == "WATCHDOG=1").count() < 3
        || !words.iter().any(|word| word.starts_with("READY=1"))
    {
        assert!(words.len() < 50, "{words:?}");
        words.push(heard());
    }
    assert!(poll_until(START, || seen.exists()));
    let environment = fs::read_to_string(&seen).unwrap();
    let value = |name: &str| environment.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    assert_eq!(value("WAYLAND_DISPLAY"), Some(SOCKET));
    assert_eq!(value("XDG_CURRENT_DESKTOP"), Some("syncline:wlroots"));
    assert_eq!((value("XDG_SESSION_TYPE"), value("XDG_SESSION_DESKTOP")), (Some("wayland"), Some("syncline")));
    assert_eq!((value("XCURSOR_SIZE"), value("QT_WAYLAND_RECONNECT")), (Some("24"), Some("1")));
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "DISPLAY"] {
        assert_eq!(value(name), None, "{name}");
    }
    assert!(session.end(Signal::TERM).success(), "{}", session.log());
    while heard() != "STOPPING=1" {}
}
