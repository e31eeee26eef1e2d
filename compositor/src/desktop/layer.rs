//! A surface as a layer of an output's scene.
//!
//! It only reads the surface's current state, and renders nothing.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle},
    wayland::compositor::SurfaceData,
};

use crate::{render::Layer, surface::SurfaceState};

/// A rectangle of the desktop in pixels of the output at `area`.
pub fn on_output(rect: Rectangle<i32, Logical>, area: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
    let mut dst = physical(rect);
    dst.loc -= physical(area).loc;
    dst
}

/// A rectangle of the desktop in pixels, at scale 1.
pub fn physical(area: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
    Rectangle::new((area.loc.x, area.loc.y).into(), (area.size.w, area.size.h).into())
}

/// The layer of a surface with its origin at `at` on the desktop; `None` if the output at `area`
/// does not show it, or no renderer can.
pub fn layer(
    surface: &WlSurface,
    states: &SurfaceData,
    at: Point<i32, Logical>,
    area: Rectangle<i32, Logical>,
    now: fence::Ns,
) -> Option<Layer> {
    let state = SurfaceState::of(states);
    let content = state.current.clone()?;
    let rect = Rectangle::new(at, state.view.size);
    if !rect.overlaps(area) || !state.view.is_drawable() {
        return None;
    }
    Some(Layer {
        surface: Some(surface.clone()),
        opaque: content.opaque || state.view.opaque,
        content,
        view: state.view,
        dst: on_output(rect, area),
        rate: state.rate.rate(now),
        damage: state.damage.clone(),
        pointer: false,
        older: false,
    })
}
