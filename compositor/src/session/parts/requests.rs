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

/// Globals that are gone for clients, the oldest first.
#[derive(Debug, Default)]
pub struct Retired(pub Vec<RetiredGlobal>);

/// A global that is gone, and can still be bound.
#[derive(Debug)]
pub struct RetiredGlobal {
    /// It is kept until then, at least.
    pub until: fence::Ns,
    pub global: GlobalId,
    /// The registries' name for it; `None`: there was no client.
    pub name: Option<u32>,
    /// The clients that have not acknowledged it, and will.
    pub awaited: Vec<ClientId>,
}

/// The seats that clients have made.
#[derive(Debug, Default)]
pub struct TransientSeats {
    /// How many there are.
    pub there: usize,
    /// Those that are gone, and may be among [`Retired`].
    pub gone: Vec<GlobalId>,
}

/// The anchor rectangles without an area, by positioner.
#[derive(Debug, Default)]
pub struct EmptyAnchors(pub HashMap<ObjectId, Rectangle<i32, Logical>>);
