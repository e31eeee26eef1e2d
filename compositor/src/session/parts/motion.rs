//! Motion of the pointer and of the mouse, as its client is told of it.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point},
};

/// The newest motion of the pointer, while its client does not read.
#[derive(Debug)]
pub struct HeldMotion {
    /// What is under the pointer, and where on the desktop it begins.
    pub focus: Option<(WlSurface, Point<f64, Logical>)>,
    /// On the desktop.
    pub location: Point<f64, Logical>,
    /// In milliseconds.
    pub time: u32,
}

/// What a device has moved since its client was told last.
#[derive(Debug, Clone, Copy)]
pub struct Moved {
    /// In pixels, with the acceleration that the user has set.
    pub by: Point<f64, Logical>,
    /// Without it.
    pub unaccelerated: Point<f64, Logical>,
    /// When, in microseconds.
    pub time: u64,
}
