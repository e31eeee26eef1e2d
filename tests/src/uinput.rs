//! A keyboard, pointers and a pen on a tablet that the kernel takes for real ones, through /dev/uinput.
//!
//! A device is returned once udev has looked at it, so a compositor that starts then finds it; it
//! goes away on drop. Events are only written: whether they arrive anywhere is what the tests are
//! about.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use crate::error::{Error, Result};
use crate::ioctl::{self, AbsSetup, Setup};
use crate::time::poll_until;

/// Codes of linux/input-event-codes.h that the tests use.
pub mod code {
    #![allow(missing_docs)]
    pub const KEY_ESC: u16 = 1;
    pub const KEY_1: u16 = 2;
    pub const KEY_2: u16 = 3;
    pub const KEY_BACKSPACE: u16 = 14;
    pub const KEY_Q: u16 = 16;
    pub const KEY_ENTER: u16 = 28;
    pub const KEY_LEFTCTRL: u16 = 29;
    pub const KEY_A: u16 = 30;
    pub const KEY_D: u16 = 32;
    pub const KEY_LEFTSHIFT: u16 = 42;
    pub const KEY_LEFTALT: u16 = 56;
    pub const KEY_SPACE: u16 = 57;
    pub const KEY_F1: u16 = 59;
    pub const KEY_F3: u16 = 61;
    pub const KEY_LEFTMETA: u16 = 125;
    pub const BTN_LEFT: u16 = 0x110;
    pub const BTN_RIGHT: u16 = 0x111;
    pub const BTN_MIDDLE: u16 = 0x112;
    pub const BTN_TOOL_PEN: u16 = 0x140;
    pub const BTN_TOUCH: u16 = 0x14a;
    pub const BTN_STYLUS: u16 = 0x14b;
}

const EV_SYN: u16 = 0;
const EV_KEY: u16 = 1;
const EV_REL: u16 = 2;
const EV_ABS: u16 = 3;
const REL_WHEEL: u16 = 8;
const ABS_PRESSURE: u16 = 24;
const BUS_USB: u16 = 3;
/// Key codes 1..=127 make udev say "keyboard".
const LAST_KEY: u16 = 127;
/// Longer than libinput waits for a switch to settle (25 ms).
const BOUNCE: Duration = Duration::from_millis(35);
/// How long udev may take.
const UDEV: Duration = Duration::from_secs(10);

/// An absolute axis: its code, the number of its values, and how many of them a millimetre has.
struct Axis(u16, i32, i32);

/// A device; closing its descriptor, on drop, removes it.
struct Device(OwnedFd);

impl Device {
    fn create(name: &str, keys: &[u16], relative: &[u16], absolute: &[Axis]) -> Result<Device> {
        let what = || format!("uinput device {name}");
        let call = || Error::call(what());
        let fd = rustix::fs::open("/dev/uinput", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()).map_err(call())?;
        let at = fd.as_fd();
        for (kind, used) in [(EV_KEY, !keys.is_empty()), (EV_REL, !relative.is_empty()), (EV_ABS, !absolute.is_empty())]
        {
            if used {
                ioctl::set_event(at, kind).map_err(call())?;
            }
        }
        keys.iter().try_for_each(|key| ioctl::set_key(at, *key)).map_err(call())?;
        relative.iter().try_for_each(|axis| ioctl::set_relative(at, *axis)).map_err(call())?;
        for Axis(axis, values, resolution) in absolute {
            ioctl::set_absolute(at, *axis).map_err(call())?;
            // With a resolution libinput takes it for a tablet of some size, without for a screen.
            let info = [0, 0, values - 1, 0, 0, *resolution];
            ioctl::abs_setup(at, AbsSetup { code: *axis, pad: 0, info }).map_err(call())?;
        }
        let mut setup = Setup { id: [BUS_USB, 0x1234, 0x5678, 1], name: [0; 80], ff_effects_max: 0 };
        setup.name.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        ioctl::dev_setup(at, setup).map_err(call())?;
        ioctl::dev_create(at).map_err(call())?;
        let sysname = ioctl::sysname(at).map_err(call())?;
        let sysname = String::from_utf8_lossy(&sysname).trim_end_matches('\0').to_owned();
        if !poll_until(UDEV, || known_to_udev(&sysname)) {
            return Err(Error::Timeout(format!("udev to look at {} ({sysname})", what())));
        }
        Ok(Device(fd))
    }

    /// Writes `struct input_event`s and the report that ends them. The kernel puts the time in.
    fn send(&self, events: &[(u16, u16, i32)]) -> Result<()> {
        let mut bytes = Vec::with_capacity(24 * (events.len() + 1));
        for (kind, code, value) in events.iter().chain([&(EV_SYN, 0, 0)]) {
            bytes.extend([0; 16]);
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(code.to_ne_bytes());
            bytes.extend(value.to_ne_bytes());
        }
        rustix::io::write(&self.0, &bytes).map_err(Error::call("write to uinput"))?;
        Ok(())
    }
}

/// Whether udev's database has the event node of an input device.
fn known_to_udev(sysname: &str) -> bool {
    let class = Path::new("/sys/class/input").join(sysname);
    let nodes = fs::read_dir(class).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut events = nodes.filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("event")));
    events.any(|node| {
        let device = fs::read_to_string(node.join("dev")).unwrap_or_default();
        let entry = fs::read_to_string(format!("/run/udev/data/c{}", device.trim())).unwrap_or_default();
        entry.contains("ID_INPUT=1")
    })
}

/// A keyboard with the keys of the first 127 codes.
pub struct Keyboard(Device);

impl Keyboard {
    /// Plugs it in.
    pub fn plug() -> Result<Keyboard> {
        let keys: Vec<u16> = (1..=LAST_KEY).collect();
        Ok(Keyboard(Device::create("Syncline test keyboard", &keys, &[], &[])?))
    }

    /// Presses or releases one key.
    pub fn key(&self, code: u16, pressed: bool) -> Result<()> {
        self.0.send(&[(EV_KEY, code, pressed.into())])
    }

    /// Presses these keys one after the other, and releases them in the opposite order.
    pub fn chord(&self, keys: &[u16]) -> Result<()> {
        keys.iter().try_for_each(|key| self.key(*key, true))?;
        keys.iter().rev().try_for_each(|key| self.key(*key, false))
    }

    /// Types a text of lower-case letters, digits, spaces, `-,./` and line ends.
    pub fn text(&self, text: &str) -> Result<()> {
        text.chars().try_for_each(|character| {
            let key = key_of(character).ok_or_else(|| Error::Other(format!("there is no key for {character:?}")))?;
            self.chord(&[key])
        })
    }
}

/// The key of each lower-case letter, digit and of what stands between words, on an American keyboard.
const KEYS: [(&str, u16); 6] =
    [("1234567890-", 2), ("qwertyuiop", 16), ("\n", code::KEY_ENTER), ("asdfghjkl", 30), ("zxcvbnm,./", 44), (" ", 57)];

/// The code of the key for a character.
fn key_of(character: char) -> Option<u16> {
    let place = |row: &str| row.chars().position(|at| at == character);
    KEYS.iter().find_map(|(row, first)| Some(first + u16::try_from(place(row)?).ok()?))
}

/// A pointer with absolute positions, as virtual machines have it, and a wheel: what it says is
/// where it is.
pub struct Pointer(Device);

impl Pointer {
    /// Plugs it in, for a desktop of `width` × `height`.
    pub fn plug(width: i32, height: i32) -> Result<Pointer> {
        let buttons = [code::BTN_LEFT, code::BTN_RIGHT, code::BTN_MIDDLE];
        let axes = [Axis(0, width, 0), Axis(1, height, 0)];
        Ok(Pointer(Device::create("Syncline test pointer", &buttons, &[REL_WHEEL], &axes)?))
    }

    /// Moves it to a pixel of the desktop.
    pub fn to(&self, x: i32, y: i32) -> Result<()> {
        self.0.send(&[(EV_ABS, 0, x), (EV_ABS, 1, y)])
    }

    /// Presses or releases a button, and takes the time of a finger: libinput drops what is
    /// quicker, as of a worn switch that bounces.
    pub fn button(&self, code: u16, pressed: bool) -> Result<()> {
        self.0.send(&[(EV_KEY, code, pressed.into())])?;
        std::thread::sleep(BOUNCE);
        Ok(())
    }

    /// A click of the left button at a pixel of the desktop.
    pub fn click(&self, x: i32, y: i32) -> Result<()> {
        self.to(x, y)?;
        self.button(code::BTN_LEFT, true)?;
        self.button(code::BTN_LEFT, false)
    }

    /// Turns the wheel by so many clicks, away from the user.
    pub fn wheel(&self, clicks: i32) -> Result<()> {
        self.0.send(&[(EV_REL, REL_WHEEL, clicks)])
    }
}

/// A mouse: it knows only how far it was moved.
pub struct Mouse(Device);

impl Mouse {
    /// Plugs it in.
    pub fn plug() -> Result<Mouse> {
        let buttons = [code::BTN_LEFT, code::BTN_RIGHT, code::BTN_MIDDLE];
        Ok(Mouse(Device::create("Syncline test mouse", &buttons, &[0, 1, REL_WHEEL], &[])?))
    }

    /// Moves it.
    pub fn by(&self, dx: i32, dy: i32) -> Result<()> {
        self.0.send(&[(EV_REL, 0, dx), (EV_REL, 1, dy)])
    }
}

/// A pen on a tablet of 200 mm by 150 mm that has no display, with one button.
pub struct Pen(Device);

impl Pen {
    /// Values of each axis for a millimetre.
    const FINE: i32 = 100;
    /// The most that its pressure can be.
    const HARD: i32 = 1023;

    /// Plugs it in.
    pub fn plug() -> Result<Pen> {
        let buttons = [code::BTN_TOOL_PEN, code::BTN_TOUCH, code::BTN_STYLUS];
        let axes = [
            Axis(0, 200 * Self::FINE, Self::FINE),
            Axis(1, 150 * Self::FINE, Self::FINE),
            Axis(ABS_PRESSURE, Self::HARD + 1, 0),
        ];
        Ok(Pen(Device::create("Syncline test tablet", &buttons, &[], &axes)?))
    }

    /// It is near a place of the tablet, in thousandths of it, or touches that with this pressure, 0 to 1.
    pub fn to(&self, x: i32, y: i32, pressure: f64) -> Result<()> {
        let hard = (pressure * f64::from(Self::HARD)) as i32;
        let (x, y) = (x * 200 * Self::FINE / 1000, y * 150 * Self::FINE / 1000);
        self.0.send(&[
            (EV_ABS, 0, x),
            (EV_ABS, 1, y),
            (EV_ABS, ABS_PRESSURE, hard),
            (EV_KEY, code::BTN_TOOL_PEN, 1),
            (EV_KEY, code::BTN_TOUCH, (hard > 0).into()),
        ])
    }

    /// It goes away.
    pub fn away(&self) -> Result<()> {
        self.0.send(&[(EV_ABS, ABS_PRESSURE, 0), (EV_KEY, code::BTN_TOUCH, 0), (EV_KEY, code::BTN_TOOL_PEN, 0)])
    }

    /// Presses or releases its button.
    pub fn button(&self, pressed: bool) -> Result<()> {
        self.0.send(&[(EV_KEY, code::BTN_STYLUS, pressed.into())])?;
        std::thread::sleep(BOUNCE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_characters() {
        let table = [('1', 2), ('0', 11), ('q', code::KEY_Q), ('a', code::KEY_A), ('m', 50), ('/', 53), ('\n', 28)];
        for (character, code) in table {
            assert_eq!(key_of(character), Some(code), "{character:?}");
        }
        assert_eq!(key_of('A'), None);
    }
}
