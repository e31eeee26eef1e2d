//! The keyboard of an input method: it gets the keys that no binding takes, instead of the client with the focus.
//!
//! A key is whose its press was: the client's, if it went down before the grab; the input method's, whatever
//! becomes of that. So a client never hears of the release of a key that it has not seen pressed. When the grab
//! ends, the client with the focus is told which modifiers are down.

use protocols::reexports::input_method::grab::ZwpInputMethodKeyboardGrabV2;
use smithay::{
    input::keyboard::{Keycode, KeymapFile, ModifiersState, SerializedMods},
    reexports::wayland_server::{
        Client, Resource,
        protocol::wl_keyboard::{KeyState, KeymapFormat},
    },
    utils::SERIAL_COUNTER,
};

use crate::session::{Syncline, parts::virtual_devices::KEYS};

/// Tells an input method a keymap.
fn tell_keymap(grab: &ZwpInputMethodKeyboardGrabV2, keymap: &KeymapFile) {
    // As for old keyboards, which may map it for writing.
    let told = keymap.with_fd(false, |fd, size| grab.keymap(KeymapFormat::XkbV1, fd, size as u32));
    if let Err(error) = told {
        tracing::warn!("an input method is told no keymap: {error}");
    }
}

/// Tells an input method what is down.
pub(in crate::session) fn tell_modifiers(grab: &ZwpInputMethodKeyboardGrabV2, mods: SerializedMods) {
    let SerializedMods { depressed, latched, locked, layout_effective: group } = mods;
    grab.modifiers(SERIAL_COUNTER.next_serial().into(), depressed, latched, locked, group);
}

impl Syncline {
    pub(super) fn begin_keyboard_grab(&mut self, grab: &ZwpInputMethodKeyboardGrabV2) {
        let (rate, delay) = (self.config.keyboard.repeat_rate, self.config.keyboard.repeat_delay);
        grab.repeat_info(rate.max(0), delay.max(0));
        self.tell_grab_own_keymap(grab);
    }

    /// Tells the input method the seat's keymap, and what is down there.
    fn tell_grab_own_keymap(&mut self, grab: &ZwpInputMethodKeyboardGrabV2) {
        if let Some(own) = self.own_keymap() {
            tell_keymap(grab, own);
        }
        let mods = self.seat.get_keyboard().map(|keyboard| keyboard.modifier_state().serialized).unwrap_or_default();
        tell_modifiers(grab, mods);
        (self.grabbed.keymap, self.grabbed.mods) = (None, mods);
    }

    pub(super) fn end_keyboard_grab(&mut self) {
        // The client with the focus knows nothing of what was pressed meanwhile.
        self.grabbed.ended = true;
        self.grabbed.orphans = std::mem::take(&mut self.grabbed.keys);
    }

    /// The grab, if it gets keys now: while the session is locked only those for the lock's text.
    fn keyboard_grab(&self) -> Option<ZwpInputMethodKeyboardGrabV2> {
        let methods = &self.globals.input_methods;
        methods.grab().filter(|grab| grab.is_alive() && (!self.is_locked() || methods.is_active())).cloned()
    }

    /// The grab, for keys of a virtual keyboard of this client: an input method passes on with one what it does not
    /// want.
    pub(in crate::session) fn grab_for(&self, client: Option<&Client>) -> Option<ZwpInputMethodKeyboardGrabV2> {
        self.keyboard_grab().filter(|grab| grab.client().as_ref() != client)
    }

    /// Whether a key of the seat is the input method's, unless a binding takes it. A client that has the keymap of a
    /// virtual keyboard, by which the input method may pass keys on, keeps it then.
    pub(in crate::session) fn is_for_input_method(&self, key: Keycode, pressed: bool) -> bool {
        match pressed {
            true => self.keyboard_grab().is_some(),
            false => self.grabbed.keys.contains(&key) || self.grabbed.orphans.contains(&key),
        }
    }

    /// A key of the seat is pressed or released, which no binding takes. Whether it is the input method's.
    pub(in crate::session) fn input_method_takes(
        &mut self,
        mods: &ModifiersState,
        key: Keycode,
        pressed: bool,
    ) -> bool {
        if let Some(at) = self.grabbed.orphans.iter().position(|held| *held == key) {
            self.grabbed.orphans.swap_remove(at);
            if !pressed {
                return true;
            }
        }
        let held = self.grabbed.keys.iter().position(|held| *held == key);
        // It hears of each release, also while the session is locked.
        let grab = if held.is_some() { self.globals.input_methods.grab().cloned() } else { self.keyboard_grab() };
        match (pressed, held) {
            (true, None) if grab.is_some() && self.grabbed.keys.len() < KEYS => self.grabbed.keys.push(key),
            (true, None) => return false,
            (true, Some(_)) => {}
            (false, Some(at)) => drop(self.grabbed.keys.swap_remove(at)),
            // The client's; but what is down now is told.
            (false, None) => {
                self.tell_grab_modifiers(mods.serialized);
                return false;
            }
        }
        if let Some(grab) = grab {
            let state = if pressed { KeyState::Pressed } else { KeyState::Released };
            if self.grabbed.keymap.is_some() {
                // What was down before the key is told with it; what is now, after it.
                self.tell_grab_own_keymap_again(&grab);
            }
            grab.key(SERIAL_COUNTER.next_serial().into(), self.millis(), key.raw().saturating_sub(8), state);
            self.tell_grab_modifiers(mods.serialized);
        }
        true
    }

    /// The same as [`Syncline::tell_grab_own_keymap`], for when the modifiers are told afterwards.
    fn tell_grab_own_keymap_again(&mut self, grab: &ZwpInputMethodKeyboardGrabV2) {
        if let Some(own) = self.own_keymap() {
            tell_keymap(grab, own);
        }
        let mods = self.grabbed.mods;
        tell_modifiers(grab, mods);
        self.grabbed.keymap = None;
    }

    /// Tells the input method which modifiers are down on the seat's keyboard, unless it knows, or has another
    /// keyboard's keymap.
    fn tell_grab_modifiers(&mut self, mods: SerializedMods) {
        if self.grabbed.keymap.is_some() || self.grabbed.mods == mods {
            return;
        }
        if let Some(grab) = self.keyboard_grab() {
            tell_modifiers(&grab, mods);
            self.grabbed.mods = mods;
        }
    }

    /// Tells the input method the keymap of a virtual keyboard with this number and what is down there, unless it
    /// has it. Whether it was told.
    pub(in crate::session) fn tell_grab_keymap_of(&mut self, grab: &ZwpInputMethodKeyboardGrabV2, at: usize) -> bool {
        let Some(typing) = &self.virtual_keyboards.list[at].typing else { return false };
        if self.grabbed.keymap == Some(typing.number) {
            return false;
        }
        tell_keymap(grab, &typing.file);
        tell_modifiers(grab, typing.mods.serialized);
        self.grabbed.keymap = Some(typing.number);
        true
    }

    /// After a batch: what an input method with the keyboard has to know, and who has to know that it has it no
    /// more.
    pub(in crate::session) fn refresh_keyboard_grab(&mut self) {
        if std::mem::take(&mut self.grabbed.ended) {
            self.grabbed.keymap = None;
            self.tell_focus_modifiers();
        }
        let stale = std::mem::take(&mut self.grabbed.keymap_stale);
        let Some(grab) = self.keyboard_grab() else { return };
        if stale {
            let (rate, delay) = (self.config.keyboard.repeat_rate, self.config.keyboard.repeat_delay);
            grab.repeat_info(rate.max(0), delay.max(0));
            self.tell_grab_own_keymap(&grab);
        }
        let mods = self.seat.get_keyboard().map(|keyboard| keyboard.modifier_state().serialized).unwrap_or_default();
        self.tell_grab_modifiers(mods);
    }
}
