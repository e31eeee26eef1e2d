//! Chords from text: `Super+Shift+Return`, `Ctrl+KEY_Q`, `code:38`, `Super+button-left`, `swipe-3-left`.

use smithay::input::keyboard::{keysyms, xkb};

use crate::{
    actions::spelling::{listed, nearest},
    config::bindings::{
        chord::{BUTTONS, Chord, DIRECTIONS, Mods, TOGGLES, Trigger, normal},
        key_names,
    },
};

/// The highest number of a key as xkb counts (KEY_MAX of the kernel, and 8).
const LAST_CODE: u32 = 0x2ff + 8;

impl Chord {
    /// Reads a chord. Errors: one line for the user.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a chord names a key, a button or a gesture".to_owned());
        }
        if text.chars().any(|c| c.is_control() || c == ' ') {
            return Err(format!("`{}` is no chord: it has a space", text.replace(char::is_control, "\u{fffd}")));
        }
        let (modifiers, key) = match text.strip_suffix('+').and_then(|text| text.strip_suffix('+')) {
            // `Super++` and `++` alone are the key plus.
            Some(before) => (before, "plus"),
            None if text == "+" => ("", "plus"),
            None => text.rsplit_once('+').unwrap_or(("", text)),
        };
        if key.is_empty() {
            return Err(format!("`{text}` has no key behind the last plus; the key itself is called `plus`"));
        }
        let mut mods = Mods::NONE;
        for name in modifiers.split('+').filter(|_| !modifiers.is_empty()) {
            let (was, what) = match modifier(&mut mods, name) {
                Some(modifier) => (std::mem::replace(modifier, true), name),
                None => {
                    let names = ["Super", "Ctrl", "Alt", "Shift", "AltGr"];
                    let meant =
                        nearest(name, names).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
                    return Err(format!("`{name}` is not a modifier; write {}{meant}", listed(names)));
                }
            };
            if was {
                return Err(format!("`{what}` is in `{text}` twice"));
            }
        }
        let trigger = trigger(key)?;
        if matches!(trigger, Trigger::Switch(_)) && mods != Mods::NONE {
            return Err(format!("`{key}` has no modifiers"));
        }
        Ok(Self { mods, trigger })
    }
}

fn modifier<'a>(mods: &'a mut Mods, name: &str) -> Option<&'a mut bool> {
    Some(match name.to_ascii_lowercase().as_str() {
        "super" | "logo" | "win" | "mod4" => &mut mods.logo,
        "ctrl" | "control" => &mut mods.ctrl,
        "alt" | "mod1" => &mut mods.alt,
        "shift" => &mut mods.shift,
        "altgr" | "mod5" | "iso_level3_shift" => &mut mods.level3,
        _ => return None,
    })
}

fn trigger(key: &str) -> Result<Trigger, String> {
    if let Some((_, toggle)) = TOGGLES.iter().find(|(name, _)| *name == key) {
        return Ok(Trigger::Switch(*toggle));
    }
    if let Some(name) = key.strip_prefix("button-") {
        let known = BUTTONS.iter().find(|(known, _)| *known == name).map(|(_, code)| *code);
        let code = known.or_else(|| name.parse().ok().filter(|code| (0x100..=0x2ff).contains(code)));
        return code.map(Trigger::Button).ok_or_else(|| {
            let names = listed(BUTTONS.iter().map(|(name, _)| *name));
            format!("`{key}` is not a button; write `button-` and {names}, or the kernel's number from 256 on")
        });
    }
    let direction = |name: &str| DIRECTIONS.iter().find(|(known, _)| *known == name).map(|(_, direction)| *direction);
    if let Some(name) = key.strip_prefix("wheel-") {
        let wrong = || format!("`{key}` is no turn of the wheel; write `wheel-up`, `-down`, `-left` or `-right`");
        return direction(name).map(Trigger::Wheel).ok_or_else(wrong);
    }
    if let Some(rest) = key.strip_prefix("swipe-") {
        let parts = rest.split_once('-');
        let swipe = parts.and_then(|(fingers, name)| {
            let fingers = fingers.parse().ok().filter(|fingers| (3..=5).contains(fingers))?;
            Some(Trigger::Swipe(fingers, direction(name)?))
        });
        return swipe.ok_or_else(|| {
            format!("`{key}` is not a swipe; write for example `swipe-3-left`: 3 to 5 fingers, `left`, `right`, `up` or `down`")
        });
    }
    if let Some(number) = key.strip_prefix("code:") {
        let code = number.parse().ok().filter(|code| (8..=LAST_CODE).contains(code));
        let wrong = || format!("`{key}` is not a key; write a number from 8 to {LAST_CODE} as wev or xev shows it");
        return code.map(Trigger::Code).ok_or_else(wrong);
    }
    if let Some(name) = key.strip_prefix("KEY_") {
        return key_names::code(name).map(Trigger::Code).ok_or_else(|| {
            let meant = nearest(name, key_names::all());
            let meant = meant.map(|meant| format!("; did you mean `KEY_{meant}`?")).unwrap_or_default();
            format!("the kernel has no key `{key}`{meant}")
        });
    }
    keysym(key).map(Trigger::Keysym)
}

/// Names that people write, and what xkb calls the keys.
const ALIASES: [(&str, &str); 9] = [
    ("Enter", "Return"),
    ("Esc", "Escape"),
    ("PageUp", "Page_Up"),
    ("PageDown", "Page_Down"),
    ("Del", "Delete"),
    ("Ins", "Insert"),
    ("PrintScreen", "Print"),
    ("Backspace", "BackSpace"),
    ("Spacebar", "space"),
];

/// What is written most, for errors.
const COMMON: [&str; 38] = [
    "Return",
    "Escape",
    "Tab",
    "space",
    "BackSpace",
    "Delete",
    "Insert",
    "Home",
    "End",
    "Page_Up",
    "Page_Down",
    "Left",
    "Right",
    "Up",
    "Down",
    "Print",
    "Pause",
    "Menu",
    "comma",
    "period",
    "slash",
    "minus",
    "equal",
    "plus",
    "grave",
    "semicolon",
    "apostrophe",
    "bracketleft",
    "bracketright",
    "backslash",
    "question",
    "exclam",
    "Super_L",
    "XF86AudioRaiseVolume",
    "XF86AudioLowerVolume",
    "XF86AudioMute",
    "XF86MonBrightnessUp",
    "XF86MonBrightnessDown",
];

fn keysym(name: &str) -> Result<u32, String> {
    let mut characters = name.chars();
    let sym = match (characters.next(), characters.next()) {
        (Some(only), None) => xkb::utf32_to_keysym(only.into()),
        _ => {
            let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
            let name = alias.map_or(name, |(_, name)| name);
            match xkb::keysym_from_name(name, xkb::KEYSYM_NO_FLAGS).raw() {
                keysyms::KEY_NoSymbol => xkb::keysym_from_name(name, xkb::KEYSYM_CASE_INSENSITIVE),
                found => found.into(),
            }
        }
    };
    if sym.raw() != keysyms::KEY_NoSymbol {
        return Ok(normal(sym.raw()));
    }
    let meant = match modifier(&mut Mods::default(), name) {
        Some(_) => format!("; `{name}` stands before a key, and the key itself is called `{}`", own_key(name)),
        None => nearest(name, COMMON).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default(),
    };
    Err(format!("there is no key `{name}`{meant}"))
}

/// The key of a modifier.
fn own_key(modifier: &str) -> &'static str {
    match modifier.to_ascii_lowercase().as_str() {
        "super" | "logo" | "win" | "mod4" => "Super_L",
        "ctrl" | "control" => "Control_L",
        "alt" | "mod1" => "Alt_L",
        "shift" => "Shift_L",
        _ => "ISO_Level3_Shift",
    }
}
