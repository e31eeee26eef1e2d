//! The tools of graphics tablets that are near their tablet.

use protocols::tablet::ToolNumber;
use smallvec::SmallVec;
use smithay::{
    backend::input::TabletToolDescriptor,
    input::pointer::CursorImageStatus,
    utils::{Logical, Point},
};

/// Who hears of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The client that it is over, as of a tool.
    Client,
    /// The seat's pointer does what it does.
    Pointer,
    /// Nobody until it is let go: what it was pressed on is gone.
    Lost,
}

/// A tool.
#[derive(Debug)]
pub struct Pen {
    pub tool: ToolNumber,
    pub about: TabletToolDescriptor,
    /// The id of the tablet.
    pub tablet: String,
    pub way: Way,
    /// Its tip touches the tablet.
    pub tip: bool,
    /// Its buttons that are pressed, by their numbers in `linux/input-event-codes.h`.
    pub buttons: SmallVec<[u32; 4]>,
    /// Where it is on the desktop.
    pub at: Point<f64, Logical>,
    /// Where on the desktop its surface begins.
    pub origin: Point<f64, Logical>,
    /// What its client wants to be shown.
    pub image: CursorImageStatus,
    /// The serial of its last press.
    pub pressed: Option<u32>,
}

impl Pen {
    /// Whether it stays with what it was pressed on.
    pub fn is_held(&self) -> bool {
        self.tip || !self.buttons.is_empty()
    }
}

/// All of them.
#[derive(Debug, Default)]
pub struct Pens {
    pub list: Vec<Pen>,
    /// One that a client hears of has moved since the mouse has: its image is shown, and no client has the pointer.
    pub has_pointer: bool,
}
