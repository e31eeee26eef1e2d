//! The pointer's image, in a buffer that a cursor plane can show.
//!
//! Plain data: it renders nothing.

use std::sync::Arc;

use smithay::utils::{Logical, Point};

use crate::render::Target;

/// What the cursor plane shows.
#[derive(Debug, Clone)]
pub struct CursorImage {
    pub target: Arc<Target>,
    /// The pixel of the image that is at the pointer's position.
    pub hotspot: Point<i32, Logical>,
}
