//! The scene of one output: the layers of all visible surfaces, from top to bottom.

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Rectangle},
};

use crate::{
    desktop::{
        Desktop,
        layer::{layer, physical},
        stack::Level,
    },
    render::Layer,
};

impl Desktop {
    /// Fills `scene` with the layers of an output at `area`, and `covered` with the surfaces of
    /// that area that lie below a layer which covers everything. The pointer's image is a layer if
    /// `device`, whose output this is, shows it that way; `None`: the output's cursor plane shows
    /// it. Returns how many surfaces were visited.
    pub fn collect(
        &mut self,
        area: Rectangle<i32, Logical>,
        device: Option<&kms::Device>,
        now: fence::Ns,
        scene: &mut Vec<Layer>,
        covered: &mut Vec<WlSurface>,
    ) -> u64 {
        if let Some(device) = device {
            self.cursor.collect(device, &self.trees, self.pointer, area, now, scene);
        }
        let (mut is_covered, mut visited) = (false, 0);
        self.surfaces(|level, surface, states, at| {
            visited += 1;
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
        visited
    }
}
