//! What [`crate::session::checks`] remembers of earlier requests. It never checks anything.

use std::collections::HashMap;

use smithay::utils::{Logical, Rectangle};
use wayland_server::{
    Weak,
    backend::{ClientId, GlobalId, ObjectId},
    protocol::wl_surface::WlSurface,
};

/// The surfaces of the `xdg_surface`s that have a live role object.
#[derive(Debug, Default)]
pub struct Constructed(pub HashMap<ObjectId, WlSurface>);

/// The `xdg_surface`s without a role object, by client.
#[derive(Debug, Default)]
pub struct RolelessSurfaces(pub HashMap<ClientId, Roleless>);

#[derive(Debug, Default)]
pub struct Roleless {
    pub count: usize,
    /// The surface of the only one.
    pub sole: Option<Weak<WlSurface>>,
}

/// Globals that are gone for clients, and when they are removed, the oldest first.
#[derive(Debug, Default)]
pub struct Retired(pub Vec<(fence::Ns, GlobalId)>);

/// The anchor rectangles without an area, by positioner.
#[derive(Debug, Default)]
pub struct EmptyAnchors(pub HashMap<ObjectId, Rectangle<i32, Logical>>);

/// What live data sources have been used for.
#[derive(Debug, Default)]
pub struct SourceUses(pub HashMap<ObjectId, SourceUse>);

#[derive(Debug, Default, Clone, Copy)]
pub struct SourceUse {
    /// It has actions, so it is for drags.
    pub actions: bool,
    /// The names of its types, with 16 bytes each.
    pub mime_type_bytes: u32,
    /// A drag has begun with it, or it has been a selection.
    pub used: bool,
}
