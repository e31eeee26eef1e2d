//! Keys: the chords that one may mean, what is taken, what repeats.
//!
//! A key may mean, in this order: its number; its symbol without levels, with all modifiers
//! (`Super+Shift+1`); its symbol as the modifiers make it, without those that did (`Super+exclam`) or
//! with them; and, where the layout has no Latin letter on it, the symbol of the first layout that has,
//! else of an American keyboard. Caps Lock and Num Lock never count.

use fence::Ns;
use smallvec::SmallVec;
use smithay::input::keyboard::{Keycode, KeysymHandle, Layout, ModifiersState, xkb};

use crate::{
    config::bindings::{
        Chord, Mods, Trigger,
        chord::{is_letter, is_modifier, is_of_ctrl_alt, normal},
    },
    session::{
        Syncline,
        bindings::mods_of,
        parts::keys::{Due, Held, Keys, Repeat, Taken},
    },
};

/// A key on a keyboard, as its keymap has it now.
pub(in crate::session) trait Key {
    /// Its number, as xkb counts.
    fn code(&self) -> Keycode;

    /// What it is without modifiers.
    fn raw(&self) -> Option<u32>;

    /// What it is with those that are down.
    fn modified(&self) -> u32;

    /// What it is in the first layout with Latin letters, if the one in use has none. `Err`: no layout has.
    fn latin(&self) -> Result<Option<u32>, ()>;
}

impl Key for KeysymHandle<'_> {
    fn code(&self) -> Keycode {
        self.raw_code()
    }

    fn raw(&self) -> Option<u32> {
        self.raw_syms().first().map(|raw| raw.raw())
    }

    fn modified(&self) -> u32 {
        self.modified_sym().raw()
    }

    fn latin(&self) -> Result<Option<u32>, ()> {
        let Ok(xkb) = self.xkb().lock() else { return Ok(None) };
        let first =
            |code: Keycode, layout: Layout| xkb.raw_syms_for_key_in_layout(code, layout).first().map(|sym| sym.raw());
        let layouts = xkb.layouts().map(|layout| layout.0);
        latin_of(self.raw_code(), xkb.active_layout().0, layouts, |code, layout| first(code, Layout(layout)))
    }
}

/// A key of a keyboard that a client has brought.
pub(in crate::session) struct KeyOf<'a>(pub &'a xkb::State, pub Keycode);

impl Key for KeyOf<'_> {
    fn code(&self) -> Keycode {
        self.1
    }

    fn raw(&self) -> Option<u32> {
        let Self(state, code) = self;
        let layout = state.key_get_layout(*code);
        state.get_keymap().key_get_syms_by_level(*code, layout, 0).first().map(|sym| sym.raw())
    }

    fn modified(&self) -> u32 {
        self.0.key_get_one_sym(self.1).raw()
    }

    fn latin(&self) -> Result<Option<u32>, ()> {
        let Self(state, code) = self;
        let (keymap, active) = (state.get_keymap(), state.serialize_layout(xkb::STATE_LAYOUT_EFFECTIVE));
        let first = |code: Keycode, layout| keymap.key_get_syms_by_level(code, layout, 0).first().map(|sym| sym.raw());
        latin_of(*code, active, 0..keymap.num_layouts(), first)
    }
}

/// The chords that a key may mean, the best first.
fn chords(mods: Mods, key: &impl Key, keys: &Keys) -> SmallVec<[Chord; 8]> {
    let mut chords = SmallVec::new();
    let mut may_be = |mods, trigger| chords.push(Chord { mods, trigger });
    let sym = |sym: u32| Trigger::Keysym(normal(sym));
    may_be(mods, Trigger::Code(key.code().raw()));
    let raw = key.raw();
    if let Some(raw) = raw {
        may_be(mods, sym(raw));
    }
    let modified = key.modified();
    if Some(modified) != raw && !is_letter(modified) {
        may_be(mods.without_levels(), sym(modified));
        may_be(mods, sym(modified));
        if is_of_ctrl_alt(modified) {
            may_be(Mods::NONE, sym(modified));
        }
    }
    // Without a layout with Latin letters: what it has on an American keyboard.
    let latin = key.latin().unwrap_or_else(|()| keys.latin(key.code()));
    if let Some(latin) = latin.filter(|latin| Some(*latin) != raw) {
        may_be(mods, sym(latin));
    }
    chords
}

/// The keys on which layouts have their letters, as xkb counts.
const LETTERS: std::ops::RangeInclusive<u32> = 24..=61;

/// What a key has in the first layout with Latin letters, if the one in use has none. `Err`: no layout has.
fn latin_of(
    code: Keycode,
    active: u32,
    mut layouts: impl Iterator<Item = u32>,
    first: impl Fn(Keycode, u32) -> Option<u32>,
) -> Result<Option<u32>, ()> {
    let is_latin = |layout: u32| LETTERS.into_iter().any(|code| first(code.into(), layout).is_some_and(is_letter));
    if is_latin(active) {
        return Ok(None);
    }
    layouts.find(|layout| is_latin(*layout)).map(|layout| first(code, layout)).ok_or(())
}

impl Syncline {
    /// A key is pressed or released. Whether it is taken from the client.
    pub fn takes_key(&mut self, modifiers: &ModifiersState, key: &KeysymHandle<'_>, pressed: bool) -> bool {
        self.takes(Held::Key(key.raw_code()), modifiers, key, pressed)
    }

    /// The same for a key of any keyboard, which is `what`.
    pub(in crate::session) fn takes(
        &mut self,
        what: Held,
        modifiers: &ModifiersState,
        key: &impl Key,
        pressed: bool,
    ) -> bool {
        let (mods, own) = (mods_of(modifiers), key.modified());
        if is_modifier(own) {
            self.modifier_key(own, mods.without_key(own), pressed);
            return false;
        }
        if !pressed {
            return self.released(what);
        }
        self.keys.tap = None;
        self.keys.repeat = None;
        if self.panel_takes_key(own, mods) {
            self.keys.take(Taken { what, entries: [].into(), situation: self.situation() });
            return true;
        }
        let chords = chords(mods, key, &self.keys);
        let Some(hit) = self.bound(chords) else { return false };
        self.due(&hit, false);
        let situation = self.situation();
        if hit.entries.iter().any(|entry| entry.repeat && entry.is_allowed(situation)) {
            let delay = self.config.keyboard.repeat_delay.max(0) as Ns * 1_000_000;
            self.keys.repeat = self.repeat_period().map(|period| Repeat {
                what,
                entries: hit.entries.clone(),
                at: self.now.saturating_add(delay.max(period)),
            });
        }
        self.keys.take(Taken { what, entries: hit.entries, situation });
        true
    }

    /// A modifier is never taken: the client would not know that it is down. What is bound to its
    /// release is performed if nothing else was pressed meanwhile.
    fn modifier_key(&mut self, keysym: u32, mods: Mods, pressed: bool) {
        let trigger = Trigger::Keysym(normal(keysym));
        if !pressed {
            let mine = self.keys.tap.take_if(|tap| tap.chord.trigger == trigger);
            if let Some(hit) = mine {
                self.due(&hit, true);
            }
            return;
        }
        self.keys.tap = self.bound([Chord { mods, trigger }]);
        if let Some(hit) = self.keys.tap.clone() {
            self.due(&hit, false);
        }
    }

    /// A key or button is released. Whether its press was taken; what is bound to its release is due.
    pub(in crate::session) fn released(&mut self, what: Held) -> bool {
        let Some(Taken { entries, situation, .. }) = self.keys.release(what) else { return false };
        let due = Due { entries, on_release: true, situation, mods: Mods::NONE };
        self.keys.due.push(due);
        true
    }

    /// From one repeat to the next; `None`: keys do not repeat.
    fn repeat_period(&self) -> Option<Ns> {
        let rate = u64::try_from(self.config.keyboard.repeat_rate).ok().filter(|rate| *rate > 0)?;
        Some((1_000_000_000 / rate).max(1_000_000))
    }

    /// When a key that is held performs its action again.
    pub(in crate::session) fn next_repeat(&self) -> Option<Ns> {
        self.keys.repeat.as_ref().map(|repeat| repeat.at)
    }

    /// The timer fired: a key that is held performs its action again, if it is time.
    pub(in crate::session) fn repeat_timer(&mut self) {
        let period = self.repeat_period();
        let situation = self.situation();
        let Some(repeat) = self.keys.repeat.as_mut().filter(|repeat| repeat.at <= self.now) else { return };
        let entries = repeat.entries.clone();
        match period {
            // Of repeats that are late none is made up for.
            Some(period) => repeat.at = (repeat.at + period).max(self.now + 1),
            None => self.keys.repeat = None,
        }
        for entry in entries.iter().filter(|entry| entry.repeat && entry.is_allowed(situation)) {
            self.perform_bound(&entry.action, &entry.text);
        }
    }
}
