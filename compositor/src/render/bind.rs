//! What a renderer draws into: a dma-buf, or plain memory where the display is headless; and how it
//! draws a layer there.
//!
//! Every renderer draws into dma-bufs; only pixman draws into plain memory.

use std::sync::MutexGuard;

use smithay::{
    backend::{
        allocator::dmabuf::Dmabuf as WlDmabuf,
        renderer::{
            Bind, Frame, Renderer,
            gles::{GlesError, GlesFrame, GlesRenderer, GlesTexture},
            pixman::PixmanRenderer,
        },
    },
    utils::{Physical, Rectangle, Size},
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
    frame.render_texture_from_to(texture, layer.view.src, layer.dst, rects, opaque, layer.transform(), 1.0)
}

impl BindTarget for PixmanRenderer {
    fn bind_target<'a>(&mut self, target: &'a mut Drawable<'_>) -> Result<Self::Framebuffer<'a>, String> {
        match target {
            Drawable::Dmabuf(dmabuf) => self.bind(dmabuf),
            Drawable::Memory(image) => self.bind(&mut **image),
        }
        .map_err(|error| error.to_string())
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
