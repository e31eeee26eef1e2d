//! What the user does with bars, and when their titles were looked at.

use fence::Ns;
use smallvec::SmallVec;
use smithay::{
    backend::input::TouchSlot,
    utils::{Logical, Point},
};

use crate::{desktop::bar::Part, session::parts::keys::HELD, system::id::WindowId};

/// All of that.
#[derive(Debug, Default)]
pub struct BarState {
    /// Titles, or the bars that there are, may have changed since they were looked at.
    pub stale: bool,
    /// When they were looked at.
    pub looked: Ns,
    /// What was pressed first, while it is held.
    pub press: Option<Press>,
    /// The buttons of the mouse whose releases are the session's.
    held: SmallVec<[u32; 4]>,
    /// Those that were held when the devices went: their releases may come or not.
    left: SmallVec<[u32; 4]>,
    /// The last click on a title.
    pub click: Option<Click>,
    /// What is left of a step of the wheel, in parts of 120.
    pub wheel: f64,
}

/// A press on a bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Press {
    pub by: By,
    /// Whose bar, and which part of it.
    pub window: WindowId,
    pub part: Part,
    pub at: Point<f64, Logical>,
    /// Where the finger is.
    pub now: Point<f64, Logical>,
    /// In milliseconds.
    pub time: u32,
    /// It is more than a click: the window is moved, or the press has done what it does.
    pub done: bool,
}

/// By what a bar is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Button(u32),
    Finger(TouchSlot),
}

/// A click on the title of a window.
#[derive(Debug, Clone, Copy)]
pub struct Click {
    pub window: WindowId,
    pub at: Point<f64, Logical>,
    /// In milliseconds.
    pub time: u32,
}

impl BarState {
    /// Whether the pointer is the session's, because a button was pressed on a bar.
    pub fn has_pointer(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether a finger moves a window by its bar.
    pub fn moves_by_finger(&self) -> bool {
        self.press.is_some_and(|press| matches!(press.by, By::Finger(_)) && press.done)
    }

    /// A button is pressed whose release is the session's.
    pub fn hold(&mut self, button: u32) {
        self.left.retain(|left| *left != button);
        if self.held.len() < HELD && !self.held.contains(&button) {
            self.held.push(button);
        }
    }

    /// A button is released. Whether its press was the session's.
    pub fn let_go(&mut self, button: u32) -> bool {
        let mut was_held = false;
        for buttons in [&mut self.held, &mut self.left] {
            buttons.retain(|held| {
                let is = *held == button;
                was_held |= is;
                !is
            });
        }
        was_held
    }

    /// The press by this has ended, if there is one.
    pub fn take(&mut self, by: By) -> Option<Press> {
        self.press.take_if(|press| press.by == by)
    }

    /// The devices are gone: nothing is held any more.
    pub fn forget(&mut self) {
        (self.press, self.click, self.wheel) = (None, None, 0.0);
        self.left = std::mem::take(&mut self.held);
    }
}
