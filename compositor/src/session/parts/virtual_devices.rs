//! The keyboards that clients bring, and what devices that they made leave behind.

use protocols::reexports::{
    input_method::grab::ZwpInputMethodKeyboardGrabV2, virtual_keyboard::object::ZwpVirtualKeyboardV1,
};
use smallvec::SmallVec;
use smithay::{
    input::keyboard::{Keycode, KeymapFile, ModifiersState, SerializedMods, xkb},
    reexports::wayland_server::protocol::{wl_keyboard::WlKeyboard, wl_surface::WlSurface},
    utils::{Logical, Point},
};

/// The most keys that a virtual keyboard holds: more than hands do.
pub const KEYS: usize = 64;

/// Where a key went when it was pressed. Its release goes there, too.
#[derive(Debug, Clone, PartialEq)]
pub enum Went {
    /// The session took it.
    Taken,
    /// To the client of this surface.
    Surface(WlSurface),
    /// To the input method.
    Grab(ZwpInputMethodKeyboardGrabV2),
    /// To nobody.
    Nobody,
}

/// A keymap with what is down on its keyboard.
pub struct Typing {
    pub file: KeymapFile,
    pub state: xkb::State,
    pub mods: ModifiersState,
    /// No other keymap has this number.
    pub number: u32,
}

/// A keyboard that a client has brought.
pub struct VirtualKeyboard {
    pub object: ZwpVirtualKeyboardV1,
    /// No other keyboard has this number.
    pub number: u32,
    pub typing: Option<Typing>,
    pub held: SmallVec<[(u32, Went); 8]>,
}

/// All of them.
#[derive(Default)]
pub struct VirtualKeyboards {
    pub list: Vec<VirtualKeyboard>,
    /// The keyboard objects of clients that have another keymap than the seat's, and which.
    pub told: Vec<(WlKeyboard, u32)>,
    /// The seat's own keymap, as those get it back; made when it is needed first.
    pub own: Option<KeymapFile>,
    numbers: u32,
}

impl VirtualKeyboards {
    /// A number that none has.
    pub fn number(&mut self) -> u32 {
        self.numbers = self.numbers.wrapping_add(1);
        self.numbers
    }

    /// Whether a client has a keymap that no keyboard has any more.
    pub fn has_told_of_gone(&self) -> bool {
        let is_there = |number: u32| {
            let mut all = self.list.iter().filter_map(|keyboard| keyboard.typing.as_ref());
            all.any(|typing| typing.number == number)
        };
        self.told.iter().any(|(_, number)| !is_there(*number))
    }
}

/// What has to be let go.
#[derive(Debug, Default)]
pub struct LeftHeld {
    /// Buttons of pointers that are gone.
    pub buttons: Vec<u32>,
    /// Keys of keyboards that are gone: the number of the keyboard, the key, and where it went.
    pub keys: Vec<(u32, u32, Went)>,
    /// A keyboard is gone that had a keymap of its own.
    pub keymap: bool,
}

/// What an input method has of the keyboard, and shows.
#[derive(Debug, Default)]
pub struct Grabbed {
    /// The keys whose press was the input method's. Their release is, too, or nobody's.
    pub keys: SmallVec<[Keycode; 8]>,
    /// Those of an input method that has lost the keyboard: nobody hears of their release.
    pub orphans: SmallVec<[Keycode; 8]>,
    /// What the input method was told is down on the seat's keyboard.
    pub mods: SerializedMods,
    /// The keymap of a virtual keyboard that it has, by its number; `None`: the seat's.
    pub keymap: Option<u32>,
    /// The seat's keymap is another one.
    pub keymap_stale: bool,
    /// It has lost the keyboard: the client with the focus does not know what is down.
    pub ended: bool,
    /// Its popups have changed.
    pub popups_stale: bool,
    /// Empty: the memory of a list.
    pub popups: Vec<(WlSurface, Point<i32, Logical>)>,
}
