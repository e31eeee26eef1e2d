//! The scene of one output: the layers of all visible surfaces, rings, bars and panels, from top to bottom.

use std::ops::ControlFlow;

use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Rectangle},
};

use crate::{
    desktop::{Desktop, layer::layer, stack::Level, tree::walk},
    render::{Layer, Screen},
    surface::SurfaceState,
    system::id::SurfaceId,
};

/// What was found beside the layers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Collected {
    /// How many surfaces were visited.
    pub visited: u64,
    /// A fullscreen window fills the area, or the session is locked: nothing shows beside that, and what
    /// it does not cover is black.
    pub filled: bool,
}

impl Desktop {
    /// Fills `scene` with the layers of an output, and `covered` with the surfaces of its area that
    /// lie below a layer which covers everything. The pointer's image is a layer if `device`, whose
    /// output this is, shows it that way; `None`: the output's cursor plane shows it.
    pub fn collect(
        &mut self,
        screen: &Screen,
        device: Option<&kms::Device>,
        now: fence::Ns,
        scene: &mut Vec<Layer>,
        covered: &mut Vec<WlSurface>,
    ) -> Collected {
        self.edges.collect(screen, scene);
        if let Some(device) = device {
            self.collect_pointer(screen, device, now, scene);
        }
        if self.lock.is_none() {
            self.panels.collect(screen, scene);
        }
        let (mut rings, mut bars) = (std::mem::take(&mut self.rings), std::mem::take(&mut self.bars));
        let filling = self.filling(|filled| filled.contains_rect(screen.area));
        let (mut is_covered, mut visited) = (false, 0);
        let all = screen.turn(screen.picture());
        let _: ControlFlow<()> = self.roots(|root| {
            let anchor = screen.anchor(root.origin);
            if let Some(above) = root.bar.filter(|_| !is_covered) {
                bars.collect(above, anchor, screen, scene);
            }
            walk(&self.trees, root.surface, root.origin, |surface, states, at| {
                visited += 1;
                // The cursor plane shows it, or it has been added.
                if root.level == Level::Pointer {
                    return;
                }
                let Some(layer) = layer(surface, states, (anchor, at, root.cut), screen, now) else { return };
                if is_covered {
                    covered.push(surface.clone());
                    return;
                }
                is_covered = layer.opaque && layer.dst.contains_rect(all);
                scene.push(layer);
            });
            if let Some(around) = root.ring.filter(|_| !is_covered) {
                rings.collect(around, anchor, screen, scene);
            }
            is_covered |= filling == Some(root.surface);
            ControlFlow::Continue(())
        });
        let filled = filling.is_some() || self.lock.is_some();
        (self.rings, self.bars) = (rings, bars);
        Collected { visited, filled }
    }

    /// Appends the layers of the pointer's image on an output of `device`.
    pub fn collect_pointer(&mut self, screen: &Screen, device: &kms::Device, now: fence::Ns, layers: &mut Vec<Layer>) {
        self.cursor.collect(device, &self.trees, self.pointer, screen, now, layers);
    }

    /// Appends the layers of a window with its popups, whether or not an output shows it: all of it, and
    /// nothing of what is drawn around it. `number`: as task bars know it.
    pub fn collect_window(&self, number: u32, screen: &Screen, now: fence::Ns, layers: &mut Vec<Layer>) {
        let Some(window) = self.windows.by_mapping(number) else { return };
        let _: ControlFlow<()> = self.roots_of_window(window, &mut |root| {
            let anchor = screen.anchor(root.origin);
            walk(&self.trees, root.surface, root.origin, |surface, states, at| {
                layers.extend(layer(surface, states, (anchor, at, None), screen, now));
            });
            ControlFlow::Continue(())
        });
    }

    /// The surfaces of windows that no picture shows, with their popups and bars.
    pub fn private(&self) -> Vec<SurfaceId> {
        let mut found = Vec::new();
        for window in self.windows.private() {
            found.extend((0..4).map(|part| SurfaceId::bar(window.id, part)));
            let _: ControlFlow<()> = self.roots_of_window(window, &mut |root| {
                walk(&self.trees, root.surface, root.origin, |_, states, _| found.push(SurfaceState::of(states).id));
                ControlFlow::Continue(())
            });
        }
        found
    }

    /// Where the pointer's image is on the desktop; `None`: nothing is shown.
    pub fn pointer_rect(&mut self) -> Option<Rectangle<i32, Logical>> {
        self.cursor.rect(&self.trees, self.pointer)
    }
}
