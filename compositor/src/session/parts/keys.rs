//! What is held, as far as the session's own bindings are concerned: keys and buttons whose press was
//! taken from clients, what repeats, a gesture, the mode.

use std::{cell::OnceCell, sync::Arc};

use fence::Ns;
use smallvec::SmallVec;
use smithay::{
    input::keyboard::{Keycode, xkb},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
};

use crate::config::bindings::{DEFAULT_MODE, Entry, Mods, Situation, set::Hit};

/// The most keys and buttons that are taken at a time: more than hands hold.
pub const HELD: usize = 32;

/// A key or a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Key(Keycode),
    /// A key of a virtual keyboard, which has a number.
    VirtualKey(u32, Keycode),
    Button(u32),
}

/// A key or button whose press was taken. Its release is taken, too.
#[derive(Debug)]
pub struct Taken {
    pub what: Held,
    pub entries: Arc<[Entry]>,
    /// What held actions back when it was pressed: the same holds for its release.
    pub situation: Situation,
}

/// What a key that is held performs again and again.
#[derive(Debug)]
pub struct Repeat {
    pub what: Held,
    pub entries: Arc<[Entry]>,
    /// When it is due.
    pub at: Ns,
}

/// Actions that are due: to be performed once the keyboard is not in use.
#[derive(Debug)]
pub struct Due {
    pub entries: Arc<[Entry]>,
    pub on_release: bool,
    pub situation: Situation,
    pub mods: Mods,
}

/// Fingers on the touchpad.
#[derive(Debug, Clone, Copy)]
pub struct Swipe {
    pub fingers: u32,
    pub x: f64,
    pub y: f64,
    /// Its action was performed.
    pub done: bool,
}

/// All of that.
pub struct Keys {
    pub mode: Arc<str>,
    pub taken: SmallVec<[Taken; 4]>,
    pub repeat: Option<Repeat>,
    pub due: SmallVec<[Due; 2]>,
    /// A modifier that was pressed and is bound by itself: what its release performs, unless
    /// something else is pressed meanwhile.
    pub tap: Option<Hit>,
    /// The modifiers whose release ends the walk of `switch-window`.
    pub walk: Option<Mods>,
    /// What is left of a step of the wheel, horizontally and vertically, in parts of 120.
    pub wheel: [f64; 2],
    pub swipe: Option<Swipe>,
    /// Who has the keyboard. While a key is handled, the keyboard itself cannot be asked.
    pub focus: Option<WlSurface>,
    /// All shortcuts are left to the window, by the action `inhibit-shortcuts`.
    pub inhibited: bool,
    /// An American keyboard, for those without Latin letters; made when it is needed first.
    latin: OnceCell<Option<xkb::Keymap>>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            mode: DEFAULT_MODE.into(),
            taken: SmallVec::new(),
            repeat: None,
            due: SmallVec::new(),
            tap: None,
            walk: None,
            wheel: [0.0; 2],
            swipe: None,
            focus: None,
            inhibited: false,
            latin: OnceCell::new(),
        }
    }
}

impl Keys {
    /// A key or button is released: what was taken with its press, if it was.
    pub fn release(&mut self, what: Held) -> Option<Taken> {
        self.repeat.take_if(|repeat| repeat.what == what);
        let at = self.taken.iter().position(|taken| taken.what == what)?;
        Some(self.taken.swap_remove(at))
    }

    /// Its press is taken. Pressed twice without a release, it counts once.
    pub fn take(&mut self, taken: Taken) {
        self.taken.retain(|other| other.what != taken.what);
        if self.taken.len() < HELD {
            self.taken.push(taken);
        }
    }

    /// The keysym that an American keyboard has on this key; `None`: xkb has no such keyboard.
    pub fn latin(&self, code: Keycode) -> Option<u32> {
        let keymap = self.latin.get_or_init(|| {
            let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
            xkb::Keymap::new_from_names(&context, "", "", "us", "", None, xkb::KEYMAP_COMPILE_NO_FLAGS)
        });
        keymap.as_ref()?.key_get_syms_by_level(code, 0, 0).first().map(|sym| sym.raw())
    }
}
