//! A picture that the session has drawn itself, as a layer of scenes.
//!
//! To a scene it is a copied buffer of shared memory that nobody waits to get back: whatever composites
//! those composites it, also after a renderer is replaced, since the pixels stay where they are. Nothing
//! here draws or knows what the picture says.

use std::sync::Arc;

use smithay::utils::{Logical, Physical, Point, Rectangle};

use crate::{
    render::{Layer, Screen, layer::Shows},
    surface::{
        buffer::PixelSource,
        content::{Content, ContentParts, SyncMethod},
        damage::DamageHistory,
        shm::Shm,
        view::View,
    },
    system::id::SurfaceId,
    text::sheet::Picture,
};

/// A picture of the session's own.
#[derive(Debug)]
pub struct Drawn {
    content: Arc<Content>,
    damage: DamageHistory,
}

impl Drawn {
    /// A picture that is known by this id: renderers keep a texture for it until they are told to forget it.
    pub fn new(surface: SurfaceId, picture: Picture) -> Self {
        let mut damage = DamageHistory::default();
        damage.reset();
        Self { content: content(surface, 1, picture), damage }
    }

    /// Shows another picture, which may have another size.
    pub fn set(&mut self, picture: Picture) {
        self.content = content(self.content.surface, self.content.serial + 1, picture);
        self.damage.reset();
    }

    /// Its layer on an output, as large as `rect`; one that was drawn for its scale is not scaled. `None`: the
    /// output does not show it.
    pub fn layer(&self, rect: Rectangle<i32, Logical>, screen: &Screen) -> Option<Layer> {
        let view = View { size: rect.size, ..self.view() };
        let dst = screen.image(screen.anchor(rect.loc), rect, &view);
        if rect.is_empty() || !rect.overlaps(screen.area) {
            return None;
        }
        self.shown(view.of_size(dst.size), dst, screen)
    }

    /// The layer of what lies in `seen` if its corner is at `at`, in upright pixels. `None`: the output does not
    /// show it.
    pub fn part(&self, at: Point<i32, Physical>, seen: Rectangle<i32, Physical>, screen: &Screen) -> Option<Layer> {
        let size = self.content.source.size();
        let whole = Rectangle::new(at, (size.w, size.h).into());
        let dst = whole.intersection(seen).filter(|dst| !dst.is_empty())?;
        let (from, part) = ((dst.loc - at).to_logical(1), dst.size.to_logical(1));
        let view = self.view().of_size(whole.size).cut(Rectangle::new(from, part));
        self.shown(view, dst, screen)
    }

    /// All of it.
    fn view(&self) -> View {
        View { src: Rectangle::from_size(self.content.source.size().to_f64()), ..View::default() }
    }

    fn shown(&self, view: View, upright: Rectangle<i32, Physical>, screen: &Screen) -> Option<Layer> {
        let (content, dst) = (&self.content, screen.turn(upright));
        if !view.is_drawable() || !dst.overlaps(Rectangle::from_size(screen.pixels())) {
            return None;
        }
        Some(Layer {
            surface: None,
            opaque: view.hides_below(content.opaque),
            content: content.clone(),
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

fn content(surface: SurfaceId, serial: u64, Picture { image, opaque }: Picture) -> Arc<Content> {
    Arc::new(Content::new(ContentParts {
        surface,
        serial,
        committed_at: 0,
        source: PixelSource::Shm(Arc::new(Shm::new(image))),
        opaque,
        converted: false,
        ends: None,
        acquire_by: SyncMethod::Buffer,
        release_by: SyncMethod::Buffer,
        buffer: None,
        callbacks: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, opaque: bool) -> Picture {
        Picture::new(width, &vec![7; (width * height * 4) as usize], opaque).unwrap()
    }

    fn rect(x: i32, y: i32, w: i32, h: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (w, h).into())
    }

    #[test]
    fn a_picture_is_a_layer_where_an_output_shows_it() {
        let screen = Screen::upright(rect(100, 0, 800, 600));
        let drawn = Drawn::new(SurfaceId::panel(1), picture(40, 20, true));
        let layer = drawn.layer(rect(110, 5, 40, 20), &screen).unwrap();
        assert_eq!(layer.dst, Rectangle::new((10, 5).into(), (40, 20).into()));
        assert!(layer.opaque && layer.is_own() && layer.picture().is_none());
        for elsewhere in [rect(0, 0, 40, 20), rect(900, 0, 40, 20), rect(110, 5, 0, 20)] {
            assert!(drawn.layer(elsewhere, &screen).is_none(), "{elsewhere:?}");
        }
        let translucent = Drawn::new(SurfaceId::panel(1), picture(40, 20, false));
        assert!(!translucent.layer(rect(110, 5, 40, 20), &screen).unwrap().opaque);
    }

    #[test]
    fn another_picture_is_another_content_all_of_which_has_changed() {
        let screen = Screen::upright(rect(0, 0, 800, 600));
        let mut drawn = Drawn::new(SurfaceId::panel(1), picture(40, 20, true));
        let before = drawn.layer(rect(0, 0, 40, 20), &screen).unwrap();
        drawn.set(picture(50, 20, false));
        let after = drawn.layer(rect(0, 0, 50, 20), &screen).unwrap();
        assert_eq!(after.content.surface, before.content.surface);
        assert!(after.content.serial > before.content.serial && after.view.src.size.w == 50.0 && !after.opaque);
        assert!(after.damage.damage_since(before.damage.current_commit()).is_none(), "everything");
    }
}
