//! Which plane takes which layer.
//!
//! ```text
//!  top layer covers the output, opaque, a dma-buf     → the primary plane shows it; nothing is rendered
//!  top layer opaque, a dma-buf, an overlay is free    → the overlay shows it; the rest is rendered into the primary plane
//!  else                                               → everything is rendered into the primary plane
//! ```
//!
//! A layout that the kernel has refused is remembered and not tried again; one that it took is used again without a
//! test. This module decides; it commits nothing.

use kms::{Device, OutputPlane, Rect, SrcRect};
use smithay::utils::{Physical, Size, Transform};

use crate::{
    render::Layer,
    surface::{buffer::Source, content::Content},
};

/// What identifies a layout to the kernel: everything but the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    plane: u32,
    format: u32,
    modifier: u64,
    src: SrcRect,
    dst: Rect,
}

/// A layer for a plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Index of the plane in the output.
    pub plane: usize,
    /// Index of the layer in the scene.
    pub layer: usize,
    pub key: Key,
    /// Nothing else needs to be rendered.
    pub whole: bool,
}

/// What the kernel said to earlier layouts.
#[derive(Debug, Default)]
pub struct Layouts {
    refused: Vec<Key>,
    accepted: Option<Key>,
}

impl Layouts {
    /// How many refusals are remembered.
    const MEMORY: usize = 32;

    /// Whether the layout needs no test.
    pub fn is_accepted(&self, key: &Key) -> bool {
        self.accepted.as_ref() == Some(key)
    }

    /// Whether it would be refused again.
    pub fn is_refused(&self, key: &Key) -> bool {
        self.refused.contains(key)
    }

    /// The kernel took it.
    pub fn accept(&mut self, key: Key) {
        self.accepted = Some(key);
    }

    /// The kernel refused it.
    pub fn refuse(&mut self, key: Key) {
        if self.accepted == Some(key) {
            self.accepted = None;
        }
        if self.refused.len() == Self::MEMORY {
            self.refused.remove(0);
        }
        self.refused.push(key);
    }

    /// A modeset: everything may be different.
    pub fn forget(&mut self) {
        *self = Self::default();
    }
}

/// The best candidate for a plane, if any layer qualifies.
pub fn candidate(
    device: &Device,
    planes: &[OutputPlane],
    primary: usize,
    overlays: &[usize],
    scene: &[Layer],
    output: Size<i32, Physical>,
    layouts: &Layouts,
) -> Option<Candidate> {
    let layer = scene.first()?;
    if !layer.opaque || layer.view.transform != Transform::Normal {
        return None;
    }
    let (format, modifier) = format_of(&layer.content)?;
    let all = smithay::utils::Rectangle::from_size(output);
    let whole = layer.dst == all;
    let inside = all.contains_rect(layer.dst);
    let choices = match (whole, inside) {
        (true, _) => std::slice::from_ref(&primary),
        (false, true) => overlays,
        (false, false) => return None,
    };
    let src = layer.view.src;
    let src = SrcRect::from_f64(src.loc.x, src.loc.y, src.size.w, src.size.h);
    let dst = Rect::new(layer.dst.loc.x, layer.dst.loc.y, layer.dst.size.w as u32, layer.dst.size.h as u32);
    for &plane in choices {
        let key = Key { plane: planes[plane].id, format: format as u32, modifier: u64::from(modifier), src, dst };
        if layouts.is_refused(&key) || !planes[plane].supports(format, modifier) {
            continue;
        }
        // Made once a buffer; a refusal there is remembered with the buffer.
        let Source::Dmabuf(imported) = &layer.content.source else { return None };
        imported.framebuffer(device)?;
        return Some(Candidate { plane, layer: 0, key, whole });
    }
    None
}

fn format_of(content: &Content) -> Option<(drm_fourcc::DrmFourcc, drm_fourcc::DrmModifier)> {
    match &content.source {
        Source::Dmabuf(imported) => Some((imported.dmabuf.format(), imported.dmabuf.modifier())),
        Source::Shm(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(plane: u32) -> Key {
        Key { plane, format: 1, modifier: 0, src: SrcRect::full(8, 8), dst: Rect::new(0, 0, 8, 8) }
    }

    #[test]
    fn what_was_refused_is_not_tried_again_until_forgotten() {
        let mut layouts = Layouts::default();
        layouts.accept(key(1));
        assert!(layouts.is_accepted(&key(1)) && !layouts.is_accepted(&key(2)));
        layouts.refuse(key(1));
        assert!(layouts.is_refused(&key(1)) && !layouts.is_accepted(&key(1)));
        layouts.forget();
        assert!(!layouts.is_refused(&key(1)));
    }

    #[test]
    fn the_memory_of_refusals_is_bounded() {
        let mut layouts = Layouts::default();
        for plane in 0..100 {
            layouts.refuse(key(plane));
        }
        assert!(!layouts.is_refused(&key(0)) && layouts.is_refused(&key(99)));
        assert_eq!(layouts.refused.len(), Layouts::MEMORY);
    }
}
