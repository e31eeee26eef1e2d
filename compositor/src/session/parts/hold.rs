//! A window that keeps its old content until those beside it have answered. What happens to it is in
//! [`crate::session::windows::hold`].

use smithay::{reexports::wayland_server::protocol::wl_surface::WlSurface, wayland::compositor::Barrier};

use crate::system::id::WindowId;

/// A commit that is held with all after it.
#[derive(Debug)]
pub struct Hold {
    pub surface: WlSurface,
    pub window: WindowId,
    /// The number of the commit among its surface's.
    pub serial: u64,
    /// The configure that it answers.
    pub acked: u32,
    pub barrier: Barrier,
}
