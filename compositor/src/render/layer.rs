//! One surface's image in a scene.
//!
//! The desktop makes a layer, which is assigned to a plane or composited, and dropped with its
//! frame. Plain data: it renders nothing.

use std::sync::Arc;

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Physical, Rectangle},
};

use crate::surface::{content::Content, damage::DamageHistory, view::View};

/// One surface's image in a scene.
#[derive(Debug, Clone)]
pub struct Layer {
    /// `None`: the compositor's own image, such as the pointer of the cursor theme.
    pub surface: Option<WlSurface>,
    /// Its `surface` is the layer's identity for damage tracking.
    pub content: Arc<Content>,
    /// How the buffer is mapped to the surface.
    pub view: View,
    /// Where the layer is on the output, in output pixels.
    pub dst: Rectangle<i32, Physical>,
    /// The damage history of the surface.
    pub damage: DamageHistory,
    /// Every pixel is opaque.
    pub opaque: bool,
    /// Commits of the surface per 1000 seconds.
    pub rate: u32,
    /// The layer is part of the pointer's image.
    pub pointer: bool,
}

/// What a pass makes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassRole {
    /// Nothing: a plane shows it, or nobody sees it.
    Skipped,
    /// Its image is composited.
    Composited,
    /// A hole: a plane below shows it, and the composited buffer is transparent there.
    Hole,
}

/// The layers of a pass.
#[derive(Debug, Clone, Copy)]
pub struct PassLayers<'a> {
    /// From top to bottom.
    pub layers: &'a [Layer],
    /// What becomes of each; `None`: all are composited.
    pub roles: Option<&'a [PassRole]>,
    /// Which of them have changed since the last pass of the same tracker; `None`: that is not
    /// known.
    pub changed: Option<&'a [usize]>,
}

impl<'a> PassLayers<'a> {
    /// All layers composited, and nothing known of an earlier pass.
    pub fn all(layers: &'a [Layer]) -> Self {
        Self { layers, roles: None, changed: None }
    }

    /// What becomes of a layer.
    pub fn role(&self, at: usize) -> PassRole {
        self.roles.map_or(PassRole::Composited, |roles| roles[at])
    }
}
