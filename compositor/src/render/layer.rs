//! One surface's image in a scene.
//!
//! The desktop makes a layer, which is assigned to a plane or composited, and dropped with its
//! frame. Plain data: it renders nothing.

use std::sync::Arc;

use smithay::{
    backend::renderer::{element::Id, utils::DamageSnapshot},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Buffer, Physical, Rectangle},
};

use crate::surface::{content::Content, view::View};

/// One surface's image in a scene.
#[derive(Debug, Clone)]
pub struct Layer {
    /// `None`: the compositor's own image, such as the pointer of the cursor theme.
    pub surface: Option<WlSurface>,
    pub content: Arc<Content>,
    /// How the buffer is mapped to the surface.
    pub view: View,
    /// Where the layer is on the output, in output pixels.
    pub dst: Rectangle<i32, Physical>,
    /// The identity of the surface for damage tracking.
    pub element: Id,
    /// The damage history of the surface.
    pub damage: DamageSnapshot<i32, Buffer>,
    /// Every pixel is opaque.
    pub opaque: bool,
    /// Commits of the surface per 1000 seconds.
    pub rate: u32,
    /// The layer is part of the pointer's image.
    pub pointer: bool,
    /// The layer is a hole: a plane below shows it, and the composited buffer is transparent there.
    pub hole: bool,
}
