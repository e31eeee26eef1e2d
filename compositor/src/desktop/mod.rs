//! The desktop: windows, popups, layer surfaces, the lock, the pointer and its image, the
//! drag icon.
//!
//! Positions are in the logical coordinates of the desktop, in which outputs lie side by side.
//! Nothing here knows outputs or planes; the caller passes the area.

pub mod cursor;
mod cursor_buffers;
pub mod displays;
pub mod interact;
mod layer;
pub mod layers;
pub mod layout;
pub mod lock;
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

use crate::surface::tree::Trees;

/// Everything that can be visible, and where it is.
pub struct Desktop {
    pub windows: windows::Windows,
    pub layers: layers::Layers,
    /// While the session is locked, or is about to be, only this is on the desktop.
    pub lock: Option<lock::Lock>,
    /// All surfaces, and which is a sub-surface of which.
    pub trees: Trees<WlSurface>,
    pub popups: PopupManager,
    /// A move or resize by pointer that is in progress.
    pub interaction: Option<interact::Interaction>,
    pub cursor: cursor::Cursor,
    /// Where the pointer is. The seat knows it, too, but is locked while it calls handlers.
    pub pointer: Point<f64, Logical>,
    /// The origin of the surface that the pointer is over, when its client was told last where it is.
    pub pointer_origin: Point<f64, Logical>,
}

impl Desktop {
    /// An empty desktop with this pointer.
    pub fn new(cursor: cursor::Cursor) -> Self {
        Self {
            windows: windows::Windows::default(),
            layers: layers::Layers::default(),
            lock: None,
            trees: Trees::default(),
            popups: PopupManager::default(),
            interaction: None,
            cursor,
            pointer: Point::default(),
            pointer_origin: Point::default(),
        }
    }
}
