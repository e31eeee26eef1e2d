//! The scene of one output: the layers of all visible surfaces, from top to bottom.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Physical, Point, Rectangle},
    wayland::compositor::SurfaceData,
};

use crate::{
    desktop::{Desktop, stack::Level},
    render::Layer,
    surface::SurfaceState,
};

impl Desktop {
    /// Fills `scene` with the layers of an output at `area`, and `covered` with the surfaces of
    /// that area that lie below a layer which covers everything. The
    /// pointer's image is a layer if `device`, whose output this is, shows it that way; `None`: the
    /// output's cursor plane shows it.
    pub fn collect(
        &mut self,
        area: Rectangle<i32, Logical>,
        device: Option<&kms::Device>,
        now: fence::Ns,
        scene: &mut Vec<Layer>,
        covered: &mut Vec<WlSurface>,
    ) {
        if let Some(device) = device {
            self.cursor.collect(device, &self.trees, self.pointer, area, now, scene);
        }
        let mut is_covered = false;
        self.surfaces(|level, surface, states, at| {
            // The cursor plane shows it, or it has been added.
            if level == Level::Pointer {
                return;
            }
            let Some(layer) = layer(surface, states, at, area, now) else { return };
            if is_covered {
                covered.push(surface.clone());
                return;
            }
            is_covered = layer.opaque && layer.dst.contains_rect(Rectangle::from_size(physical(area).size));
            scene.push(layer);
        });
    }
}

/// A rectangle of the desktop in pixels of the output at `area`.
pub fn on_output(rect: Rectangle<i32, Logical>, area: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
    let mut dst = physical(rect);
    dst.loc -= physical(area).loc;
    dst
}

fn physical(area: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
    Rectangle::new((area.loc.x, area.loc.y).into(), (area.size.w, area.size.h).into())
}

/// The layer of a surface with its origin at `at` on the desktop; `None` if the output at `area`
/// does not show it.
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
    if !rect.overlaps(area) {
        return None;
    }
    Some(Layer {
        surface: Some(surface.clone()),
        opaque: content.opaque || state.view.opaque,
        content,
        view: state.view,
        dst: on_output(rect, area),
        rate: state.rate.rate(now),
        element: state.element.clone(),
        damage: state.damage.snapshot(),
        pointer: false,
    })
}
