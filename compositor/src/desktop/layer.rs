//! A surface as a layer of an output's scene.
//!
//! It only reads the surface's current state, and renders nothing.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle},
    wayland::compositor::SurfaceData,
};

use crate::{
    render::{Anchor, Layer, Screen, layer::Shows},
    surface::{SurfaceState, view::View},
};

/// The layer of a surface with its origin at `at` on the desktop, of which only what is in `cut` is
/// shown, in a tree whose root is at `anchor`; `None` if the output does not show it, or no renderer can.
pub fn layer(
    surface: &WlSurface,
    states: &SurfaceData,
    (anchor, at, cut): (Anchor, Point<i32, Logical>, Option<Rectangle<i32, Logical>>),
    screen: &Screen,
    now: fence::Ns,
) -> Option<Layer> {
    let state = SurfaceState::of(states);
    let content = state.current.clone()?;
    let whole = Rectangle::new(at, state.view.size);
    let rect = cut.map_or(Some(whole), |cut| whole.intersection(cut)).filter(|rect| !rect.is_empty())?;
    if !rect.overlaps(screen.area) {
        return None;
    }
    let (mut view, mut dst) = (state.view, screen.image(anchor, whole, &state.view));
    if rect != whole {
        (view, dst) = cropped(view, dst, screen.span(screen.corner(), rect))?;
    }
    if screen.area.contains_rect(rect) {
        // Where the output ends in the middle of a pixel of the desktop, the image would exceed it.
        (view, dst) = cropped(view, dst, screen.picture())?;
    }
    let view = View { size: rect.size, ..view };
    if dst.is_empty() || !view.of_size(dst.size).is_drawable() {
        return None;
    }
    Some(Layer {
        surface: Some(surface.clone()),
        opaque: view.hides_below(content.opaque),
        content,
        view,
        dst: screen.turn(dst),
        output: screen.transform,
        rate: state.rate.rate(now),
        damage: state.damage.clone(),
        pointer: false,
        shows: if view == state.view { Shows::Whole } else { Shows::Part },
    })
}

/// An image that is shown at `dst`, and what of it is in `to`. A buffer that is shown pixel by pixel is so
/// afterwards, too. `None`: nothing is.
fn cropped(
    view: View,
    dst: Rectangle<i32, Physical>,
    to: Rectangle<i32, Physical>,
) -> Option<(View, Rectangle<i32, Physical>)> {
    if to.contains_rect(dst) {
        return Some((view, dst));
    }
    let part = dst.intersection(to)?;
    let from = Rectangle::new((part.loc - dst.loc).to_logical(1), part.size.to_logical(1));
    Some((view.of_size(dst.size).cut(from), part))
}
