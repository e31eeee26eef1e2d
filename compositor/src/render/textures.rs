//! Textures that are kept per surface.
//!
//! It creates no texture.

use std::collections::HashMap;

use dmabuf_import::{Fourcc, colour::Representation};
use smallvec::SmallVec;
use smithay::{
    backend::renderer::utils::{CommitCounter, DamageSet},
    utils::{Buffer, Rectangle, Size},
};

use crate::{surface::content::Content, system::id::SurfaceId};

/// Textures by surface; in boxes, because a table is half empty.
pub type Textures<T> = HashMap<SurfaceId, Box<KnownTexture<T>>>;

/// The size and format of a texture that holds a copy; a texture of the same size and format is
/// reused.
pub type CopyFormat = (Size<i32, Buffer>, Fourcc);

/// A surface's texture.
#[derive(Debug)]
pub struct KnownTexture<T> {
    /// The serial of the content that it was created from.
    pub serial: u64,
    /// Up to which damage of the surface the texture is current.
    pub commit: CommitCounter,
    /// The YUV matrix and range that were assumed; `None`: RGB.
    pub colour: Option<Representation>,
    /// Set if the texture holds a copy, which can be updated. Not for a picture that is older than
    /// its `commit`.
    pub copy: Option<CopyFormat>,
    /// The texture is the client's memory itself: each pass reads that.
    pub in_place: bool,
    pub texture: T,
}

impl<T> KnownTexture<T> {
    /// Whether the texture was made from this content, with these colours.
    pub fn shows(&self, content: &Content, colour: Option<Representation>) -> bool {
        self.serial == content.serial && self.colour == colour
    }
}

/// A texture that holds a copy of a surface's last content.
pub struct LastCopy<'t, T> {
    pub texture: &'t T,
    pub format: CopyFormat,
    /// What has changed since, in buffer pixels.
    pub damage: DamageSet<i32, Buffer>,
}

/// More damage rectangles than these are copied as one, so that no client makes the compositor copy
/// the same pixels again and again.
const MAX_RECTS: usize = 16;

impl<T> LastCopy<'_, T> {
    /// The rectangles of the image to copy again.
    pub fn changed(&self) -> SmallVec<[Rectangle<i32, Buffer>; MAX_RECTS]> {
        let image = Rectangle::from_size(self.format.0);
        let within = self.damage.iter().filter_map(|rect| rect.intersection(image)).filter(|rect| !rect.is_empty());
        match self.damage.len() > MAX_RECTS {
            true => within.reduce(|all, rect| all.merge(rect)).into_iter().collect(),
            false => within.collect(),
        }
    }
}
