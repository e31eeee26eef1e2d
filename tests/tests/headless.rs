//! `syncline run --headless`: the real binary on this machine, without any device, seat or right.

use std::{
    collections::BTreeMap,
    io::Read,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    process::Command,
    time::Duration,
};

use rustix::process::{Resource, Rlimit};
use syncline_tests::client::buffer::Source;
use syncline_tests::client::state::{Feedback, Presented};
use syncline_tests::client::window::{Commit, Wish};
use syncline_tests::compositor::{Compositor, binary};
use syncline_tests::time::poll_until;

const WAIT: Duration = Duration::from_secs(10);
/// Blue, green, red, and what XRGB8888 has for nothing.
const PIXEL: [u8; 4] = [0x30, 0x80, 0xc0, 0xff];

/// A fullscreen client of shared memory shows `frames` frames, each after the last one was on the
/// screen: when that was.
fn shown(compositor: &Compositor, frames: usize) -> Vec<Presented> {
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "headless", fullscreen: true }).unwrap();
    let (width, height) = window.size(&client, (64, 48));
    let (buffer, mut pixels) = client.buffer(Source::Shm, width, height).unwrap();
    pixels.write(|bytes| bytes.chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&PIXEL))).unwrap();
    let mut presented = Vec::new();
    for _ in 0..frames {
        let commit = Commit { buffer: Some(&buffer), feedback: true, frame: true, ..Commit::default() };
        let done = window.commit(&mut client, &commit).unwrap();
        let (feedback, frame) = (done.feedback.unwrap(), done.frame.unwrap());
        client
            .wait_for("feedback and frame callback", WAIT, |state| {
                state.feedback.contains_key(&feedback) && state.callbacks.contains_key(&frame)
            })
            .unwrap();
        match client.state.feedback[&feedback] {
            Feedback::Presented(shown) => presented.push(shown),
            Feedback::Discarded => panic!("discarded"),
        }
    }
    let picture = compositor.screenshot().unwrap();
    assert_eq!((picture.width, picture.height), (width as usize, height as usize));
    for (x, y) in [(0, 0), (width - 1, height - 1), (width / 2, height / 3)] {
        let seen = picture.at(x as usize, y as usize);
        assert_eq!(seen, [PIXEL[2], PIXEL[1], PIXEL[0]], "at {x}, {y}");
    }
    presented
}

#[test]
fn a_client_is_shown_at_the_rate_of_the_display_and_nothing_is_left_behind() {
    let mut compositor = Compositor::start_headless(&["--headless", "800x600@100"]).unwrap();
    let presented = shown(&compositor, 30);
    const PERIOD: u64 = 10_000_000;
    for shown in &presented {
        assert_eq!((shown.flags, shown.refresh_ns), (0, PERIOD), "no hardware stands behind it");
        // Events tell microseconds, which is all that the period is made of.
        assert_eq!((shown.time_ns % PERIOD, shown.time_ns / PERIOD), (0, shown.seq), "{shown:?}");
    }
    assert!(presented.windows(2).all(|pair| pair[0].seq < pair[1].seq), "{presented:?}");
    let status = compositor.status().unwrap();
    let output = &status["outputs"][0];
    assert_eq!((output["name"].as_str(), output["width"].as_i64()), (Some("HEADLESS-1"), Some(800)), "{status}");
    assert_eq!((output["refresh_hz"].as_f64(), output["power"].as_str()), (Some(100.0), Some("on")), "{status}");
    let files = compositor.process().fds().unwrap();
    assert!(files.keys().all(|kind| !kind.starts_with("/dev/dri") && !kind.starts_with("/dev/input")), "{files:?}");
    assert!(compositor.terminate().unwrap().success(), "{}", compositor.log());
    let log = compositor.log();
    assert!(!log.contains(" WARN ") && !log.contains(" ERROR "), "{log}");
    let own = |name: &std::ffi::OsStr| name.to_string_lossy().starts_with(&compositor.socket);
    let left = std::fs::read_dir(&compositor.runtime).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(left.filter(|name| own(name)).collect::<Vec<_>>(), [""; 0], "{}", compositor.log());
}

#[test]
fn several_displays_stand_side_by_side_and_go_off_and_on() {
    let mut compositor =
        Compositor::start_headless(&["--headless", "320x240", "--headless", "640x480@30", "--headless", "64x64@5"])
            .unwrap();
    let status = compositor.status().unwrap();
    let outputs = status["outputs"].as_array().unwrap();
    let told: Vec<_> = outputs.iter().map(|output| (output["name"].as_str().unwrap(), output["x"].as_i64())).collect();
    assert_eq!(told, [("HEADLESS-1", Some(0)), ("HEADLESS-2", Some(320)), ("HEADLESS-3", Some(960))], "{status}");
    for (word, power) in [("off", "off"), ("on", "on")] {
        assert!(compositor.msg(&["output", "HEADLESS-1", word]).unwrap().status.success());
        let is = || compositor.status().unwrap()["outputs"][0]["power"].as_str() == Some(power);
        assert!(syncline_tests::time::poll_until(WAIT, is), "{word}: {}", compositor.log());
    }
    assert_eq!(shown(&compositor, 2).len(), 2);
    assert!(compositor.terminate().unwrap().success());
}

#[test]
fn a_display_is_made_and_removed_while_the_session_runs() {
    let mut compositor = Compositor::start_headless(&["--headless", "320x240"]).unwrap();
    let said = |args: &[&str]| {
        let out = compositor.msg(args).unwrap();
        (
            out.status.success(),
            String::from_utf8_lossy(if out.status.success() { &out.stdout } else { &out.stderr }).into_owned(),
        )
    };
    let made = said(&["output", "create", "--size", "640x480", "--refresh", "50", "--name", "tv"]);
    assert_eq!(made, (true, "tv\n".to_owned()));
    let status = compositor.status().unwrap();
    let tv = &status["outputs"][1];
    assert_eq!((tv["x"].as_i64(), tv["width"].as_i64(), tv["refresh_hz"].as_f64()), (Some(320), Some(640), Some(50.0)));
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "headless", fullscreen: false }).unwrap();
    let (small, _) = client.buffer(Source::Shm, 64, 48).unwrap();
    window.commit(&mut client, &Commit { buffer: Some(&small), ..Commit::default() }).unwrap();
    let token = window.token;
    let is = move |size| move |state: &syncline_tests::client::state::State| state.windows[&token].size == size;
    assert!(poll_until(WAIT, || said(&["action", "fullscreen on tv"]).0));
    client.wait_for("the size of the display that was made", WAIT, is((640, 480))).unwrap();
    let (buffer, mut pixels) = client.buffer(Source::Shm, 640, 480).unwrap();
    pixels.write(|bytes| bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| *pixel = PIXEL)).unwrap();
    for _ in 0..5 {
        let commit = Commit { buffer: Some(&buffer), feedback: true, ..Commit::default() };
        let feedback = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
        client.wait_for("feedback", WAIT, |state| state.feedback.contains_key(&feedback)).unwrap();
        let Feedback::Presented(shown) = client.state.feedback[&feedback] else { panic!("discarded") };
        assert_eq!((shown.refresh_ns, shown.time_ns % 20_000_000), (20_000_000, 0), "{shown:?}");
    }
    let file = compositor.scratch("tv.png");
    assert!(said(&["screenshot", "--output", "tv", file.to_str().unwrap()]).0);
    let picture = syncline_tests::compositor::Picture::read(&file).unwrap();
    assert_eq!((picture.width, picture.at(320, 240)), (640, [PIXEL[2], PIXEL[1], PIXEL[0]]));
    // Nothing changes, so nothing is shown.
    let frames = || {
        compositor.status().unwrap()["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| of["frame"].as_u64().unwrap())
            .sum::<u64>()
    };
    let before = frames();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(frames(), before);
    assert!(!said(&["output", "HEADLESS-1", "remove"]).0, "it was not made by request");
    assert_eq!(said(&["output", "tv", "remove"]), (true, String::new()));
    assert_eq!(compositor.status().unwrap()["outputs"].as_array().unwrap().len(), 1);
    client.wait_for("the size of the other display", WAIT, is((320, 240))).unwrap();
    assert!(compositor.terminate().unwrap().success(), "{}", compositor.log());
}

#[test]
fn a_command_runs_as_its_client_and_ends_it() {
    let command = "test -S \"$XDG_RUNTIME_DIR/$WAYLAND_DISPLAY\" && exit 7";
    let started = Compositor::start_headless(&["--headless", "64x64", "--until-exit", "--", "sh", "-c", command]);
    // It may be over before it was seen to be ready.
    let told = match started {
        Ok(mut compositor) => compositor.wait(WAIT).unwrap().to_string(),
        Err(error) => error.to_string(),
    };
    assert!(told.contains("exit status: 7"), "{told}");
}

#[test]
fn what_cannot_be_is_refused_with_what_to_write() {
    let refused = |args: &[&str]| Compositor::start_headless(args).err().expect("refused").to_string();
    let error = refused(&["--headless", "1x1"]);
    assert!(error.contains("WIDTHxHEIGHT@HZ") && error.contains("16 to 8192 pixels"), "{error}");
    let error = refused(&["--headless=64x64"; 17]);
    assert!(error.contains("--headless: given 17 times; at most 16"), "{error}");
}

#[test]
fn without_descriptors_connections_are_closed_and_the_loop_sleeps() {
    const WHILE: Duration = Duration::from_millis(500);
    let mut compositor = Compositor::start_headless(&["--headless", "64x64"]).unwrap();
    let process = compositor.process();
    let limit = Rlimit { current: Some(64), maximum: Some(64) };
    let pid = rustix::process::Pid::from_raw(process.0 as i32);
    rustix::process::prlimit(pid, Resource::Nofile, limit).unwrap();
    let mut connections: Vec<_> =
        (0..80).map(|_| UnixStream::connect(compositor.socket_path()).expect("a connection")).collect();
    let last = connections.last_mut().unwrap();
    last.set_read_timeout(Some(WAIT)).unwrap();
    assert_eq!(last.read(&mut [0; 1]).unwrap(), 0, "closed: {}", compositor.log());
    let before = process.cpu_ns().unwrap();
    std::thread::sleep(WHILE);
    let used = Duration::from_nanos(process.cpu_ns().unwrap() - before);
    assert!(used < WHILE / 4, "{used:?} of {WHILE:?}, with nothing to do");
    assert!(compositor.log().contains("a connection was refused"), "{}", compositor.log());
    drop(connections);
    // The next connections find room again.
    assert!(syncline_tests::time::poll_until(WAIT, || compositor.client().is_ok()), "{}", compositor.log());
    assert_eq!(shown(&compositor, 2).len(), 2);
    assert!(compositor.terminate().unwrap().success(), "{}", compositor.log());
}

/// The files of a report, by name.
fn report(
    compositor: Option<&Compositor>,
    file: &std::path::Path,
    args: &[&str],
) -> (String, BTreeMap<String, String>) {
    let binary = binary().unwrap();
    let mut command = match compositor {
        Some(compositor) => compositor.command(binary),
        None => Command::new(binary),
    };
    if compositor.is_none() {
        command.env_remove("WAYLAND_DISPLAY");
    }
    let out = command.arg("bugreport").arg("--out").arg(file).args(args).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{said}{}", String::from_utf8_lossy(&out.stderr));
    let mut tar = tar::Archive::new(std::fs::File::open(file).unwrap());
    let files = tar.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        (name, text)
    });
    (said, files.collect())
}

#[test]
fn a_bug_report_has_what_the_session_says_and_no_titles() {
    let folder = tempfile::tempdir().unwrap();
    let compositor = Compositor::start_headless(&["--headless", "800x600"]).unwrap();
    let mut client = compositor.client().unwrap();
    let mut window = client.toplevel(&Wish { app_id: "org.secret.Writer", fullscreen: true }).unwrap();
    let (width, height) = window.size(&client, (64, 48));
    let (buffer, _) = client.buffer(Source::Shm, width, height).unwrap();
    let commit = Commit { buffer: Some(&buffer), feedback: true, ..Commit::default() };
    let feedback = window.commit(&mut client, &commit).unwrap().feedback.unwrap();
    client.wait_for("the frame", WAIT, |state| state.feedback.contains_key(&feedback)).unwrap();

    let file = folder.path().join("report.tar");
    let (said, files) = report(Some(&compositor), &file, &[]);
    println!("{said}");
    assert_eq!(files["contents.txt"], said.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>());
    let json = |name: &str| serde_json::from_str::<serde_json::Value>(&files[name]).unwrap();
    assert_eq!(json("status.json")["outputs"][0]["name"], "HEADLESS-1");
    assert_eq!(json("windows.json")[0]["placement"], "fullscreen");
    assert_eq!(json("doctor.json")["format"], 1);
    for name in ["buffers.json", "fences.json", "clients.json", "crc.json"] {
        assert!(!json(name).is_null(), "{name}");
    }
    assert!(files["log.txt"].contains("WAYLAND_DISPLAY="), "{}", files["log.txt"]);
    assert!(files["frames.json"].lines().count() > 0 && files["versions.txt"].contains("Linux "));
    // What is private is asked for; the file is the user's alone, and none is written over.
    assert!(files.values().all(|text| !text.contains("org.secret.Writer")));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = compositor.command(binary().unwrap()).arg("bugreport").arg("--out").arg(&file).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("File exists"));
    let (_, files) = report(Some(&compositor), &folder.path().join("titles.tar"), &["--with-titles"]);
    assert!(files["windows.json"].contains("org.secret.Writer"), "{}", files["windows.json"]);
    compositor.stop().unwrap();
}

#[test]
fn a_bug_report_without_a_session_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let (said, files) = report(None, &folder.path().join("report.tar"), &[]);
    println!("{said}");
    assert!(files.contains_key("doctor.txt") && files.contains_key("versions.txt"), "{said}");
    for name in ["log.txt", "status.json", "frames.json", "trace.txt"] {
        let line = said.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
        assert!(line.contains("not available: no session: WAYLAND_DISPLAY is not set"), "{line}");
        assert!(!files.contains_key(name));
    }
    let (said, _) = report(None, &folder.path().join("other.tar"), &["--socket", "/nonexistent/wayland-9"]);
    assert!(said.contains("no session: /nonexistent/wayland-9.ipc (is syncline running"), "{said}");
}

#[test]
fn the_configuration_is_checked_followed_and_its_actions_are_performed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    std::fs::write(&file, "[bindings]\nF9 = \"mode talk\"\n[mode.talk.bindings]\n").unwrap();
    let path = file.to_str().unwrap();
    let syncline = |args: &[&str]| {
        let out = Command::new(binary().unwrap()).args(args).output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code(), said)
    };
    let (status, said) = syncline(&["config", "check", "--config", path]);
    assert_eq!(status, Some(1));
    assert!(said.contains("config.toml:2: there is no mode `talk`"), "{said}");
    std::fs::write(&file, "[bindings]\nF9 = \"mode talk\"\n[mode.talk.bindings]\nF8 = \"quit\"\n").unwrap();
    let (status, said) = syncline(&["config", "check", "--config", path]);
    assert!(status == Some(0) && said.contains(path), "{said}");
    let (_, default) = syncline(&["config", "default"]);
    std::fs::write(folder.path().join("default.toml"), &default).unwrap();
    let (status, said) =
        syncline(&["config", "show", "--config", folder.path().join("default.toml").to_str().unwrap()]);
    assert!(status == Some(0) && said.contains("[mode.resize.bindings]"), "{said}");
    let (_, said) = syncline(&["bindings", "--config", path]);
    assert!(said.contains("mode talk") && said.contains(&format!("{path}:2")), "{said}");

    let compositor = Compositor::start_headless(&["--headless", "64x64", "--config", path]).unwrap();
    let status = || compositor.status().unwrap()["configuration"].clone();
    assert!(compositor.msg(&["action", "mode", "talk"]).unwrap().status.success());
    assert_eq!(status()["mode"], "talk");
    let refused = compositor.msg(&["action", "mode tlak"]).unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("did you mean `talk`?"));
    // Saved with a mistake, and then without one.
    std::fs::write(&file, "colour = 1\n").unwrap();
    let told = || status()["error"].as_str().is_some_and(|error| error.contains("unknown field `colour`"));
    assert!(syncline_tests::time::poll_until(WAIT, told), "{}", compositor.log());
    assert_eq!(status()["mode"], "talk", "nothing has changed");
    std::fs::write(&file, "background = \"#ff0000\"\n").unwrap();
    assert!(syncline_tests::time::poll_until(WAIT, || status()["error"].is_null()), "{}", compositor.log());
    assert_eq!(status()["mode"], "default", "that mode is gone");
    assert!(syncline_tests::time::poll_until(WAIT, || compositor.screenshot().unwrap().at(5, 5) == [255, 0, 0]));
    compositor.stop().unwrap();
}
