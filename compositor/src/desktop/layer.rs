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

/// The layer of a surface with its origin at `at` on the desktop, of which only what is in `cut` is
/// shown; `None` if the output does not show it, or no renderer can.
pub fn layer(
    surface: &WlSurface,
    states: &SurfaceData,
    (at, cut): (Point<i32, Logical>, Option<Rectangle<i32, Logical>>),
    screen: &Screen,
    now: fence::Ns,
) -> Option<Layer> {
    let state = SurfaceState::of(states);
    let content = state.current.clone()?;
    let whole = Rectangle::new(at, state.view.size);
    let rect = cut.map_or(Some(whole), |cut| whole.intersection(cut)).filter(|rect| !rect.is_empty())?;
    let view = if rect == whole { state.view } else { state.view.cut(Rectangle::new(rect.loc - at, rect.size)) };
    if !rect.overlaps(screen.area) || !view.is_drawable() {
        return None;
    }
    Some(Layer {
        surface: Some(surface.clone()),
        opaque: view.hides_below(content.opaque),
        content,
        view,
        dst: screen.rect(rect),
        output: screen.transform,
        rate: state.rate.rate(now),
        damage: state.damage.clone(),
        pointer: false,
        older: false,
    })
}
