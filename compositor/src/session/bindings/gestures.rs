//! Swipes on the touchpad, and the switches of the machine.

use smithay::backend::input::{
    GestureBeginEvent, GestureEndEvent, GestureSwipeUpdateEvent, InputBackend, Switch, SwitchState, SwitchToggleEvent,
};

use crate::{
    actions::action::Direction,
    config::bindings::{Chord, Mods, Toggle, Trigger},
    session::{Syncline, parts::keys::Swipe},
};

/// How far fingers move until it is a swipe, as libinput counts: pixels of an ordinary mouse.
const DISTANCE: f64 = 100.0;

impl Syncline {
    /// A swipe of so many fingers is the session's own if any of its directions is bound, else the client's.
    pub fn swipe_begin<B: InputBackend>(&mut self, event: &impl GestureBeginEvent<B>) {
        self.keys.tap = None;
        let fingers = event.fingers();
        let directions = [Direction::Left, Direction::Right, Direction::Up, Direction::Down];
        let chord = |direction| Chord { mods: self.mods(), trigger: Trigger::Swipe(fingers, direction) };
        let bound = self.bound(directions.map(chord));
        self.keys.swipe = bound.map(|_| Swipe { fingers, x: 0.0, y: 0.0, done: false });
        if self.keys.swipe.is_none() {
            self.client_swipe_begin(event);
        }
    }

    /// The fingers move. The action is performed as soon as they have gone far enough, once.
    pub fn swipe_update<B: InputBackend>(&mut self, event: &impl GestureSwipeUpdateEvent<B>) {
        let Some(swipe) = &mut self.keys.swipe else { return self.client_swipe_update(event) };
        if swipe.done {
            return;
        }
        swipe.x += event.delta_x();
        swipe.y += event.delta_y();
        let direction = match (swipe.x.abs() >= swipe.y.abs(), swipe.x > 0.0, swipe.y > 0.0) {
            (true, false, _) => Direction::Left,
            (true, true, _) => Direction::Right,
            (false, _, false) => Direction::Up,
            (false, _, true) => Direction::Down,
        };
        if swipe.x.hypot(swipe.y) < DISTANCE {
            return;
        }
        swipe.done = true;
        let trigger = Trigger::Swipe(swipe.fingers, direction);
        if let Some(hit) = self.bound([Chord { mods: self.mods(), trigger }]) {
            self.due(&hit, false);
        }
    }

    pub fn swipe_end<B: InputBackend>(&mut self, event: &impl GestureEndEvent<B>) {
        if self.keys.swipe.take().is_none() {
            self.client_swipe_end(event);
        }
    }

    /// The lid was closed or opened, or the machine became a tablet or no tablet.
    pub fn switched<B: InputBackend>(&mut self, event: &impl SwitchToggleEvent<B>) {
        let toggle = match (event.switch(), event.state()) {
            (Some(Switch::Lid), SwitchState::On) => Toggle::LidClose,
            (Some(Switch::Lid), SwitchState::Off) => Toggle::LidOpen,
            (Some(Switch::TabletMode), SwitchState::On) => Toggle::TabletOn,
            (Some(Switch::TabletMode), SwitchState::Off) => Toggle::TabletOff,
            _ => return,
        };
        let chord = Chord { mods: Mods::NONE, trigger: Trigger::Switch(toggle) };
        if let Some(hit) = self.bound([chord]) {
            self.due(&hit, false);
        }
    }
}
