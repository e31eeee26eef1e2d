//! The scene of one output: the layers of all visible surfaces, from top to bottom.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle},
    wayland::compositor::SurfaceData,
};

use crate::{
    desktop::{
        Desktop,
        tree::{popups, walk},
    },
    render::Layer,
    surface::SurfaceState,
};

impl Desktop {
    /// Fills `scene` with the layers of an output at `area`. Stops below a layer that covers
    /// everything else. The drag icon is at `pointer`.
    pub fn collect(
        &self,
        area: Rectangle<i32, Logical>,
        pointer: Point<f64, Logical>,
        now: fence::Ns,
        scene: &mut Vec<Layer>,
    ) {
        scene.clear();
        let mut covered = false;
        let mut add = |surface: &WlSurface, states: &SurfaceData, at: Point<i32, Logical>| {
            if covered {
                return;
            }
            if let Some(layer) = layer(surface, states, at, area, now) {
                covered = layer.opaque && layer.dst.contains_rect(Rectangle::from_size(physical(area).size));
                scene.push(layer);
            }
        };
        if let Some(icon) = self.cursor.drag_icon() {
            walk(&self.trees, icon, pointer.to_i32_round(), &mut add);
        }
        for window in self.windows.visible() {
            let origin = window.origin();
            for (popup, at) in popups(window.surface(), origin, window.geometry().loc) {
                walk(&self.trees, &popup, at, &mut add);
            }
            walk(&self.trees, window.surface(), origin, &mut add);
        }
    }

    /// Calls `visit` for every visible surface of an output at `area`, whether it has a content or
    /// not.
    pub fn visible_surfaces(&self, area: Rectangle<i32, Logical>, mut visit: impl FnMut(&WlSurface, &SurfaceData)) {
        for window in self.windows.visible() {
            let origin = window.origin();
            let mut see = |surface: &WlSurface, states: &SurfaceData, at: Point<i32, Logical>| {
                let size = SurfaceState::of(states).view.size;
                if Rectangle::new(at, size).overlaps(area) {
                    visit(surface, states);
                }
            };
            for (popup, at) in popups(window.surface(), origin, window.geometry().loc) {
                walk(&self.trees, &popup, at, &mut see);
            }
            walk(&self.trees, window.surface(), origin, &mut see);
        }
        if let Some(surface) = self.cursor.surface() {
            smithay::wayland::compositor::with_states(surface, |states| visit(surface, states));
        }
    }
}

fn physical(area: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
    Rectangle::new((area.loc.x, area.loc.y).into(), (area.size.w, area.size.h).into())
}

fn layer(
    surface: &WlSurface,
    states: &SurfaceData,
    at: Point<i32, Logical>,
    area: Rectangle<i32, Logical>,
    now: fence::Ns,
) -> Option<Layer> {
    let state = SurfaceState::of(states);
    let content = state.current.clone()?;
    let rect = Rectangle::new(at, state.view.size);
    if !rect.overlaps(area) {
        return None;
    }
    let mut dst = physical(rect);
    dst.loc -= physical(area).loc;
    Some(Layer {
        surface: surface.clone(),
        opaque: content.opaque || state.view.opaque,
        content,
        view: state.view,
        dst,
        rate: state.rate.rate(now),
        element: state.element.clone(),
        damage: state.damage.snapshot(),
        hole: false,
    })
}
