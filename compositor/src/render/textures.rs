//! Textures that are kept per surface.
//!
//! It creates no texture.

use std::collections::HashMap;

use dmabuf_import::colour::Representation;
use smithay::backend::renderer::utils::CommitCounter;

use crate::{render::shm, system::id::SurfaceId};

/// Textures by surface.
pub type Textures<T> = HashMap<SurfaceId, KnownTexture<T>>;

/// A surface's texture.
#[derive(Debug)]
pub struct KnownTexture<T> {
    /// The serial of the content that it was created from.
    pub serial: u64,
    /// Up to which damage of the surface the texture is current.
    pub commit: CommitCounter,
    /// The YUV matrix and range that were assumed; `None`: RGB.
    pub colour: Option<Representation>,
    /// Set if the texture holds a copy, which can be updated.
    pub copy: Option<shm::CopyFormat>,
    pub texture: T,
}
