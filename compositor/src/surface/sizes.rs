//! What a surface that stands still costs: each of these exists once for every surface of a desktop.
//!
//! A figure here may become larger only for what most surfaces have. What few of them have goes into
//! a box that is made when it is needed.

use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;

use crate::{
    render::Layer,
    surface::{SurfaceState, apply::CommitUpdate, content::Content, damage::DamageHistory, tree::Trees},
};

#[test]
fn what_every_surface_has_is_small() {
    for (what, size, most) in [
        ("SurfaceState", size_of::<SurfaceState>(), 264),
        ("CommitUpdate", size_of::<CommitUpdate>(), 40),
        ("Content", size_of::<Content>(), 120),
        ("DamageHistory", size_of::<DamageHistory>(), 16),
        ("a node of the tree", Trees::<WlSurface>::NODE, 112),
        ("Layer", size_of::<Layer>(), 160),
    ] {
        assert!(size <= most, "{what} has {size} bytes, more than {most}");
    }
}
