//! What a renderer draws into: a dma-buf, or plain memory where the display is headless; and how it
//! draws a layer there.
//!
//! Every renderer draws into dma-bufs; only pixman draws into plain memory.

use std::sync::MutexGuard;

use smallvec::SmallVec;
use smithay::{
    backend::{
        allocator::{Fourcc, dmabuf::Dmabuf as WlDmabuf, format::has_alpha},
        renderer::{
            Bind, Frame, Offscreen as _, Renderer, Texture as _,
            gles::{GlesError, GlesFrame, GlesRenderer, GlesTexture},
            pixman::{PixmanError, PixmanRenderer, PixmanTexture},
        },
    },
    utils::{Buffer, Physical, Point, Rectangle, Size, Transform},
};

use crate::{
    render::{Layer, Target, software},
    surface::buffer::PixmanImage,
};

/// A target that is about to be bound.
pub enum Drawable<'t> {
    Dmabuf(WlDmabuf),
    Memory(MutexGuard<'t, PixmanImage>),
}

impl<'t> Drawable<'t> {
    /// Of a target. Error, for the log: no file descriptor was left.
    pub fn of(target: &'t Target) -> Result<Self, String> {
        match target.memory() {
            Some(memory) => Ok(Self::Memory(memory)),
            None => target.wl().map(Self::Dmabuf),
        }
    }
}

/// Which part of a texture is shown, where, and how it is turned.
pub struct Place {
    pub src: Rectangle<f64, Buffer>,
    pub dst: Rectangle<i32, Physical>,
    pub transform: Transform,
}

impl Place {
    /// All of an upright texture of this size, at the origin.
    pub fn whole(size: Size<i32, Buffer>) -> Self {
        let dst = Rectangle::from_size((size.w, size.h).into());
        Self { src: Rectangle::from_size(size.to_f64()), dst, transform: Transform::Normal }
    }
}

/// A renderer that draws into targets.
pub trait BindTarget: Renderer {
    /// Binds a target. Error, for the log: the renderer cannot draw into it.
    fn bind_target<'a>(&mut self, target: &'a mut Drawable<'_>) -> Result<Self::Framebuffer<'a>, String>;

    /// What a texture shows of `area`, of its size, for one that is to be drawn there with an alpha below
    /// one; `None`: this one can be. Error, for the log: there is no memory for it.
    fn fadeable(
        &mut self,
        _texture: &Self::TextureId,
        _place: &Place,
        _area: Rectangle<i32, Physical>,
    ) -> Result<Option<Self::TextureId>, String> {
        Ok(None)
    }

    /// Draws what `rects` (relative to the layer) show of a layer's texture, in a frame of this size
    /// on this target.
    fn draw_layer(
        frame: &mut Self::Frame<'_, '_>,
        _on: (&Target, Size<i32, Physical>),
        texture: &Self::TextureId,
        layer: &Layer,
        rects: &[Rectangle<i32, Physical>],
    ) -> Result<(), Self::Error> {
        draw_layer(frame, texture, layer, rects)
    }
}

fn draw_layer<F: Frame>(
    frame: &mut F,
    texture: &F::TextureId,
    layer: &Layer,
    rects: &[Rectangle<i32, Physical>],
) -> Result<(), F::Error> {
    let opaque: &[_] = if layer.opaque { rects } else { &[] };
    let alpha = layer.view.factor.as_f32();
    frame.render_texture_from_to(texture, layer.view.src, layer.dst, rects, opaque, layer.transform(), alpha)
}

impl BindTarget for PixmanRenderer {
    fn bind_target<'a>(&mut self, target: &'a mut Drawable<'_>) -> Result<Self::Framebuffer<'a>, String> {
        match target {
            Drawable::Dmabuf(dmabuf) => self.bind(dmabuf),
            Drawable::Memory(image) => self.bind(&mut **image),
        }
        .map_err(|error| error.to_string())
    }

    /// Beyond a texture there is nothing for Smithay's, so the edges of one that is magnified would be
    /// dark, or mixed with what was there. They are drawn a little larger than the rest.
    fn draw_layer(
        frame: &mut Self::Frame<'_, '_>,
        _: (&Target, Size<i32, Physical>),
        texture: &PixmanTexture,
        layer: &Layer,
        rects: &[Rectangle<i32, Physical>],
    ) -> Result<(), PixmanError> {
        let Size { w, h, .. } = layer.dst.size;
        let texels = layer.transform().transform_size(layer.view.src.size);
        let ((left, x), (top, y)) = (margin(w, texels.w), margin(h, texels.h));
        if (left, top) == (0, 0) {
            return draw_layer(frame, texture, layer, rects);
        }
        let inner = Rectangle::new((left, top).into(), ((w - 2 * left).max(0), (h - 2 * top).max(0)).into());
        let (mut inside, mut edges) = (SmallVec::<[_; 4]>::new(), SmallVec::<[_; 8]>::new());
        for rect in rects {
            inside.extend(rect.intersection(inner).filter(|rect| !rect.is_empty()));
            let outside = if inner.is_empty() { vec![*rect] } else { rect.subtract_rect(inner) };
            // Relative to the larger one.
            edges.extend(outside.into_iter().map(|rect| Rectangle::new(rect.loc + Point::from((x, y)), rect.size)));
        }
        if !edges.is_empty() {
            let dst = Rectangle::new(layer.dst.loc - Point::from((x, y)), (w + 2 * x, h + 2 * y).into());
            draw_layer(frame, texture, &Layer { dst, ..layer.clone() }, &edges)?;
        }
        if inside.is_empty() { Ok(()) } else { draw_layer(frame, texture, layer, &inside) }
    }

    /// Smithay's blends nothing whose format has no alpha: it replaces what was there. So its pixels
    /// are drawn into memory with alpha, at each pass in which they fade: those of the area, however
    /// large the buffer is.
    fn fadeable(
        &mut self,
        texture: &PixmanTexture,
        place: &Place,
        area: Rectangle<i32, Physical>,
    ) -> Result<Option<PixmanTexture>, String> {
        if texture.format().is_none_or(has_alpha) {
            return Ok(None);
        }
        let failed = |error: PixmanError| format!("copying a texture to fade it: {error}");
        let mut copy = self.create_buffer(Fourcc::Argb8888, (area.size.w, area.size.h).into()).map_err(failed)?;
        let mut framebuffer = self.bind(&mut copy).map_err(failed)?;
        let mut frame = self.render(&mut framebuffer, area.size, Transform::Normal).map_err(failed)?;
        let dst = Rectangle::new(place.dst.loc - area.loc, place.dst.size);
        let all = Rectangle::new(area.loc - place.dst.loc, area.size);
        frame.render_texture_from_to(texture, place.src, dst, &[all], &[], place.transform, 1.0).map_err(failed)?;
        // The CPU is done when it says so: there is nothing to wait for.
        frame.finish().map(drop).map_err(failed)?;
        drop(framebuffer);
        Ok(Some(PixmanTexture::from(copy)))
    }
}

/// More is not magnified with care: pixman computes with 16 bits after the point.
const MOST_CAREFUL: f64 = 256.0;

/// How many pixels at an edge of a magnified image get their colour in part from beyond its texture, and how much
/// larger it must be there at each end so that they do not.
fn margin(drawn: i32, texels: f64) -> (i32, i32) {
    let by = f64::from(drawn) / texels;
    if !(1.0..MOST_CAREFUL).contains(&by) || by == 1.0 {
        return (0, 0);
    }
    let within = if texels >= 2.0 { texels / (texels - 1.0) } else { 1.0 };
    ((by / 2.0).ceil() as i32, (by / 2.0 * within).ceil() as i32)
}

impl BindTarget for GlesRenderer {
    fn bind_target<'a>(&mut self, target: &'a mut Drawable<'_>) -> Result<Self::Framebuffer<'a>, String> {
        match target {
            Drawable::Dmabuf(dmabuf) => self.bind(dmabuf).map_err(|error| error.to_string()),
            Drawable::Memory(_) => Err("a GPU does not draw into the memory of a headless display".to_owned()),
        }
    }

    fn draw_layer(
        frame: &mut GlesFrame<'_, '_>,
        on: (&Target, Size<i32, Physical>),
        texture: &GlesTexture,
        layer: &Layer,
        rects: &[Rectangle<i32, Physical>],
    ) -> Result<(), GlesError> {
        match software::draw(frame, on, texture, layer, rects)? {
            true => Ok(()),
            false => draw_layer(frame, texture, layer, rects),
        }
    }
}

#[cfg(test)]
mod tests {
    use smithay::backend::renderer::{ExportMem, ImportMem};

    use super::*;

    #[test]
    fn an_edge_is_as_wide_as_half_a_texel() {
        let table = [
            (100, 100.0, (0, 0)),
            (50, 100.0, (0, 0)),
            (125, 100.0, (1, 1)),
            (200, 100.0, (1, 2)),
            (300, 100.0, (2, 2)),
            (400, 2.0, (100, 200)),
            (1000, 2.0, (0, 0)),
        ];
        for (drawn, texels, expected) in table {
            assert_eq!(margin(drawn, texels), expected, "{drawn} {texels}");
        }
    }

    /// It costs what is drawn, whatever its client has made.
    #[test]
    fn what_fades_is_copied_where_it_is_drawn() {
        let mut renderer = PixmanRenderer::new().unwrap();
        let size: Size<i32, Buffer> = (400, 300).into();
        // The right half has another colour.
        let pixels: Vec<u8> = (0..400 * 300).flat_map(|at| [if at % 400 < 200 { 9 } else { 200 }, 0, 0, 0]).collect();
        let opaque = renderer.import_memory(&pixels, Fourcc::Xrgb8888, size, false).unwrap();
        let place = Place { dst: Rectangle::new((10, 20).into(), (800, 600).into()), ..Place::whole(size) };
        let area = Rectangle::new((400, 50).into(), (20, 5).into());
        let copy = renderer.fadeable(&opaque, &place, area).unwrap().expect("a copy");
        assert_eq!((copy.width(), copy.height()), (20, 5));
        let mut into: PixmanImage = renderer.create_buffer(Fourcc::Argb8888, (20, 5).into()).unwrap();
        let mut framebuffer = renderer.bind(&mut into).unwrap();
        let mut frame = renderer.render(&mut framebuffer, area.size, Transform::Normal).unwrap();
        let Place { src, dst, transform } = Place::whole(copy.size());
        frame.render_texture_from_to(&copy, src, dst, &[dst], &[], transform, 1.0).unwrap();
        frame.finish().map(drop).unwrap();
        let all = Rectangle::from_size(copy.size());
        let mapping = renderer.copy_framebuffer(&framebuffer, all, Fourcc::Argb8888).unwrap();
        let seen = renderer.map_texture(&mapping).unwrap();
        assert_eq!((&seen[..4], &seen[76..80]), (&[9, 0, 0, 255][..], &[200, 0, 0, 255][..]), "{seen:?}");
        drop(framebuffer);
        let with_alpha = renderer.import_memory(&pixels, Fourcc::Argb8888, size, false).unwrap();
        assert!(renderer.fadeable(&with_alpha, &place, area).unwrap().is_none());
    }
}
