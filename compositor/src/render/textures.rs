//! Textures that are kept per surface.
//!
//! It makes none.

use std::collections::HashMap;

use dmabuf_import::colour::Representation;
use smithay::backend::renderer::utils::CommitCounter;

use crate::{render::shm, system::id::SurfaceId};

/// Textures by surface.
pub type Textures<T> = HashMap<SurfaceId, Known<T>>;

/// A surface's texture.
#[derive(Debug)]
pub struct Known<T> {
    /// The content that it was made from.
    pub serial: u64,
    pub commit: CommitCounter,
    /// What its colours were taken for.
    pub colour: Option<Representation>,
    /// Its memory is ours, and a copy.
    pub own: Option<shm::Own>,
    pub texture: T,
}
