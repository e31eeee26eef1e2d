//! A surface as a layer of an output's scene.
//!
//! It only reads the surface's current state, and renders nothing.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, Rectangle},
    wayland::compositor::SurfaceData,
};

use crate::{
    render::{Layer, Screen},
    surface::SurfaceState,
};

/// The layer of a surface with its origin at `at` on the desktop; `None` if the output does not show
/// it, or no renderer can.
pub fn layer(
    surface: &WlSurface,
    states: &SurfaceData,
    at: Point<i32, Logical>,
    screen: &Screen,
    now: fence::Ns,
) -> Option<Layer> {
    let state = SurfaceState::of(states);
    let content = state.current.clone()?;
    let rect = Rectangle::new(at, state.view.size);
    if !rect.overlaps(screen.area) || !state.view.is_drawable() {
        return None;
    }
    Some(Layer {
        surface: Some(surface.clone()),
        opaque: content.opaque || state.view.opaque,
        content,
        view: state.view,
        dst: screen.rect(rect),
        output: screen.transform,
        rate: state.rate.rate(now),
        damage: state.damage.clone(),
        pointer: false,
        older: false,
    })
}
