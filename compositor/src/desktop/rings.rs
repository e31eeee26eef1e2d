//! The images of rings: a colour for each side of each window's ring, kept from scene to scene.
//!
//! A side is a layer of one colour, as a client's buffer of one pixel is, so it is filled into the composited
//! image and never scanned out. What is kept is made anew only when its colour changes. Nothing here knows
//! where windows are or who has the focus.

use std::{collections::HashMap, sync::Arc};

use smithay::utils::{Logical, Rectangle};

use crate::{
    config::{colour::Rgba, desktop::DesktopConfig},
    desktop::ring::Ring,
    render::{Layer, Screen},
    surface::{
        buffer::PixelSource,
        content::{Content, ContentParts, SyncMethod},
        damage::DamageHistory,
        solid::Solid,
        view::View,
    },
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

/// The colours of rings, and the images that windows have.
#[derive(Debug, Default)]
pub struct Rings {
    active: Rgba,
    inactive: Rgba,
    images: HashMap<WindowId, Image>,
}

/// The image of one window's ring.
#[derive(Debug)]
struct Image {
    colour: Rgba,
    /// In the order of [`Ring::sides`].
    sides: [Arc<Content>; 4],
    damage: DamageHistory,
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

    /// Appends the layers of a window's ring on an output.
    pub fn collect(&mut self, Around { window, ring, rect }: Around, screen: &Screen, layers: &mut Vec<Layer>) {
        let colour = if ring.active { self.active } else { self.inactive };
        if colour.is_invisible() || !ring.within.overlaps(screen.area) {
            return;
        }
        let sides = ring.sides(rect);
        if sides.iter().all(|side| side.is_empty()) {
            return;
        }
        let image = self.images.entry(window).or_insert_with(|| Image::new(window, colour));
        image.set_colour(window, colour);
        for (side, content) in sides.into_iter().zip(&image.sides) {
            if side.is_empty() || !side.overlaps(screen.area) {
                continue;
            }
            let view =
                View { size: side.size, src: Rectangle::from_size(content.source.size().to_f64()), ..View::default() };
            layers.push(Layer {
                surface: None,
                opaque: view.hides_below(content.opaque),
                content: content.clone(),
                view,
                dst: screen.rect(side),
                output: screen.transform,
                damage: image.damage.clone(),
                rate: 0,
                pointer: false,
                older: false,
            });
        }
    }
}

impl Image {
    fn new(window: WindowId, colour: Rgba) -> Self {
        let mut damage = DamageHistory::default();
        damage.reset();
        Self { colour, sides: sides(window, colour, 1), damage }
    }

    fn set_colour(&mut self, window: WindowId, colour: Rgba) {
        if std::mem::replace(&mut self.colour, colour) != colour {
            self.sides = sides(window, colour, self.sides[0].serial + 1);
            self.damage.reset();
        }
    }
}

fn sides(window: WindowId, colour: Rgba, serial: u64) -> [Arc<Content>; 4] {
    let solid = Arc::new(Solid::of_colour(colour.0));
    [0, 1, 2, 3].map(|side| {
        Arc::new(Content::new(ContentParts {
            surface: SurfaceId::ring(window, side),
            serial,
            committed_at: 0,
            opaque: solid.is_opaque(),
            source: PixelSource::Solid(solid.clone()),
            converted: false,
            ends: None,
            acquire_by: SyncMethod::Buffer,
            release_by: SyncMethod::Buffer,
            buffer: None,
        }))
    })
}
