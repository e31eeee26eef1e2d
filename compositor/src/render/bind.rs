//! What a renderer draws into: a dma-buf, or plain memory where the display is headless.
//!
//! Every renderer draws into dma-bufs; only pixman draws into plain memory.

use std::sync::MutexGuard;

use smithay::backend::{
    allocator::dmabuf::Dmabuf as WlDmabuf,
    renderer::{Bind, Renderer, gles::GlesRenderer, pixman::PixmanRenderer},
};

use crate::{render::Target, surface::buffer::PixmanImage};

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
            None => target.wl().cloned().map(Self::Dmabuf),
        }
    }
}

/// A renderer that draws into targets.
pub trait BindTarget: Renderer {
    /// Binds a target. Error, for the log: the renderer cannot draw into it.
    fn bind_target<'a>(&mut self, target: &'a mut Drawable<'_>) -> Result<Self::Framebuffer<'a>, String>;
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
}
