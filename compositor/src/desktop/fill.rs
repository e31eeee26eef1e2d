//! A rectangle of one colour that the session draws: a side of a ring, the ground of a bar.
//!
//! It is a layer like that of a client's buffer of one pixel: filled into the composited image, and never
//! scanned out. What is kept is made anew only when the colour changes. Nothing here knows where it is.

use std::sync::Arc;

use smithay::utils::{Physical, Rectangle};

use crate::{
    config::colour::Rgba,
    render::{Layer, Screen, layer::Shows},
    surface::{
        buffer::PixelSource,
        content::{Content, ContentParts, SyncMethod},
        damage::DamageHistory,
        solid::Solid,
        view::View,
    },
    system::id::SurfaceId,
};

/// The image of a rectangle.
#[derive(Debug)]
pub struct Fill {
    colour: Rgba,
    content: Arc<Content>,
    damage: DamageHistory,
}

impl Fill {
    /// `id`: its identity among all that is shown.
    pub fn new(id: SurfaceId, colour: Rgba) -> Self {
        let mut damage = DamageHistory::default();
        damage.reset();
        Self { colour, content: content(id, colour, 1), damage }
    }

    /// From now on in this colour.
    pub fn set_colour(&mut self, colour: Rgba) {
        if std::mem::replace(&mut self.colour, colour) != colour {
            self.content = content(self.content.surface, colour, self.content.serial + 1);
            self.damage.reset();
        }
    }

    /// The layer of it on an output, in upright pixels; `None`: nothing of it is seen there.
    pub fn layer(&self, rect: Rectangle<i32, Physical>, screen: &Screen) -> Option<Layer> {
        let dst = screen.turn(rect);
        if self.colour.is_invisible() || rect.is_empty() || !dst.overlaps(Rectangle::from_size(screen.pixels())) {
            return None;
        }
        let content = self.content.clone();
        let src = Rectangle::from_size(content.source.size().to_f64());
        let view = View { src, ..View::default() }.of_size(rect.size);
        Some(Layer {
            surface: None,
            opaque: view.hides_below(content.opaque),
            content,
            view,
            dst,
            output: screen.transform,
            damage: self.damage.clone(),
            rate: 0,
            pointer: false,
            shows: Shows::Whole,
        })
    }
}

fn content(surface: SurfaceId, colour: Rgba, serial: u64) -> Arc<Content> {
    let solid = Arc::new(Solid::of_colour(colour.0));
    Arc::new(Content::new(ContentParts {
        surface,
        serial,
        committed_at: 0,
        opaque: solid.is_opaque(),
        source: PixelSource::Solid(solid),
        converted: false,
        ends: None,
        acquire_by: SyncMethod::Buffer,
        release_by: SyncMethod::Buffer,
        buffer: None,
        callbacks: None,
    }))
}
