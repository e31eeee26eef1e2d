//! What somebody does who has read the README alone: a bar, a terminal, a launcher and the lock by the
//! bindings that are built in; tiles, floats, workspaces, and a configuration that is changed while the
//! session runs.
//!
//! The session asks for its programs as it does on a desktop, but they are in a root of their own: a
//! command of the configuration writes down what was asked for, and the test starts that there.
//! `cargo xtask test --part apps` runs this.

use std::fs;

use syncline_tests::apps::{App, Desk, PATIENCE, SCREEN, changed, count, size};
use syncline_tests::image::{Area, Colour, HEIGHT, WIDTH};
use syncline_tests::time::poll_until;
use syncline_tests::uinput::code;

const BAR: i32 = 30;
const RED: Colour = [0xcc, 0x22, 0x00];
const BLUE: Colour = [0x33, 0x66, 0x99];
const GREEN: Colour = [0x00, 0xaa, 0x44];
const BOX: Colour = [0x11, 0x22, 0x44];
const BAR_AREA: Area = (0, 0, WIDTH, BAR);
const WAYBAR: &str = r#"{
    "layer": "top", "position": "top", "height": 30,
    "modules-left": ["ext/workspaces"], "ext/workspaces": { "on-click": "activate" }
}"#;
const STYLE: &str = "* { font-family: \"DejaVu Sans Mono\"; font-size: 13px; border: none; border-radius: 0; min-height: 0; }\n\
    window#waybar { background: #102030; }\n#workspaces button { background: #336699; padding: 0 8px; }\n\
    #workspaces button.active { background: #cc2200; }\n";
const FUZZEL: &str = "font=DejaVu Sans Mono:size=10\nicons-enabled=no\n[colors]\nbackground=112244ff\n";

/// A session, and what it has asked for so far.
struct Day {
    desk: Desk,
    asked: String,
    started: usize,
}

impl Day {
    fn new() -> Day {
        let desk = Desk::new("").unwrap();
        let asked = desk.file("asked", "").unwrap();
        let day = Day { desk, asked, started: 0 };
        day.configure("");
        day
    }

    /// Saves the configuration, with this in its `[desktop]`.
    fn configure(&self, desktop: &str) {
        let ask = |what: &str| format!("[\"sh\", \"-c\", \"echo {what} >> {}\"]", self.asked);
        let (terminal, launcher, lock) = (ask("foot"), ask("fuzzel"), ask("swaylock"));
        let config = format!(
            "terminal = {terminal}\nlauncher = {launcher}\n[commands]\nlock = {lock}\n[keyboard]\nlayout = \"us\"\n\
             [desktop]\n{desktop}\n"
        );
        self.desk.file("config.toml", &config).unwrap();
    }

    /// Presses a key with the logo key, until the session has asked for a program; starts that.
    fn press_for(&mut self, key: u16, program: &[&str]) -> App {
        self.desk.keyboard.chord(&[code::KEY_LEFTMETA, key]).unwrap();
        let asked = || fs::read_to_string(&self.asked).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
        assert!(poll_until(PATIENCE, || asked().len() > self.started), "nothing was asked for: {:?}", asked());
        self.started += 1;
        assert_eq!(asked().last().map(String::as_str), Some(program[0]));
        self.desk.start(program).unwrap()
    }

    fn press(&self, keys: &[u16]) {
        self.desk.keyboard.chord(&[&[code::KEY_LEFTMETA], keys].concat()).unwrap();
    }

    /// Waits until the terminals are here, in the order in which they came.
    fn terminals_are(&self, wanted: &[Area]) {
        let places = || {
            let windows = self.desk.windows().unwrap();
            let of = |window: &serde_json::Value, list: &str, n: usize| window[list][n].as_i64().unwrap() as i32;
            let mut places: Vec<Area> = windows
                .iter()
                .filter(|window| window["app_id"] == "foot" && window["location"].is_array())
                .map(|w| (of(w, "location", 0), of(w, "location", 1), of(w, "size", 0), of(w, "size", 1)))
                .collect();
            places.sort_unstable();
            places
        };
        assert!(poll_until(PATIENCE, || places() == wanted), "{:?}, not {wanted:?}", places());
    }
}

#[test]
#[ignore = "apps"]
fn a_day_with_a_bar_a_terminal_a_launcher_and_the_lock() {
    let mut day = Day::new();
    day.desk
        .file(
            ".local/share/applications/bbb.desktop",
            "[Desktop Entry]\nType=Application\nName=bbb\nExec=foot -a bbb\n",
        )
        .unwrap();
    let (config, style) =
        (day.desk.file("bar/config", WAYBAR).unwrap(), day.desk.file("bar/style.css", STYLE).unwrap());
    let fuzzel = day.desk.file("fuzzel.ini", FUZZEL).unwrap();
    let _bar = day.desk.start_on_bus(&["waybar", "-c", &config, "-s", &style]).unwrap();
    day.desk.shows("a bar", |picture| count(picture, BAR_AREA, RED) > 200).unwrap();

    // Two terminals, then side by side below the bar.
    let _first = day.press_for(code::KEY_ENTER, &["foot"]);
    day.desk.window("foot").unwrap();
    let _second = day.press_for(code::KEY_ENTER, &["foot"]);
    assert!(poll_until(PATIENCE, || day.desk.windows().unwrap().len() == 2));
    day.press(&[code::KEY_LEFTSHIFT, code::KEY_SPACE]);
    let halves = [(0, BAR, WIDTH / 2, HEIGHT - BAR), (WIDTH / 2, BAR, WIDTH / 2, HEIGHT - BAR)];
    day.terminals_are(&halves);

    // A saved configuration is seen at once. One with a mistake is said, and loses nothing.
    day.configure("gap = 20");
    day.terminals_are(&[(0, BAR, WIDTH / 2 - 10, HEIGHT - BAR), (WIDTH / 2 + 10, BAR, WIDTH / 2 - 10, HEIGHT - BAR)]);
    let before = day.desk.compositor.screenshot().unwrap();
    day.configure("gap = \"wide\"");
    day.desk.shows("the mistake", |picture| changed(&before, picture, SCREEN) > 5000).unwrap();
    day.configure("gap = 0");
    day.terminals_are(&halves);

    // One floats, and is a tile again.
    day.press(&[code::KEY_SPACE]);
    day.desk
        .shows("one tile", |_| day.desk.windows().unwrap().iter().any(|window| window["placement"] == "floating"))
        .unwrap();
    day.press(&[code::KEY_SPACE]);
    day.terminals_are(&halves);

    // Another workspace, on which the launcher starts something.
    day.press(&[code::KEY_2]);
    day.desk.shows("two workspaces", |picture| count(picture, BAR_AREA, BLUE) > 200).unwrap();
    let mut launcher = day.press_for(code::KEY_D, &["fuzzel", "--config", &fuzzel]);
    day.desk.shows("the launcher", |picture| count(picture, SCREEN, BOX) > 10_000).unwrap();
    day.desk.keyboard.text("bbb\n").unwrap();
    // A workspace begins with windows that float.
    let there = day.desk.window("bbb").unwrap();
    assert!(launcher.wait().unwrap().success());

    // The lock hides all of it, the bar too, until the password is typed.
    let mut lock = day.press_for(code::KEY_ESC, &["swaylock", "--no-unlock-indicator", "--color", "00aa44"]);
    day.desk.is_filled("the lock", SCREEN, GREEN).unwrap();
    day.press(&[code::KEY_1]);
    day.desk.keyboard.text("\n").unwrap();
    // It hears nothing while it looks at the password.
    assert!(poll_until(PATIENCE, || lock.log().contains("pam_authenticate failed")), "{}", lock.log());
    day.desk.is_filled("the lock", SCREEN, GREEN).unwrap();
    day.desk.keyboard.text("lab\n").unwrap();
    assert!(lock.wait().unwrap().success(), "{}", lock.log());
    day.desk.shows("the bar again", |picture| count(picture, BAR_AREA, RED) > 200).unwrap();
    day.desk.window_is("bbb", there).unwrap();

    // Back to the terminals; the bindings are shown, and leave again.
    day.press(&[code::KEY_1]);
    day.terminals_are(&halves);
    let before = day.desk.compositor.screenshot().unwrap();
    day.press(&[code::KEY_F1]);
    day.desk.shows("the bindings", |picture| changed(&before, picture, SCREEN) > size(SCREEN) / 10).unwrap();
    day.press(&[code::KEY_F1]);
    day.desk.shows("no bindings", |picture| changed(&before, picture, SCREEN) < 2000).unwrap();
    day.desk.compositor.stop().unwrap();
}
