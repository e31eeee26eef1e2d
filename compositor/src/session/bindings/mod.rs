//! Events → the session's own bindings: what is taken from clients, and what it performs.
//!
//! ```text
//!  key, button, wheel, swipe, switch ─→ the chords that it may mean ─→ Bindings::find ─┬─ no: the client's
//!                                                                                      └─ yes: taken, due
//!  a key whose press was taken is released: taken, whatever is bound meanwhile
//!  a key whose press the client had is released: the client's, whatever is bound meanwhile
//! ```
//!
//! What is due is performed after the event, when the keyboard is not in use. The table of bindings is
//! the configuration's; nothing here knows what an action does.

mod gestures;
mod inhibit;
pub(in crate::session) mod keys;
mod pointer;

use smithay::input::keyboard::ModifiersState;

use crate::{
    actions::action::{Action, Walk},
    config::bindings::{Chord, Mods, Situation, set::Hit},
    session::{Syncline, parts::keys::Due},
};

/// The modifiers that count in chords.
fn mods_of(modifiers: &ModifiersState) -> Mods {
    let ModifiersState { ctrl, alt, shift, logo, iso_level3_shift: level3, .. } = *modifiers;
    Mods { logo, ctrl, alt, shift, level3 }
}

impl Syncline {
    fn situation(&self) -> Situation {
        Situation { locked: self.is_locked(), inhibited: self.are_shortcuts_inhibited() }
    }

    /// The modifiers that are down.
    fn mods(&self) -> Mods {
        self.seat.get_keyboard().map(|keyboard| mods_of(&keyboard.modifier_state())).unwrap_or_default()
    }

    /// What the first of these chords that is bound performs, in this mode and situation.
    fn bound(&self, chords: impl IntoIterator<Item = Chord>) -> Option<Hit> {
        self.config.bindings.find(&self.keys.mode, chords, self.situation())
    }

    /// The actions of a chord are due, as soon as the event is handled.
    fn due(&mut self, hit: &Hit, on_release: bool) {
        let situation = self.situation();
        self.keys.due.push(Due { entries: hit.entries.clone(), on_release, situation, mods: hit.chord.mods });
    }

    /// Performs what is due.
    pub(super) fn perform_due(&mut self) {
        for due in std::mem::take(&mut self.keys.due) {
            for entry in due.entries.iter() {
                if entry.on_release != due.on_release || !entry.is_allowed(due.situation) {
                    continue;
                }
                if let Action::SwitchWindow(Walk::Next | Walk::Previous) = entry.action {
                    // Shift is for the direction: it may come and go.
                    self.keys.walk = Some(Mods { shift: false, ..due.mods }).filter(|mods| *mods != Mods::NONE);
                }
                self.perform_bound(&entry.action, &entry.text);
            }
        }
    }

    fn perform_bound(&mut self, action: &Action, text: &str) {
        self.panels_used();
        if let Err(why) = self.perform(action) {
            tracing::warn!("{text}: {why}");
        }
    }

    /// The walk of `switch-window` is done once a modifier that belongs to it is up.
    pub(super) fn end_walk(&mut self) {
        self.end_walk_with(self.mods());
    }

    /// The same on a keyboard where these modifiers are down.
    pub(super) fn end_walk_of(&mut self, modifiers: &ModifiersState) {
        self.end_walk_with(mods_of(modifiers));
    }

    fn end_walk_with(&mut self, mods: Mods) {
        if self.keys.walk.take_if(|walk| !walk.are_among(mods)).is_some() {
            self.perform_bound(&Action::SwitchWindow(Walk::Done), "switch-window done");
        }
    }

    /// The session loses its input devices for a while: nothing is held any more.
    pub(super) fn let_go(&mut self) {
        self.keys.repeat = None;
        self.keys.tap = None;
        self.keys.swipe = None;
        self.keys.wheel = [0.0; 2];
        self.let_go_pens();
        self.drop_bar_press();
        self.bars.forget();
        if self.keys.walk.take().is_some() {
            self.perform_bound(&Action::SwitchWindow(Walk::Done), "switch-window done");
        }
    }
}
