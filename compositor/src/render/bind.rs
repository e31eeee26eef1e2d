//! What a renderer draws into: a dma-buf, or plain memory where the display is headless; and how it
//! draws a layer there.
//!
//! Every renderer draws into dma-bufs; only pixman draws into plain memory.

use std::sync::MutexGuard;

use smithay::{
    backend::{
        allocator::{Fourcc, dmabuf::Dmabuf as WlDmabuf, format::has_alpha},
        renderer::{
            Bind, Frame, Offscreen as _, Renderer, Texture as _,
            gles::{GlesError, GlesFrame, GlesRenderer, GlesTexture},
            pixman::{PixmanError, PixmanRenderer, PixmanTexture},
        },
    },
    utils::{Buffer, Physical, Rectangle, Size, Transform},
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
