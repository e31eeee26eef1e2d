//! Virtual keyboards (`virtual-keyboard`): on-screen keyboards, input methods, programs that type.
//!
//! ```text
//!  key ─→ the session's bindings ─┬─ bound: taken
//!                                 └─ not: the client with the keyboard ─→ first the keymap, if it has another one
//!  a key of the seat's own keyboard ─→ whoever has another keymap gets the seat's again
//! ```
//!
//! A client with a keymap of a virtual keyboard is told nothing of the seat's keyboard without getting its keymap
//! again. Nobody else hears of any of that. Serials of these keys are no events of the user: nothing gets the
//! focus by them.

use protocols::{
    reexports::{input_method::grab::ZwpInputMethodKeyboardGrabV2, virtual_keyboard::object::ZwpVirtualKeyboardV1},
    virtual_keyboard::{Modifiers, VirtualKeyboardHandler},
};
use smithay::{
    input::keyboard::{KeyboardTarget, Keycode, KeymapFile, ModifiersState, SerializedMods, xkb},
    reexports::wayland_server::{
        Resource,
        protocol::{wl_keyboard::KeyState, wl_surface::WlSurface},
    },
    utils::SERIAL_COUNTER,
};

use crate::{
    session::{
        Syncline,
        bindings::keys::KeyOf,
        input_method::grab,
        parts::{
            keys::Held,
            virtual_devices::{KEYS, Typing, VirtualKeyboard, Went},
        },
        virtual_devices::keymap,
    },
    surface::turn::SHARE,
};

/// The highest number of a key that a keymap has, without the 8 by which xkb counts.
const HIGHEST: u32 = 4095 - 8;

impl VirtualKeyboardHandler for Syncline {
    fn virtual_keyboard_came(&mut self, object: &ZwpVirtualKeyboardV1) {
        let number = self.virtual_keyboards.number();
        let keyboard = VirtualKeyboard { object: object.clone(), number, typing: None, held: Default::default() };
        self.virtual_keyboards.list.push(keyboard);
    }

    fn virtual_keymap(&mut self, object: &ZwpVirtualKeyboardV1, text: &str) -> Result<(), String> {
        // Some milliseconds: the client's turn is over.
        self.turns.count(SHARE);
        let made = keymap::compile(text)?;
        let keyboards = &mut self.virtual_keyboards;
        let number = keyboards.number();
        if let Some(keyboard) = keyboards.list.iter_mut().find(|keyboard| keyboard.object == *object) {
            let mods = ModifiersState::default();
            keyboard.typing = Some(Typing { file: made.file, state: made.state, mods, number });
        }
        Ok(())
    }

    fn virtual_key(&mut self, object: &ZwpVirtualKeyboardV1, code: u32, pressed: bool) -> bool {
        let Some(at) = self.virtual_keyboard(object) else { return false };
        let keyboard = &mut self.virtual_keyboards.list[at];
        let (number, down) = (keyboard.number, keyboard.held.iter().position(|(held, _)| *held == code));
        // As with buttons: keys go down and up in turns.
        let went = match (pressed, down) {
            (true, None) if keyboard.held.len() < KEYS && code <= HIGHEST => None,
            (false, Some(at)) => Some(keyboard.held.swap_remove(at).1),
            _ => return true,
        };
        self.note_activity(pressed);
        self.tell_held_motion();
        match went {
            Some(went) => self.virtual_release(Some(at), (number, code), &went),
            None => {
                let went = self.virtual_press(at, number, code);
                self.virtual_keyboards.list[at].held.push((code, went));
            }
        }
        self.perform_due();
        true
    }

    fn virtual_modifiers(&mut self, object: &ZwpVirtualKeyboardV1, modifiers: Modifiers) -> bool {
        let Some(at) = self.virtual_keyboard(object) else { return false };
        let Some(typing) = &mut self.virtual_keyboards.list[at].typing else { return false };
        let Modifiers { depressed, latched, locked, group } = modifiers;
        typing.state.update_mask(depressed, latched, locked, 0, 0, group);
        typing.mods.update_with(&typing.state);
        let mods = typing.mods;
        if let Some(grab) = self.grab_for(object.client().as_ref()) {
            if !self.tell_grab_keymap_of(&grab, at) {
                grab::tell_modifiers(&grab, mods.serialized);
            }
        } else if let Some(focus) = self.keys.focus.clone()
            && !self.tell_keymap(at, &focus)
        {
            self.tell_modifiers(&focus, mods.serialized);
        }
        self.end_walk_of(&mods);
        true
    }

    fn virtual_keyboard_went(&mut self, object: &ZwpVirtualKeyboardV1) {
        let keyboards = &mut self.virtual_keyboards;
        let Some(at) = keyboards.list.iter().position(|keyboard| keyboard.object == *object) else { return };
        let gone = keyboards.list.swap_remove(at);
        self.left_held.keys.extend(gone.held.into_iter().map(|(code, went)| (gone.number, code, went)));
        self.left_held.keymap |= keyboards.has_told_of_gone();
    }
}

impl Syncline {
    /// The place in the list of a keyboard that has a keymap.
    fn virtual_keyboard(&self, object: &ZwpVirtualKeyboardV1) -> Option<usize> {
        let has = |keyboard: &VirtualKeyboard| keyboard.object == *object && keyboard.typing.is_some();
        self.virtual_keyboards.list.iter().position(has)
    }

    fn virtual_press(&mut self, at: usize, number: u32, code: u32) -> Went {
        let Some(typing) = &self.virtual_keyboards.list[at].typing else { return Went::Nobody };
        let (state, mods, keycode) = (typing.state.clone(), typing.mods, Keycode::from(code + 8));
        if self.takes(Held::VirtualKey(number, keycode), &mods, &KeyOf(&state, keycode), true) {
            return Went::Taken;
        }
        let client = self.virtual_keyboards.list[at].object.client();
        if let Some(grab) = self.grab_for(client.as_ref()) {
            self.tell_grab_keymap_of(&grab, at);
            self.tell_grab_key(&grab, code, KeyState::Pressed);
            return Went::Grab(grab);
        }
        let Some(focus) = self.keys.focus.clone().filter(Resource::is_alive) else { return Went::Nobody };
        self.tell_keymap(at, &focus);
        self.tell_key(&focus, code, KeyState::Pressed);
        Went::Surface(focus)
    }

    /// A key is released that went there when it was pressed. `at`: its keyboard, if it is still there.
    pub(super) fn virtual_release(&mut self, at: Option<usize>, (number, code): (u32, u32), went: &Went) {
        let keycode = Keycode::from(code + 8);
        if let Some(typing) = at.and_then(|at| self.virtual_keyboards.list[at].typing.as_ref()) {
            let (state, mods) = (typing.state.clone(), typing.mods);
            self.takes(Held::VirtualKey(number, keycode), &mods, &KeyOf(&state, keycode), false);
        } else {
            self.released(Held::VirtualKey(number, keycode));
        }
        let surface = match went {
            Went::Surface(surface) => surface,
            Went::Grab(grab) if self.globals.input_methods.grab() == Some(grab) => {
                if let Some(at) = at {
                    self.tell_grab_keymap_of(grab, at);
                }
                return self.tell_grab_key(grab, code, KeyState::Released);
            }
            _ => return,
        };
        // A client that has lost the keyboard takes all keys for released.
        if self.keys.focus.as_ref() == Some(surface) && surface.is_alive() {
            if let Some(at) = at {
                self.tell_keymap(at, surface);
            }
            self.tell_key(surface, code, KeyState::Released);
        }
    }

    fn tell_grab_key(&self, grab: &ZwpInputMethodKeyboardGrabV2, code: u32, state: KeyState) {
        grab.key(SERIAL_COUNTER.next_serial().into(), self.millis(), code, state);
    }

    /// A key, for the keyboards of a surface's client.
    fn tell_key(&self, surface: &WlSurface, code: u32, state: KeyState) {
        let (Some(keyboard), Some(client)) = (self.seat.get_keyboard(), surface.client()) else { return };
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.millis());
        keyboard.client_keyboards(&client).for_each(|keyboard| keyboard.key(serial.into(), time, code, state));
    }

    fn tell_modifiers(&self, surface: &WlSurface, mods: SerializedMods) {
        let (Some(keyboard), Some(client)) = (self.seat.get_keyboard(), surface.client()) else { return };
        let serial = SERIAL_COUNTER.next_serial();
        let SerializedMods { depressed, latched, locked, layout_effective: group } = mods;
        for keyboard in keyboard.client_keyboards(&client) {
            keyboard.modifiers(serial.into(), depressed, latched, locked, group);
        }
    }

    /// Sees to it that a surface's client has the keymap of a virtual keyboard. Whether it was told, and of the
    /// modifiers with it.
    fn tell_keymap(&mut self, at: usize, surface: &WlSurface) -> bool {
        let (Some(keyboard), Some(client)) = (self.seat.get_keyboard(), surface.client()) else { return false };
        let keyboards = &mut self.virtual_keyboards;
        let Some(typing) = &keyboards.list[at].typing else { return false };
        let told = &mut keyboards.told;
        told.retain(|(keyboard, _)| keyboard.is_alive());
        let mut news = false;
        for keyboard in keyboard.client_keyboards(&client) {
            let has = told.iter_mut().find(|(other, _)| *other == keyboard);
            if has.as_ref().is_some_and(|(_, has)| *has == typing.number) {
                continue;
            }
            if let Err(error) = typing.file.send(&keyboard) {
                tracing::warn!("the keymap of a virtual keyboard cannot be passed on: {error}");
                continue;
            }
            news = true;
            match has {
                Some((_, has)) => *has = typing.number,
                None => told.push((keyboard, typing.number)),
            }
        }
        let mods = typing.mods.serialized;
        if news {
            self.tell_modifiers(surface, mods);
        }
        news
    }

    /// Whoever has the keymap of a virtual keyboard gets the seat's again, and the client with the keyboard hears
    /// what is down there. To be called before a client is told of the seat's keyboard.
    pub(in crate::session) fn restore_keymaps(&mut self) {
        if self.virtual_keyboards.told.is_empty() {
            return;
        }
        self.make_own_keymap();
        let keyboards = &mut self.virtual_keyboards;
        let Some(own) = &keyboards.own else { return };
        for (keyboard, _) in keyboards.told.drain(..).filter(|(keyboard, _)| keyboard.is_alive()) {
            if let Err(error) = own.send(&keyboard) {
                tracing::warn!("a client keeps the keymap of a virtual keyboard: {error}");
            }
        }
        self.tell_focus_modifiers();
    }

    /// Tells the client with the keyboard what is down on the seat's.
    pub(in crate::session) fn tell_focus_modifiers(&mut self) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        if let Some(focus) = keyboard.current_focus() {
            let (seat, mods) = (self.seat.clone(), keyboard.modifier_state());
            KeyboardTarget::modifiers(&focus, &seat, self, mods, SERIAL_COUNTER.next_serial());
        }
    }

    /// The seat's keymap. The seat has it, too, but does not give it away.
    pub(in crate::session) fn own_keymap(&mut self) -> Option<&KeymapFile> {
        self.make_own_keymap();
        self.virtual_keyboards.own.as_ref()
    }

    fn make_own_keymap(&mut self) {
        if self.virtual_keyboards.own.is_some() {
            return;
        }
        let names = self.config.keyboard.xkb();
        let (context, flags) = (xkb::Context::new(xkb::CONTEXT_NO_FLAGS), xkb::KEYMAP_COMPILE_NO_FLAGS);
        let (rules, model, options) = (names.rules, names.model, names.options.clone());
        let keymap = xkb::Keymap::new_from_names(&context, rules, model, names.layout, names.variant, options, flags);
        self.virtual_keyboards.own = keymap.as_ref().map(KeymapFile::new);
    }

    /// The seat's keymap is another one.
    pub(in crate::session) fn forget_own_keymap(&mut self) {
        self.virtual_keyboards.own = None;
        self.grabbed.keymap_stale = true;
    }
}
