//! One surface's image in a scene.
//!
//! It is made of the desktop, assigned to a plane or composited, and dropped with its frame.

use std::sync::Arc;

use smithay::{
    backend::renderer::{element::Id, utils::DamageSnapshot},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Buffer, Physical, Rectangle},
};

use crate::surface::{content::Content, view::View};

/// One surface's picture in a scene, in output pixels.
#[derive(Debug, Clone)]
pub struct Layer {
    pub surface: WlSurface,
    pub content: Arc<Content>,
    pub view: View,
    /// Where it goes.
    pub dst: Rectangle<i32, Physical>,
    pub element: Id,
    pub damage: DamageSnapshot<i32, Buffer>,
    /// Every pixel of it is opaque.
    pub opaque: bool,
    /// Commits in a thousand seconds.
    pub rate: u32,
    /// It is not drawn: the picture is transparent there, above the plane that shows it.
    pub hole: bool,
}
