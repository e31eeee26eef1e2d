//! Which layer shows what of a region.
//!
//! From front to back, each layer gets what is left of the region, and an opaque layer takes its
//! part away from those below it. So no pixel is painted that an opaque layer covers. Nothing here
//! draws.

use fence::SyncFile;
use smithay::{
    reexports::pixman::{Box32, Overlap, Region32},
    utils::{Physical, Rectangle},
};

use crate::render::bounds::Bounds;

/// What a pass draws of one layer.
#[derive(Debug)]
pub struct Part {
    /// The index of the layer.
    pub layer: usize,
    /// In pixels of the target.
    pub region: Region32,
    /// What to wait for before the texture is read.
    pub wait: Option<SyncFile>,
}

/// A layer that can be drawn.
#[derive(Debug, Default)]
pub struct Usable {
    /// It hides what is below.
    pub opaque: bool,
    /// See [`Part::wait`].
    pub wait: Option<SyncFile>,
}

/// The region of one rectangle.
pub fn region_of(rect: Rectangle<i32, Physical>) -> Region32 {
    Region32::init_rect(rect.loc.x, rect.loc.y, rect.size.w.max(0) as u32, rect.size.h.max(0) as u32)
}

/// The bounding box of a region.
pub fn extents(region: &Region32) -> Rectangle<i32, Physical> {
    let boxes = region.rectangles().iter().map(|b| Rectangle::from_extremities((b.x1, b.y1), (b.x2, b.y2)));
    boxes.reduce(|all, one| all.merge(one)).unwrap_or_default()
}

/// Splits `region` into what each layer shows of it, and returns what the background shows, and how
/// many layers, or boxes around them, were looked at. `bounds`: where the layers are; `place`: where
/// one of them is. `usable` is called for each layer that shows anything, with its index; it returns
/// what it shows, or `None` if the layer cannot be drawn.
pub fn split(
    mut region: Region32,
    bounds: &Bounds,
    place: impl Fn(usize) -> Rectangle<i32, Physical>,
    mut usable: impl FnMut(usize) -> Option<Usable>,
    parts: &mut Vec<Part>,
) -> (Region32, u64) {
    let mut extent = extents(&region);
    let mut near = bounds.near();
    while let Some(layer) = near.next(extent) {
        let dst = place(layer);
        // A viewport may be as large as numbers are.
        let (right, bottom) = (dst.loc.x.saturating_add(dst.size.w), dst.loc.y.saturating_add(dst.size.h));
        let corners = Box32 { x1: dst.loc.x, y1: dst.loc.y, x2: right, y2: bottom };
        if dst.is_empty() || matches!(region.contains_rectangle(corners), Overlap::Out) {
            continue;
        }
        let Some(Usable { opaque, wait }) = usable(layer) else { continue };
        let shown = region_of(dst).intersect(&region);
        if opaque {
            region = region.subtract(&shown);
            extent = extents(&region);
        }
        parts.push(Part { layer, region: shown, wait });
        if !region.is_non_empty() {
            break;
        }
    }
    (region, near.visited)
}

#[cfg(test)]
mod tests;
