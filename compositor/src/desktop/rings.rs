//! The images of rings: a colour for each side of each window's ring, kept from scene to scene.
//!
//! Nothing here knows where windows are or who has the focus.

use std::collections::HashMap;

use smithay::utils::{Logical, Rectangle};

use crate::{
    config::{colour::Rgba, desktop::DesktopConfig},
    desktop::{fill::Fill, ring::Ring},
    render::{Anchor, Layer, Screen},
    system::id::{SurfaceId, WindowId},
};

/// The ring of one window, as a scene needs it.
#[derive(Debug, Clone, Copy)]
pub struct Around {
    pub window: WindowId,
    pub ring: Ring,
    /// What it is around.
    pub rect: Rectangle<i32, Logical>,
}

/// The colours of rings, and the images that windows have, in the order of [`Ring::sides`].
#[derive(Debug, Default)]
pub struct Rings {
    active: Rgba,
    inactive: Rgba,
    images: HashMap<WindowId, [Fill; 4]>,
}

impl Rings {
    /// In the colours of the configuration.
    pub fn new(config: &DesktopConfig) -> Self {
        Self { active: config.ring_active, inactive: config.ring_inactive, images: HashMap::new() }
    }

    /// In the colours of the configuration from now on.
    pub fn set_colours(&mut self, config: &DesktopConfig) {
        (self.active, self.inactive) = (config.ring_active, config.ring_inactive);
    }

    /// A window is gone.
    pub fn forget(&mut self, window: WindowId) {
        self.images.remove(&window);
    }

    /// Appends the layers of a window's ring on an output, on which the window's origin is at `anchor`.
    pub fn collect(
        &mut self,
        Around { window, ring, rect }: Around,
        anchor: Anchor,
        screen: &Screen,
        layers: &mut Vec<Layer>,
    ) {
        let colour = if ring.active { self.active } else { self.inactive };
        if colour.is_invisible() || !ring.within.overlaps(screen.area) {
            return;
        }
        let sides = ring.sides(rect, anchor, screen);
        if sides.iter().all(|side| side.is_empty()) {
            return;
        }
        let new = || [0, 1, 2, 3].map(|side| Fill::new(SurfaceId::ring(window, side), colour));
        let image = self.images.entry(window).or_insert_with(new);
        for (side, fill) in sides.into_iter().zip(image) {
            fill.set_colour(colour);
            layers.extend(fill.layer(side, screen));
        }
    }
}
