//! The desktop: windows, popups, layer surfaces, the lock, the pointer and its image, the
//! drag icon.
//!
//! Positions are in the logical coordinates of the desktop, in which outputs lie side by side.
//! Nothing here knows outputs or planes; the caller passes the area.

pub mod bar;
pub mod bars;
pub mod cursor;
mod cursor_buffers;
pub mod drawn;
pub mod edges;
mod fill;
mod glyphs;
mod layer;
pub mod layers;
pub mod layout;
pub mod lock;
pub mod panels;
pub mod ring;
pub mod rings;
pub mod scene;
pub mod stack;
mod theme;
pub mod tree;
pub mod windows;

use smithay::{
    desktop::PopupManager,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point},
};

use crate::{
    config::DesktopConfig,
    desktop::layout::{Layout, follow::Followed, options::Options, transaction::Transactions},
    surface::tree::Trees,
    system::id::WindowId,
};

/// Everything that can be visible, and where it is.
pub struct Desktop {
    pub windows: windows::Windows,
    /// Where windows should be.
    pub layout: Layout,
    /// When that applies.
    pub transactions: Transactions,
    /// What the transactions have been told of the layout.
    pub followed: Followed,
    /// The window that the layout had given the focus when the keyboard was told last.
    pub focused: Option<WindowId>,
    pub layers: layers::Layers,
    /// What is drawn around windows.
    pub rings: rings::Rings,
    pub edges: edges::Edges,
    /// What is drawn above windows.
    pub bars: bars::Bars,
    /// What the session itself says, above all that.
    pub panels: panels::Panels,
    /// While the session is locked, or is about to be, only this is on the desktop.
    pub lock: Option<lock::Lock>,
    /// All surfaces, and which is a sub-surface of which.
    pub trees: Trees<WlSurface>,
    pub popups: PopupManager,
    /// The popups of an input method that are shown, from bottom to top, and where.
    pub input_popups: Vec<(WlSurface, Point<i32, Logical>)>,
    /// The window that a drag takes along.
    pub carried: Option<WlSurface>,
    pub cursor: cursor::Cursor,
    /// Where the pointer is. The seat knows it, too, but is locked while it calls handlers.
    pub pointer: Point<f64, Logical>,
    /// The origin of the surface that the pointer is over, when its client was told last where it is.
    pub pointer_origin: Point<f64, Logical>,
}

impl Desktop {
    /// An empty desktop with this pointer and these settings.
    pub fn new(cursor: cursor::Cursor, config: &DesktopConfig) -> Self {
        Self {
            windows: windows::Windows::default(),
            layout: Layout::new(Options::from(config)),
            transactions: Transactions::default(),
            followed: Followed::default(),
            focused: None,
            layers: layers::Layers::default(),
            rings: rings::Rings::new(config),
            edges: edges::Edges::default(),
            bars: bars::Bars::new(config),
            panels: panels::Panels::default(),
            lock: None,
            trees: Trees::default(),
            popups: PopupManager::default(),
            carried: None,
            input_popups: Vec::new(),
            cursor,
            pointer: Point::default(),
            pointer_origin: Point::default(),
        }
    }
}
