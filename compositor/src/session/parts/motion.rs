//! A motion of the pointer that its client has not been told of.

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
