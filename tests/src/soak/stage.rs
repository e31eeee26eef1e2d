//! The hardware of a soak, and what happens to it: displays and a card that come and go, terminals,
//! the power of displays, a pointer that moves.

use std::fs::File;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::tally::{Deed, Tally};
use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::time::{MS, Ns, now, poll_until};
use crate::uinput::{Keyboard, Mouse, code};
use crate::vkms::{Output, Status, Vkms};
use crate::vt::{self, Seatd};

/// Displays of the card whose displays come and go.
const DISPLAYS: usize = 2;
/// Beside them: that of the lab's own card, and that of the card that comes and goes.
const FURTHER: usize = 2;
/// Open files that systemd allows a session; without it the kernel's default is 4096, and clients
/// that let many commits wait are ended.
const FILES: u64 = 524_288;
/// How long the session may take to show what is there.
const SOON: Duration = Duration::from_secs(10);

/// A compositor on a terminal, with all that it runs on. The compositor ends first.
pub struct Stage {
    /// The compositor.
    pub compositor: Compositor,
    vkms: Vkms,
    /// The card that comes and goes.
    second: Option<Vkms>,
    plugged: [bool; DISPLAYS],
    /// When the session has the terminal again, if another one is on the screen.
    away: Option<Ns>,
    /// A display that is off, and when it is on again.
    off: Option<(String, Ns)>,
    keyboard: Keyboard,
    mouse: Mouse,
    _seatd: Seatd,
    /// What a login prompt would keep open: without anyone there the kernel has no such terminal.
    _tty3: File,
}

fn second() -> Result<Vkms> {
    Vkms::builder("soak-second").output(Output { overlays: 1, ..Output::default() }).build()
}

impl Stage {
    /// Sets it up.
    pub fn new(renderer: &str) -> Result<Stage> {
        let (keyboard, mouse) = (Keyboard::plug()?, Mouse::plug()?);
        let each = Output { overlays: 3, ..Output::default() };
        let vkms = Vkms::builder("soak").outputs(DISPLAYS, each).build()?;
        let second = second()?;
        keyboard.chord(&[code::KEY_LEFTALT, code::KEY_F1])?;
        vt::wait_for("tty1")?;
        let tty3 = File::open("/dev/tty3").map_err(Error::io("open /dev/tty3"))?;
        let seatd = Seatd::start()?;
        let files = Rlimit { current: Some(1024), maximum: Some(FILES) };
        setrlimit(Resource::Nofile, files).map_err(Error::call("raise the limit of open files"))?;
        let socket = seatd.socket();
        let args = ["--renderer", renderer, "--mode", "1024x768"];
        let compositor = Compositor::start_on_all_with(&args, &[("SEATD_SOCK", socket.as_os_str())])?;
        let (plugged, second) = ([true; DISPLAYS], Some(second));
        let (_seatd, _tty3) = (seatd, tty3);
        Ok(Stage { compositor, vkms, second, plugged, away: None, off: None, keyboard, mouse, _seatd, _tty3 })
    }

    /// Lets something happen, or nothing.
    pub fn act(&mut self, rng: &mut fastrand::Rng, tally: &mut Tally) -> Result<()> {
        if self.away.is_some_and(|at| now() >= at) {
            self.back(tally)?;
        }
        if let Some((name, _)) = self.off.take_if(|(_, at)| now() >= *at) {
            self.power(&name, true, tally);
        }
        match rng.u32(0..100) {
            0..8 => self.plug(rng.usize(0..DISPLAYS), tally)?,
            8..10 => self.swap_card(tally)?,
            10..14 if self.away.is_none() => self.away(now() + rng.u64(50..800) * MS, tally)?,
            14..18 if self.off.is_none() => self.turn_off(rng, tally)?,
            18..40 => {
                self.mouse.by(rng.i32(-400..400), rng.i32(-300..300))?;
                tally.did(Deed::Input);
            }
            40..43 => {
                let what = ["status", "fences", "clients", "buffers"][rng.usize(0..4)];
                let out = self.compositor.msg(&[what, "--json"])?;
                if !out.status.success() {
                    let said = String::from_utf8_lossy(&out.stderr).into_owned();
                    return Err(Error::Other(format!("syncline msg {what}: {said}")));
                }
                tally.did(Deed::Question);
            }
            _ => {}
        }
        Ok(())
    }

    fn plug(&mut self, display: usize, tally: &mut Tally) -> Result<()> {
        let plugged = &mut self.plugged[display];
        *plugged = !*plugged;
        self.vkms.plug(display, if *plugged { Status::Connected } else { Status::Disconnected })?;
        tally.did(Deed::Plug);
        Ok(())
    }

    fn swap_card(&mut self, tally: &mut Tally) -> Result<()> {
        self.second = if self.second.take().is_some() { None } else { Some(second()?) };
        tally.did(Deed::Card);
        Ok(())
    }

    /// By the compositor's own key binding: the kernel's are off while a session has the terminal.
    fn away(&mut self, until: Ns, tally: &mut Tally) -> Result<()> {
        self.keyboard.chord(&[code::KEY_LEFTCTRL, code::KEY_LEFTALT, code::KEY_F3])?;
        vt::wait_for("tty3")?;
        self.away = Some(until);
        tally.did(Deed::Terminal);
        Ok(())
    }

    /// By the kernel's, as on any text terminal.
    fn back(&mut self, tally: &mut Tally) -> Result<()> {
        self.keyboard.chord(&[code::KEY_LEFTALT, code::KEY_F1])?;
        vt::wait_for("tty1")?;
        self.away = None;
        tally.did(Deed::Terminal);
        Ok(())
    }

    fn turn_off(&mut self, rng: &mut fastrand::Rng, tally: &mut Tally) -> Result<()> {
        let status = self.compositor.status()?;
        let outputs = status["outputs"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<&str> = outputs.iter().filter_map(|output| output["name"].as_str()).collect();
        if let Some(name) = rng.choice(&names) {
            self.power(name, false, tally);
            self.off = Some(((*name).to_owned(), now() + rng.u64(50..800) * MS));
        }
        Ok(())
    }

    /// A display that has gone meanwhile has no power, either.
    fn power(&self, name: &str, on: bool, tally: &mut Tally) {
        if self.compositor.msg(&["output", name, if on { "on" } else { "off" }]).is_ok_and(|out| out.status.success()) {
            tally.did(Deed::Power);
        }
    }

    /// Everything as at the start: what comes and goes has gone and come, all displays are on, and
    /// the pointer is in the corner.
    pub fn calm(&mut self, tally: &mut Tally) -> Result<()> {
        if self.away.is_some() {
            self.back(tally)?;
        }
        for present in [false, true] {
            for display in 0..DISPLAYS {
                if self.plugged[display] != present {
                    self.plug(display, tally)?;
                }
            }
            if self.second.is_some() != present {
                self.swap_card(tally)?;
            }
            self.wait_lit(if present { DISPLAYS + FURTHER } else { FURTHER - 1 })?;
        }
        let status = self.compositor.status()?;
        for output in status["outputs"].as_array().into_iter().flatten() {
            if let Some(name) = output["name"].as_str().filter(|_| output["power"] != "on") {
                self.power(name, true, tally);
            }
        }
        self.off = None;
        self.mouse.by(-9000, -9000)
    }

    fn wait_lit(&self, wanted: usize) -> Result<()> {
        let mut lit = 0;
        let reached = poll_until(SOON, || {
            let status = self.compositor.status().unwrap_or_default();
            lit = status["outputs"].as_array().map_or(0, Vec::len);
            lit == wanted
        });
        match reached {
            true => Ok(()),
            false => Err(Error::Timeout(format!("{wanted} displays to be shown, where {lit} are"))),
        }
    }
}
