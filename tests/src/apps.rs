//! Programs of a distribution, as they come from it, under the compositor in the lab.
//!
//! Their root is the one of `cargo xtask apps`. The lab mounts it read-only (`xtask/src/lab/guest_apps.rs`);
//! in it they are the seat's user and see the session's socket. What they show is read from screenshots,
//! as a person would look at the screen. Never changes the root.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::compositor::{Compositor, Picture};
use crate::error::{Error, Result};
use crate::image::{Area, Colour, HEIGHT, WIDTH};
use crate::time::poll_until;
use crate::uinput::{Keyboard, Pointer};
use crate::user;

/// Where the lab mounts the root.
const ROOT: &str = "/run/apps";
/// How long a program may take until something is seen: GTK alone reads a thousand files, and each
/// system call costs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A session with a keyboard and a pointer, in which programs are started.
pub struct Desk {
    /// The session.
    pub compositor: Compositor,
    /// Its keyboard.
    pub keyboard: Keyboard,
    /// Its pointer.
    pub pointer: Pointer,
    /// The programs' home, which is also where their settings are.
    home: TempDir,
}

impl Desk {
    /// Starts a session whose configuration is `config` and an American keyboard.
    pub fn new(config: &str) -> Result<Desk> {
        if !Path::new(ROOT).join("usr/bin").is_dir() {
            return Err(Error::Missing(format!("{ROOT}: run this with `cargo xtask test --part apps`")));
        }
        let home = user::folder()?;
        let keyboard = Keyboard::plug()?;
        let pointer = Pointer::plug(WIDTH, HEIGHT)?;
        let file = home.path().join("config.toml");
        fs::write(&file, format!("{config}\n[keyboard]\nlayout = \"us\"\n"))
            .map_err(Error::io("write the configuration"))?;
        let compositor = Compositor::start(&["--mode", "1024x768", "--config", &file.to_string_lossy()])?;
        Ok(Desk { compositor, keyboard, pointer, home })
    }

    /// Writes a file of the user's; its path, which is the same for the programs.
    pub fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.home.path().join(name);
        let what = || format!("write {}", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(Error::io(what()))?;
        }
        fs::write(&path, text).map_err(Error::io(what()))?;
        // The folders between, too: programs write beside their settings.
        path.ancestors().take_while(|at| *at != self.home.path()).try_for_each(user::give)?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// Path of a file of the user's.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Starts a program of the root.
    pub fn start(&self, words: &[&str]) -> Result<App> {
        let name = words.first().copied().unwrap_or_default().to_owned();
        let log = self.compositor.scratch(&format!("{name}.log"));
        let file = File::options().create(true).append(true).open(&log).map_err(Error::io("create a log"))?;
        let other = file.try_clone().map_err(Error::io("share a log"))?;
        let mut command = self.command(words);
        // A group of its own: what it starts is ended with it.
        let child = command.process_group(0).stdin(Stdio::null()).stdout(file).stderr(other).spawn();
        Ok(App { child: child.map_err(Error::io(format!("start {name}")))?, name, log, ended: None })
    }

    /// The same beside a bus of the session, which ends with it.
    pub fn start_on_bus(&self, words: &[&str]) -> Result<App> {
        self.start(&[&["dbus-run-session", "--"], words].concat())
    }

    /// Runs a program of the root to its end, which must be a good one; what it printed.
    pub fn run(&self, words: &[&str]) -> Result<String> {
        let out = self.command(words).stdin(Stdio::null()).output().map_err(Error::io(format!("run {words:?}")))?;
        if out.status.success() {
            return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
        }
        Err(Error::Other(format!("{words:?}: {}: {}", out.status, String::from_utf8_lossy(&out.stderr))))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        if let Some(user) = user::User::of_seat() {
            command.arg(format!("--userspec={0}:{0}", user.uid)).arg("--groups=");
        }
        command.arg(ROOT).args(words).env_clear();
        command
            .env("HOME", self.home.path())
            .env("LC_ALL", "C.UTF-8")
            .env("PATH", "/usr/bin:/usr/sbin")
            .env("SHELL", "/bin/sh")
            .env("WAYLAND_DISPLAY", &self.compositor.socket)
            .env("XDG_RUNTIME_DIR", &self.compositor.runtime)
            // A picture of every frame, without waiting for Mesa on the CPU.
            .env("GSK_RENDERER", "cairo")
            .env("GTK_A11Y", "none");
        command
    }

    /// Performs an action of the session.
    pub fn act(&self, action: &str) -> Result<()> {
        let out = self.compositor.msg(&["action", action])?;
        if out.status.success() {
            return Ok(());
        }
        Err(Error::Other(format!("syncline msg action {action:?}: {}", String::from_utf8_lossy(&out.stderr))))
    }

    /// The windows, as `syncline msg windows` has them.
    pub fn windows(&self) -> Result<Vec<Value>> {
        let out = self.compositor.msg(&["windows", "--json"])?;
        serde_json::from_slice(&out.stdout).map_err(Error::other("windows --json is no JSON"))
    }

    /// The window of an application, once it is there: where it is.
    pub fn window(&self, app_id: &str) -> Result<Area> {
        let mut found = None;
        let there = poll_until(PATIENCE, || {
            let windows = self.windows().unwrap_or_default();
            found = windows.iter().find(|window| window["app_id"] == app_id).and_then(area);
            found.is_some()
        });
        match found {
            Some(area) if there => Ok(area),
            _ => Err(Error::Timeout(format!("a window of {app_id}; there are {:?}", self.windows()?))),
        }
    }

    /// Waits until the window of an application is at its place.
    pub fn window_is(&self, app_id: &str, place: Area) -> Result<()> {
        let mut seen = None;
        let there = poll_until(PATIENCE, || {
            seen = self.window(app_id).ok();
            seen == Some(place)
        });
        if there { Ok(()) } else { Err(Error::Timeout(format!("{app_id} to be at {place:?}; it is at {seen:?}"))) }
    }

    /// Waits until an application has no window.
    pub fn no_window(&self, app_id: &str) -> Result<()> {
        let gone = || self.windows().is_ok_and(|all| all.iter().all(|window| window["app_id"] != app_id));
        if poll_until(PATIENCE, gone) { Ok(()) } else { Err(Error::Timeout(format!("no window of {app_id}"))) }
    }

    /// Waits until the screen is as `wanted` says, and returns the picture. What was seen instead is
    /// left in a file that the error names.
    pub fn shows(&self, what: &str, wanted: impl Fn(&Picture) -> bool) -> Result<Picture> {
        let mut last = None;
        let shown = poll_until(PATIENCE, || {
            last = self.compositor.screenshot().ok();
            last.as_ref().is_some_and(&wanted)
        });
        match last {
            Some(picture) if shown => Ok(picture),
            _ => {
                let file = std::env::temp_dir().join("syncline-apps.png");
                // The screenshot in the compositor's folder goes with it.
                let _ = fs::copy(self.compositor.scratch("screenshot.png"), &file);
                Err(Error::Timeout(format!("{what}; what was seen instead is in {}", file.display())))
            }
        }
    }

    /// Waits until an area has one colour in every pixel.
    pub fn is_filled(&self, what: &str, area: Area, colour: Colour) -> Result<Picture> {
        self.shows(what, |picture| count(picture, area, colour) == size(area))
    }
}

fn area(window: &Value) -> Option<Area> {
    let number = |list: &str, n: usize| window[list][n].as_i64().and_then(|number| i32::try_from(number).ok());
    Some((number("location", 0)?, number("location", 1)?, number("size", 0)?, number("size", 1)?))
}

/// The whole screen.
pub const SCREEN: Area = (0, 0, WIDTH, HEIGHT);

/// How many pixels an area has.
pub fn size((_, _, w, h): Area) -> usize {
    (w * h) as usize
}

/// How many pixels of an area have this colour.
pub fn count(picture: &Picture, area: Area, colour: Colour) -> usize {
    pixels(area).filter(|(x, y)| picture.at(*x, *y) == colour).count()
}

/// How many pixels of an area differ between two pictures.
pub fn changed(one: &Picture, other: &Picture, area: Area) -> usize {
    pixels(area).filter(|(x, y)| one.at(*x, *y) != other.at(*x, *y)).count()
}

/// The pixels of an area that are on the screen.
fn pixels((x, y, w, h): Area) -> impl Iterator<Item = (usize, usize)> {
    let range = |from: i32, len: i32, end: i32| from.max(0) as usize..(from + len).min(end).max(0) as usize;
    let columns = range(x, w, WIDTH);
    range(y, h, HEIGHT).flat_map(move |y| columns.clone().map(move |x| (x, y)))
}

/// A program that runs; it is killed on drop, with everything that it has started.
pub struct App {
    child: Child,
    name: String,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl App {
    /// What it has printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        poll_until(PATIENCE, || {
            self.ended = self.child.try_wait().ok().flatten();
            self.ended.is_some()
        });
        self.ended.ok_or_else(|| Error::Timeout(format!("{} to end; it said:\n{}", self.name, self.log())))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).map_err(Error::call(format!("signal {}", self.name)))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        if self.ended.is_none() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = self.child.wait();
        }
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.name, self.log());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_of_an_area_are_those_on_the_screen() {
        assert_eq!(pixels((1, 2, 2, 1)).collect::<Vec<_>>(), [(1, 2), (2, 2)]);
        assert_eq!(pixels((-1, 0, 2, 1)).collect::<Vec<_>>(), [(0, 0)]);
        assert_eq!(pixels((WIDTH - 1, HEIGHT - 1, 9, 9)).count(), 1);
        assert_eq!(pixels((WIDTH + 5, 0, 9, 9)).count(), 0);
        assert_eq!(size(SCREEN), pixels(SCREEN).count());
    }
}
