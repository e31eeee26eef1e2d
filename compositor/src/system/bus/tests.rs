//! Against a bus of its own, on which the test is logind and the user manager. Without the program `dbus-daemon`
//! nothing is tested.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    os::fd::AsFd,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, poll};
use zbus::{
    blocking::{Connection, connection::Builder},
    zvariant::{OwnedFd, OwnedObjectPath},
};

use super::{Address, Ask, Bus, Event, environment};

const SESSION: &str = "/org/freedesktop/login1/session/_31";

/// A bus; it ends with this.
struct Daemon(Child, String);

impl Daemon {
    fn start() -> Option<Self> {
        let config = tempfile::Builder::new().suffix(".conf").tempfile().ok()?;
        let text = "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth>\
                    <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/>\
                    <allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>";
        std::fs::write(config.path(), text).ok()?;
        let mut command = Command::new("dbus-daemon");
        command.arg("--nofork").arg("--print-address").arg(format!("--config-file={}", config.path().display()));
        let Ok(mut child) = command.stdout(Stdio::piped()).spawn() else {
            println!("SKIPPED: there is no dbus-daemon");
            return None;
        };
        let mut address = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut address).ok()?;
        assert!(!address.is_empty(), "dbus-daemon says its address");
        Some(Self(child, address.trim().to_owned()))
    }

    fn address(&self) -> Address {
        Address::At(self.1.clone())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// What was asked of logind, and the other ends of what it gave.
type Heard = Arc<Mutex<Vec<String>>>;

struct Manager(Heard, Arc<Mutex<Vec<std::io::PipeReader>>>);

#[zbus::interface(name = "org.freedesktop.login1.Manager")]
impl Manager {
    #[zbus(name = "GetSession")]
    fn get_session(&self, id: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        self.0.lock().unwrap().push(format!("session {id}"));
        OwnedObjectPath::try_from(SESSION).map_err(|error| zbus::fdo::Error::Failed(error.to_string()))
    }

    #[zbus(name = "Inhibit")]
    fn inhibit(&self, what: &str, _who: &str, _why: &str, mode: &str) -> OwnedFd {
        let (reader, writer) = std::io::pipe().unwrap();
        self.1.lock().unwrap().push(reader);
        self.0.lock().unwrap().push(format!("{mode} {what}"));
        std::os::fd::OwnedFd::from(writer).into()
    }
}

struct Session(Heard);

#[zbus::interface(name = "org.freedesktop.login1.Session")]
impl Session {
    #[zbus(name = "SetIdleHint")]
    fn set_idle_hint(&self, idle: bool) {
        self.0.lock().unwrap().push(format!("idle {idle}"));
    }

    #[zbus(name = "SetLockedHint")]
    fn set_locked_hint(&self, locked: bool) {
        self.0.lock().unwrap().push(format!("locked {locked}"));
    }
}

struct UserManager(Heard);

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl UserManager {
    #[zbus(name = "SetEnvironment")]
    fn set_environment(&self, variables: Vec<String>) {
        self.0.lock().unwrap().push(format!("set {}", variables.join(" ")));
    }

    #[zbus(name = "UnsetEnvironment")]
    fn unset_environment(&self, names: Vec<String>) {
        self.0.lock().unwrap().push(format!("unset {}", names.join(" ")));
    }
}

/// Waits until `found` finds something among what was heard.
fn hear(heard: &Heard, wanted: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    while !heard.lock().unwrap().iter().any(|heard| heard == wanted) {
        assert!(Instant::now() < until, "{wanted} is not among {:?}", heard.lock().unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The next event.
fn event(bus: &mut Bus, waiting: &mut Vec<Event>) -> Event {
    while waiting.is_empty() {
        let limit = Duration::from_secs(10).try_into().unwrap();
        let ready = poll(&mut [PollFd::new(&bus.as_fd(), PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ready, 1, "nothing has happened");
        *waiting = bus.events();
    }
    waiting.remove(0)
}

fn logind(daemon: &Daemon, heard: &Heard) -> (Connection, Arc<Mutex<Vec<std::io::PipeReader>>>) {
    let pipes = Arc::default();
    let served = Builder::address(daemon.1.as_str())
        .unwrap()
        .serve_at("/org/freedesktop/login1", Manager(heard.clone(), Arc::clone(&pipes)))
        .unwrap()
        .serve_at(SESSION, Session(heard.clone()))
        .unwrap()
        .name("org.freedesktop.login1")
        .unwrap()
        .build()
        .unwrap();
    (served, pipes)
}

#[test]
fn logind_is_heard_told_and_believed_alone() {
    let Some(daemon) = Daemon::start() else { return };
    let heard = Heard::default();
    let (logind, pipes) = logind(&daemon, &heard);
    let (mut bus, mut waiting) = (Bus::new().unwrap(), Vec::new());
    bus.follow_logind(daemon.address(), Some("1".to_owned()));
    let Event::Delay(delay) = event(&mut bus, &mut waiting) else { panic!("a delay comes first") };
    hear(&heard, "session 1");
    hear(&heard, "delay sleep");

    let manager = "org.freedesktop.login1.Manager";
    let session = "org.freedesktop.login1.Session";
    let signal = |from: &Connection, path: &str, interface: &str, name: &str, body: Option<bool>| {
        let sent = match body {
            Some(body) => from.emit_signal(None::<&str>, path, interface, name, &(body,)),
            None => from.emit_signal(None::<&str>, path, interface, name, &()),
        };
        sent.unwrap();
    };
    // Another process, to this one only: the bus lets it.
    let liar = daemon.address().connect().unwrap();
    let us = {
        let names = zbus::blocking::fdo::DBusProxy::new(&liar).unwrap().list_names().unwrap();
        names.into_iter().map(|name| name.to_string()).filter(|name| name.starts_with(':')).collect::<Vec<_>>()
    };
    for name in us {
        liar.emit_signal(Some(name.as_str()), SESSION, session, "Unlock", &()).unwrap();
    }
    signal(&logind, "/org/freedesktop/login1/session/_32", session, "Unlock", None);
    signal(&logind, SESSION, session, "Lock", None);
    assert!(matches!(event(&mut bus, &mut waiting), Event::Lock), "the lie and the other session do not count");
    signal(&logind, "/org/freedesktop/login1", manager, "PrepareForSleep", Some(true));
    assert!(matches!(event(&mut bus, &mut waiting), Event::Sleep(true)));
    drop(delay);
    let mut end = Vec::new();
    std::io::Read::read_to_end(&mut pipes.lock().unwrap().remove(0), &mut end).unwrap();
    signal(&logind, "/org/freedesktop/login1", manager, "PrepareForSleep", Some(false));
    assert!(matches!(event(&mut bus, &mut waiting), Event::Sleep(false)));
    assert!(matches!(event(&mut bus, &mut waiting), Event::Delay(_)), "for the next time");
    signal(&logind, SESSION, session, "Unlock", None);
    assert!(matches!(event(&mut bus, &mut waiting), Event::Unlock));

    bus.ask(Ask::Idle(true));
    bus.ask(Ask::Locked(true));
    bus.ask(Ask::Handle(vec!["handle-lid-switch"]));
    for wanted in ["idle true", "locked true", "block handle-lid-switch"] {
        hear(&heard, wanted);
    }
}

#[test]
fn what_is_missing_is_said_once() {
    let mut bus = Bus::new().unwrap();
    let nowhere = Address::At("unix:path=/nonexistent/bus".to_owned());
    let mut waiting = Vec::new();
    bus.follow_logind(nowhere.clone(), None);
    assert!(matches!(event(&mut bus, &mut waiting), Event::Missing { what: "logind", .. }));
    bus.import(nowhere, HashMap::new());
    assert!(matches!(event(&mut bus, &mut waiting), Event::Missing { what: "the session bus", .. }));
    assert!(matches!(event(&mut bus, &mut waiting), Event::Imported), "the session is ready all the same");
    bus.ask(Ask::Idle(true));
    // A bus without logind.
    let Some(daemon) = Daemon::start() else { return };
    let mut bus = Bus::new().unwrap();
    bus.follow_logind(daemon.address(), None);
    assert!(matches!(event(&mut bus, &mut waiting), Event::Missing { what: "logind", .. }));
    // And without systemd: that is no mistake.
    bus.import(daemon.address(), HashMap::from([("A".to_owned(), "b".to_owned())]));
    assert!(matches!(event(&mut bus, &mut waiting), Event::Imported));
}

#[test]
fn the_environment_is_set_and_taken_back() {
    let Some(daemon) = Daemon::start() else { return };
    let heard = Heard::default();
    let builder = Builder::address(daemon.1.as_str()).unwrap();
    let manager = builder.serve_at("/org/freedesktop/systemd1", UserManager(heard.clone())).unwrap();
    let _manager = manager.name("org.freedesktop.systemd1").unwrap().build().unwrap();
    let variables = HashMap::from([("WAYLAND_DISPLAY".to_owned(), "wayland-7".to_owned())]);
    let mut bus = Bus::new().unwrap();
    bus.import(daemon.address(), variables.clone());
    assert!(matches!(event(&mut bus, &mut Vec::new()), Event::Imported));
    hear(&heard, "set WAYLAND_DISPLAY=wayland-7");
    environment::take_back(&daemon.address(), &variables);
    hear(&heard, "unset WAYLAND_DISPLAY");
}
