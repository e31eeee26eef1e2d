//! Buttons and the wheel of the mouse, with their modifiers.

use crate::{
    actions::action::Direction,
    config::bindings::{Chord, Trigger},
    session::{
        Syncline,
        parts::keys::{Held, Taken},
    },
};

/// A step of the wheel.
const STEP: f64 = 120.0;
/// The most steps of one event that are performed.
const STEPS: usize = 8;

impl Syncline {
    /// A button is pressed or released. Whether it is taken from the client.
    pub fn takes_button(&mut self, code: u32, pressed: bool) -> bool {
        let what = Held::Button(code);
        if !pressed {
            return self.released(what);
        }
        self.keys.tap = None;
        if self.panel_takes_click(self.pointer_location()) {
            self.keys.take(Taken { what, entries: [].into(), situation: self.situation() });
            return true;
        }
        let Some(hit) = self.bound([Chord { mods: self.mods(), trigger: Trigger::Button(code) }]) else {
            return false;
        };
        self.due(&hit, false);
        let situation = self.situation();
        self.keys.take(Taken { what, entries: hit.entries, situation });
        true
    }

    /// The wheel has turned, horizontally and vertically, in parts of 120. Whether that is taken from the
    /// client. Wheels of high resolution turn by less than a step: an action is performed for each whole
    /// one.
    pub fn takes_wheel(&mut self, turned: [f64; 2]) -> bool {
        self.keys.tap = None;
        let mods = self.mods();
        let mut taken = false;
        for (axis, turned) in turned.into_iter().enumerate() {
            if turned == 0.0 || !turned.is_finite() {
                continue;
            }
            let direction = match (axis, turned > 0.0) {
                (0, false) => Direction::Left,
                (0, true) => Direction::Right,
                (_, false) => Direction::Up,
                (_, true) => Direction::Down,
            };
            let Some(hit) = self.bound([Chord { mods, trigger: Trigger::Wheel(direction) }]) else {
                self.keys.wheel[axis] = 0.0;
                continue;
            };
            taken = true;
            let before = self.keys.wheel[axis];
            // In the other direction a step begins anew.
            let sum = if before * turned < 0.0 { turned } else { before + turned };
            let steps = (sum.abs() / STEP) as usize;
            self.keys.wheel[axis] = sum % STEP;
            (0..steps.min(STEPS)).for_each(|_| self.due(&hit, false));
        }
        taken
    }
}
