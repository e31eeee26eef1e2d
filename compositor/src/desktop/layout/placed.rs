//! Where a window is: what the layout says of it.
//!
//! These are values only; `arrange.rs` makes them.

use crate::{
    desktop::layout::geometry::{Edges, Rect, Size},
    system::id::WindowId,
};

/// A window on its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub window: WindowId,
    /// The window geometry, on the desktop.
    pub rect: Rect,
    /// With border and bar.
    pub frame: Rect,
    /// The strip within `frame` that is for the session's bar: empty if it has none.
    pub bar: Rect,
    /// The size to ask the client for; empty if the client chooses.
    pub ask: Size,
    pub states: States,
    /// It can be seen while its workspace is active: no tab hides it and no fullscreen window
    /// covers it.
    pub visible: bool,
}

/// The states that a client is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct States {
    /// The edges at which something else begins.
    pub tiled: Edges,
    pub maximised: bool,
    pub fullscreen: bool,
    /// It has the focus.
    pub activated: bool,
    pub resizing: bool,
}
