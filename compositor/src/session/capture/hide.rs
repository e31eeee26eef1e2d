//! Keeps windows out of pictures: something black is in their places.

use std::sync::Arc;

use smithay::utils::Rectangle;

use crate::{
    render::{Layer, layer::Shows},
    surface::{
        buffer::PixelSource,
        content::{Content, ContentParts, SyncMethod},
        damage::DamageHistory,
        solid::Solid,
        view::View,
    },
    system::id::SurfaceId,
};

/// Makes the layers of these surfaces black. What they show does not count as a change either.
pub fn hide(layers: &mut [Layer], private: &[SurfaceId]) {
    for layer in layers.iter_mut().filter(|layer| private.contains(&layer.content.surface)) {
        let surface = layer.content.surface.hidden();
        let view = View { size: layer.view.size, src: Rectangle::from_size((1.0, 1.0).into()), ..View::default() };
        let damage = DamageHistory::default();
        *layer = Layer { content: black(surface), view, damage, opaque: true, shows: Shows::Whole, ..layer.clone() };
    }
}

/// A content of one black pixel.
fn black(surface: SurfaceId) -> Arc<Content> {
    Arc::new(Content::new(ContentParts {
        surface,
        serial: 0,
        committed_at: 0,
        source: PixelSource::Solid(Arc::new(Solid::of_colour([0, 0, 0, 255]))),
        opaque: true,
        converted: false,
        ends: None,
        acquire_by: SyncMethod::Buffer,
        release_by: SyncMethod::Buffer,
        buffer: None,
        callbacks: None,
    }))
}
