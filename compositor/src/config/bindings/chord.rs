//! A chord: what is pressed, and with which modifiers. How keysyms are made comparable.

use std::fmt;

use smithay::input::keyboard::{Keysym, keysyms, xkb};

use crate::{actions::action::Direction, config::bindings::key_names};

/// The modifiers that count. Caps Lock and Num Lock do not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mods {
    pub logo: bool,
    pub ctrl: bool,
    pub alt: bool,
    pub shift: bool,
    /// AltGr.
    pub level3: bool,
}

impl Mods {
    pub const NONE: Self = Self { logo: false, ctrl: false, alt: false, shift: false, level3: false };

    /// Without those that choose the level of a key.
    pub fn without_levels(self) -> Self {
        Self { shift: false, level3: false, ..self }
    }

    /// Whether all of these are among `others`.
    pub fn are_among(self, others: Self) -> bool {
        let fits = |ours: bool, theirs: bool| !ours || theirs;
        fits(self.logo, others.logo)
            && fits(self.ctrl, others.ctrl)
            && fits(self.alt, others.alt)
            && fits(self.shift, others.shift)
            && fits(self.level3, others.level3)
    }

    /// Without the modifier that this key is itself.
    pub fn without_key(self, keysym: u32) -> Self {
        use keysyms as k;
        match keysym {
            k::KEY_Super_L | k::KEY_Super_R | k::KEY_Hyper_L | k::KEY_Hyper_R => Self { logo: false, ..self },
            k::KEY_Control_L | k::KEY_Control_R => Self { ctrl: false, ..self },
            k::KEY_Alt_L | k::KEY_Alt_R | k::KEY_Meta_L | k::KEY_Meta_R => Self { alt: false, ..self },
            k::KEY_Shift_L | k::KEY_Shift_R => Self { shift: false, ..self },
            k::KEY_ISO_Level3_Shift => Self { level3: false, ..self },
            _ => self,
        }
    }
}

/// What is pressed, turned or moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// A key by its symbol, as [`normal`] has it.
    Keysym(u32),
    /// A key by its number as xkb counts: 8 more than the kernel.
    Code(u32),
    /// A button by the kernel's number.
    Button(u32),
    /// A step of the wheel.
    Wheel(Direction),
    /// So many fingers move on the touchpad.
    Swipe(u32, Direction),
    Switch(Toggle),
}

/// What a switch of the machine has changed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Toggle {
    LidClose,
    LidOpen,
    TabletOn,
    TabletOff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    pub mods: Mods,
    pub trigger: Trigger,
}

/// Whether a key is a modifier.
pub fn is_modifier(keysym: u32) -> bool {
    Keysym::new(keysym).is_modifier_key()
}

/// The keysym by which keys are compared: letters are small, and a key of the keypad is its digit
/// whatever Num Lock says.
pub fn normal(keysym: u32) -> u32 {
    use keysyms as k;
    match keysym {
        k::KEY_A..=k::KEY_Z => keysym + (k::KEY_a - k::KEY_A),
        k::KEY_KP_Insert => k::KEY_KP_0,
        k::KEY_KP_End => k::KEY_KP_1,
        k::KEY_KP_Down => k::KEY_KP_2,
        k::KEY_KP_Next => k::KEY_KP_3,
        k::KEY_KP_Left => k::KEY_KP_4,
        k::KEY_KP_Begin => k::KEY_KP_5,
        k::KEY_KP_Right => k::KEY_KP_6,
        k::KEY_KP_Home => k::KEY_KP_7,
        k::KEY_KP_Up => k::KEY_KP_8,
        k::KEY_KP_Prior => k::KEY_KP_9,
        k::KEY_KP_Delete | k::KEY_KP_Separator => k::KEY_KP_Decimal,
        other => other,
    }
}

/// Whether a keysym is a letter of ASCII: it is compared without levels only, so that Shift counts.
pub fn is_letter(keysym: u32) -> bool {
    (keysyms::KEY_a..=keysyms::KEY_z).contains(&normal(keysym))
}

/// Whether the keyboard's layout makes the keysym of Ctrl+Alt and a key: these modifiers are part of it.
pub fn is_of_ctrl_alt(keysym: u32) -> bool {
    (keysyms::KEY_XF86Switch_VT_1..=0x1008_feff).contains(&keysym) || keysym == keysyms::KEY_Terminate_Server
}

pub(super) const BUTTONS: [(&str, u32); 8] = [
    ("left", 0x110),
    ("right", 0x111),
    ("middle", 0x112),
    ("side", 0x113),
    ("extra", 0x114),
    ("forward", 0x115),
    ("back", 0x116),
    ("task", 0x117),
];

pub(super) const DIRECTIONS: [(&str, Direction); 4] =
    [("left", Direction::Left), ("right", Direction::Right), ("up", Direction::Up), ("down", Direction::Down)];

pub(super) const TOGGLES: [(&str, Toggle); 4] = [
    ("lid-close", Toggle::LidClose),
    ("lid-open", Toggle::LidOpen),
    ("tablet-on", Toggle::TabletOn),
    ("tablet-off", Toggle::TabletOff),
];

/// The word for a value of a list.
fn word<T: PartialEq>(list: &[(&'static str, T)], value: &T) -> &'static str {
    list.iter().find(|(_, known)| known == value).map_or("", |(word, _)| word)
}

impl fmt::Display for Mods {
    /// With a plus behind each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (self.logo, "Super+"),
            (self.ctrl, "Ctrl+"),
            (self.alt, "Alt+"),
            (self.shift, "Shift+"),
            (self.level3, "AltGr+"),
        ];
        names.iter().filter(|(is, _)| *is).try_for_each(|(_, name)| f.write_str(name))
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keysym(sym) => f.write_str(&xkb::keysym_get_name(Keysym::new(*sym))),
            Self::Code(code) => match key_names::name(*code) {
                Some(name) => write!(f, "KEY_{name}"),
                None => write!(f, "code:{code}"),
            },
            Self::Button(code) => match word(&BUTTONS, code) {
                "" => write!(f, "button-{code}"),
                name => write!(f, "button-{name}"),
            },
            Self::Wheel(direction) => write!(f, "wheel-{}", word(&DIRECTIONS, direction)),
            Self::Swipe(fingers, direction) => write!(f, "swipe-{fingers}-{}", word(&DIRECTIONS, direction)),
            Self::Switch(toggle) => f.write_str(word(&TOGGLES, toggle)),
        }
    }
}

impl fmt::Display for Chord {
    /// As it is written in the configuration.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.mods, self.trigger)
    }
}
