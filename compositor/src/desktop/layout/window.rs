//! What the layout knows of one window.
//!
//! A window that is mapped is on one workspace, tiled or floating there, or in the scratchpad. How
//! it fills the screen is a second thing, which never changes its place: a window that leaves
//! fullscreen is where it was. Nothing here places anything.

use crate::{
    desktop::layout::{
        geometry::{Edges, Hints, Point, Rect, Size},
        opening::Opening,
        workspace::OutputName,
    },
    system::id::{WindowId, WorkspaceId},
};

/// A window as its client and the user want it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WindowState {
    /// The window that this one is a dialog of. Only mapped windows have dialogs.
    pub parent: Option<WindowId>,
    /// The dialog takes the focus of its parent.
    pub modal: bool,
    pub hints: Hints,
    /// What rules want of it when it is mapped.
    pub opening: Opening,
    /// The size of the window geometry at the last commit; empty before the first.
    pub size: Size,
    /// The window has shown a buffer and takes part.
    pub mapped: bool,
    /// Where it is; `None` in the scratchpad. Of a window that is not mapped: where it was.
    pub workspace: Option<WorkspaceId>,
    /// It is among the floating windows of its workspace, not in a column.
    pub floats: bool,
    /// Whether the user or a rule wants it to float; `None`: the workspace decides.
    pub wants_to_float: Option<bool>,
    pub float: Float,
    pub snap: Option<Snap>,
    pub maximised: bool,
    pub fullscreen: Option<Fullscreen>,
    /// It floated in sight on an output that is gone; it returns there unless the user moves it.
    pub displaced: Option<OutputName>,
    /// The workspace that it returns to when it leaves fullscreen.
    pub came_from: Option<WorkspaceId>,
    pub minimised: bool,
    /// It stays on its output when the workspace changes.
    pub sticky: bool,
    /// It lies above the other floating windows.
    pub above: bool,
    /// It belongs to the scratchpad, shown or not.
    pub scratchpad: bool,
    pub urgent: bool,
    /// It wants a title bar while it floats.
    pub titled: bool,
    /// When it was last used: greater is later.
    pub used: u64,
}

/// Where a window is while it floats.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Float {
    /// Of the window geometry, relative to the output; `None`: in the middle.
    pub at: Option<Point>,
    /// `None`: the client chooses.
    pub size: Option<Size>,
}

/// The two kinds of fullscreen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fullscreen {
    /// The window covers its output.
    Real,
    /// The client believes it; the window stays where it is.
    Pretended,
}

/// The part of the working area that a floating window is snapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Snap {
    Left,
    Right,
    Top,
    Bottom,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

impl Snap {
    pub const ALL: [Self; 8] = [
        Self::Left,
        Self::Right,
        Self::Top,
        Self::Bottom,
        Self::TopLeft,
        Self::TopRight,
        Self::BottomLeft,
        Self::BottomRight,
    ];

    /// The edges of the window that lie at edges of the area.
    pub fn edges(self) -> Edges {
        use Snap::*;
        let mut edges = Edges::ALL;
        match self {
            Left => edges.right = false,
            Right => edges.left = false,
            Top => edges.bottom = false,
            Bottom => edges.top = false,
            TopLeft => (edges.right, edges.bottom) = (false, false),
            TopRight => (edges.left, edges.bottom) = (false, false),
            BottomLeft => (edges.right, edges.top) = (false, false),
            BottomRight => (edges.left, edges.top) = (false, false),
        }
        edges
    }

    /// That part of `area`; `gap` is between the halves.
    pub fn of(self, area: Rect, gap: i32) -> Rect {
        use Snap::*;
        let half = |at: i32, length: i32, first: bool, second: bool| {
            let gap = gap.min((length - 2).max(0));
            let before = (length - gap) / 2;
            match (first, second) {
                (true, _) => (at, before),
                (_, true) => (at + before + gap, length - before - gap),
                _ => (at, length),
            }
        };
        let (left, right) =
            (matches!(self, Left | TopLeft | BottomLeft), matches!(self, Right | TopRight | BottomRight));
        let (top, bottom) =
            (matches!(self, Top | TopLeft | TopRight), matches!(self, Bottom | BottomLeft | BottomRight));
        let (x, w) = half(area.x, area.w, left, right);
        let (y, h) = half(area.y, area.h, top, bottom);
        Rect { x, y, w, h }
    }
}

/// What is known of a window when its toplevel is created, from its client and from rules.
#[derive(Debug, Clone, Default)]
pub struct NewWindow {
    pub hints: Hints,
    /// The workspace that it comes to; `None`: the current one.
    pub workspace: Option<WorkspaceId>,
    /// Whether it floats; `None`: the workspace decides.
    pub floats: Option<bool>,
    pub titled: bool,
}

impl WindowState {
    /// Whether the window covers its output or the working area.
    pub fn fills(&self) -> bool {
        self.maximised || self.covers()
    }

    /// Whether the window covers its output.
    pub fn covers(&self) -> bool {
        self.fullscreen == Some(Fullscreen::Real)
    }

    /// Whether its place on the screen is its own: it floats and fills nothing.
    pub fn is_free(&self) -> bool {
        self.floats && !self.fills() && self.snap.is_none()
    }

    /// Whether it is on its workspace, for whoever looks at that.
    pub fn is_shown(&self) -> bool {
        self.mapped && !self.minimised && self.workspace.is_some()
    }

    /// The size while it floats: as asked for, else as the client has it.
    pub fn floating_size(&self) -> Size {
        self.hints.clamp(self.float.size.unwrap_or(self.size))
    }

    /// The window is about to get a size that is not its own: it returns to the one that it has.
    pub fn keep_size(&mut self) {
        if self.is_free() && !self.size.is_empty() {
            self.float.size.get_or_insert(self.size);
        }
    }
}
