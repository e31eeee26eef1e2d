//! What the user does to bars, with the mouse or a finger.
//!
//! ```text
//!  press on a title ─→ the focus ─┬ released: a click; the second of two maximises
//!                                 └ moved by 4 pixels: the window is moved, until the release
//!  press on a button ─ released on it ─→ minimise, maximise, close       press on a tab ─→ it is in front
//! ```
//!
//! What is pressed on a bar is the session's until its release, and so is what is pressed meanwhile: no client
//! hears of any of it. Menus and drags of clients come first. While the session is locked there are no bars.

use smithay::{
    backend::input::TouchSlot,
    utils::{Logical, Point},
};

use crate::{
    desktop::bar::{Bar, Button, Kind, Part},
    session::{
        Syncline,
        parts::bars::{By, Click, Press},
        windows::arrange::point,
    },
    system::id::WindowId,
};

/// The left and the middle button of the mouse (`linux/input-event-codes.h`).
const LEFT: u32 = 0x110;
const MIDDLE: u32 = 0x112;
/// How far a press must move to be more than a click, in logical pixels.
const PULL: f64 = 4.0;
/// How long, and how far, the second click may be from the first one.
const DOUBLE: (u32, f64) = (400, 8.0);
/// A step of the wheel.
const STEP: f64 = 120.0;

impl By {
    /// By what people mean something with the thing itself.
    fn is_main(self) -> bool {
        matches!(self, Self::Finger(_) | Self::Button(LEFT))
    }
}

fn is_near(a: Point<f64, Logical>, b: Point<f64, Logical>, distance: f64) -> bool {
    (a.x - b.x).hypot(a.y - b.y) < distance
}

impl Syncline {
    /// A button of the mouse is pressed or released. Whether it is taken from clients, because of a bar.
    pub fn takes_bar_button(&mut self, button: u32, pressed: bool, time: u32) -> bool {
        let at = self.pointer_location();
        if !pressed {
            let taken = self.bars.let_go(button);
            if let Some(press) = self.bars.take(By::Button(button)) {
                self.release_bar(press, at);
            }
            return taken;
        }
        if self.bars.has_pointer() {
            self.bars.hold(button);
            return true;
        }
        let free = self.seat.get_pointer().is_some_and(|pointer| !pointer.is_grabbed());
        let Some((window, part)) = self.desktop.bar_at(at).filter(|_| free) else { return false };
        self.bars.hold(button);
        if self.bars.press.is_none() {
            self.press_bar(Press { by: By::Button(button), window, part, at, now: at, time, done: false });
        }
        true
    }

    /// A finger comes down. Whether it does so on a bar.
    pub fn takes_bar_finger(&mut self, slot: TouchSlot, at: Point<f64, Logical>, time: u32) -> bool {
        let free = self.seat.get_pointer().is_none_or(|pointer| !pointer.is_grabbed());
        let Some((window, part)) = self.desktop.bar_at(at).filter(|_| free) else { return false };
        // Another one on a bar meanwhile does nothing.
        if self.bars.press.is_none() {
            self.press_bar(Press { by: By::Finger(slot), window, part, at, now: at, time, done: false });
        }
        true
    }

    /// A finger has moved.
    pub fn move_bar_finger(&mut self, slot: TouchSlot, to: Point<f64, Logical>) {
        let Some(press) = self.bars.press.as_mut().filter(|press| press.by == By::Finger(slot)) else { return };
        press.now = to;
        self.pull(to);
        if self.bars.moves_by_finger() && self.desktop.layout.is_dragging() {
            self.interact(to);
        }
    }

    /// A finger is lifted, where it was last.
    pub fn lift_bar_finger(&mut self, slot: TouchSlot) {
        let Some(press) = self.bars.take(By::Finger(slot)) else { return };
        if press.done && self.desktop.layout.is_dragging() {
            self.end_interaction(press.now);
        }
        self.release_bar(press, press.now);
    }

    /// The touch screen takes back what it said: what a finger moves stays where it is.
    pub fn cancel_bar_finger(&mut self) {
        if self.bars.press.is_some_and(|press| matches!(press.by, By::Finger(_))) {
            self.drop_bar_press();
        }
    }

    /// What is pressed is released by nobody: what it moves stays where it is.
    pub fn drop_bar_press(&mut self) {
        if self.bars.press.take().is_some_and(|press| press.done) {
            self.desktop.layout.end_grab();
            self.layout_stale = true;
        }
    }

    /// The pointer has moved: a window that is held by its bar may follow from now on.
    pub fn pull_bar(&mut self, to: Point<f64, Logical>) {
        if self.bars.press.is_some_and(|press| matches!(press.by, By::Button(_))) {
            self.pull(to);
        }
    }

    fn pull(&mut self, to: Point<f64, Logical>) {
        let Some(press) = &mut self.bars.press else { return };
        let pulls = press.part == Part::Title && press.by.is_main() && !press.done && !is_near(press.at, to, PULL);
        if !pulls {
            return;
        }
        press.done = true;
        let (window, from) = (press.window, point(press.at.to_i32_round()));
        if self.desktop.layout.begin_move(window, from) {
            self.arrange_windows();
        }
    }

    fn press_bar(&mut self, press: Press) {
        let click = self.bars.click.take();
        self.bars.wheel = 0.0;
        self.bars.press = Some(press);
        let Press { window, part, at, time, .. } = press;
        if !press.by.is_main() || matches!(part, Part::Button(_)) {
            return;
        }
        self.focus_by_bar(window, part);
        let again = |click: &Click| {
            click.window == window && time.wrapping_sub(click.time) <= DOUBLE.0 && is_near(click.at, at, DOUBLE.1)
        };
        if part == Part::Title && click.as_ref().is_some_and(again) {
            self.bars.press.as_mut().into_iter().for_each(|press| press.done = true);
            self.maximise_or_restore(window);
        }
    }

    /// What was pressed on a bar is released.
    fn release_bar(&mut self, press: Press, at: Point<f64, Logical>) {
        let Press { by, window, part, done, .. } = press;
        if done || self.desktop.bar_at(at) != Some((window, part)) {
            return;
        }
        match part {
            Part::Title if by.is_main() => {
                self.bars.click = Some(Click { window, at: press.at, time: press.time });
            }
            Part::Button(button) if by.is_main() => self.press_title_button(window, button),
            Part::Tab(tab) if by == By::Button(MIDDLE) => self.close_window(tab),
            _ => {}
        }
    }

    fn press_title_button(&mut self, window: WindowId, button: Button) {
        match button {
            Button::Minimise => {
                self.desktop.layout.set_minimised(window, true);
                self.arrange_windows();
            }
            Button::Maximise => {
                self.focus_by_bar(window, Part::Title);
                self.maximise_or_restore(window);
            }
            Button::Close => self.close_window(window),
        }
    }

    fn maximise_or_restore(&mut self, window: WindowId) {
        let layout = &mut self.desktop.layout;
        let maximised = layout.window(window).is_some_and(|window| window.maximised);
        layout.set_maximised(window, !maximised);
        self.arrange_windows();
    }

    fn close_window(&self, window: WindowId) {
        if let Some(window) = self.desktop.windows.get(window) {
            window.toplevel.send_close();
        }
    }

    /// A part of a bar was pressed: the window gets the focus, or that of the tab.
    pub fn focus_by_bar(&mut self, window: WindowId, part: Part) {
        let window = if let Part::Tab(tab) = part { tab } else { window };
        let surface = self.desktop.windows.get(window).map(|window| window.surface().clone());
        if surface.is_some() {
            self.focus(surface);
        }
    }

    /// The wheel has turned, in parts of 120 downwards. Whether that was over tabs: one step is one tab, and
    /// the first and the last are the ends.
    pub fn takes_tab_wheel(&mut self, turned: f64) -> bool {
        let free = self.seat.get_pointer().is_some_and(|pointer| !pointer.is_grabbed());
        let over = self.desktop.bar_at(self.pointer_location()).filter(|_| free);
        let Some((window, Part::Tab(_))) = over.filter(|_| turned.is_finite()) else { return false };
        let before = self.bars.wheel;
        // In the other direction a step begins anew.
        let sum = if before * turned < 0.0 { turned } else { before + turned };
        self.bars.wheel = sum % STEP;
        let Some(Bar { kind: Kind::Tabs { tabs, .. }, .. }) =
            self.desktop.windows.get(window).and_then(|window| window.bar.as_ref())
        else {
            return true;
        };
        let Some(front) = tabs.iter().position(|tab| *tab == window) else { return true };
        let to = (front as f64 + (sum / STEP).trunc()).clamp(0.0, (tabs.len() - 1) as f64) as usize;
        let tab = tabs[to];
        if to != front {
            self.focus_by_bar(window, Part::Tab(tab));
        }
        true
    }
}
