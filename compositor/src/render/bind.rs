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
    utils::{Physical, Rectangle, Size, Transform},
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

/// A renderer that draws into targets.
pub trait BindTarget: Renderer {
    /// Binds a target. Error, for the log: the renderer cannot draw into it.
    fn bind_target<'a>(&mut self, target: &'a mut Drawable<'_>) -> Result<Self::Framebuffer<'a>, String>;

    /// Another texture for one that is drawn with an alpha below one; `None`: this one can be. Error,
    /// for the log: there is no memory for it.
    fn fadeable(&mut self, _texture: &Self::TextureId) -> Result<Option<Self::TextureId>, String> {
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
    /// are copied into memory with alpha, at each pass in which they fade.
    fn fadeable(&mut self, texture: &PixmanTexture) -> Result<Option<PixmanTexture>, String> {
        if texture.format().is_none_or(has_alpha) {
            return Ok(None);
        }
        let failed = |error: PixmanError| format!("copying a texture to fade it: {error}");
        let (size, all) = (texture.size(), Rectangle::from_size((texture.size().w, texture.size().h).into()));
        let mut copy = self.create_buffer(Fourcc::Argb8888, size).map_err(failed)?;
        let mut framebuffer = self.bind(&mut copy).map_err(failed)?;
        let mut frame = self.render(&mut framebuffer, all.size, Transform::Normal).map_err(failed)?;
        let src = Rectangle::from_size(size.to_f64());
        frame.render_texture_from_to(texture, src, all, &[all], &[], Transform::Normal, 1.0).map_err(failed)?;
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
