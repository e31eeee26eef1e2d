//! The pointer's image, in a buffer that a cursor plane can show.
//!
//! Plain data: it renders nothing.

use std::sync::Arc;

use smithay::utils::{Physical, Point, Size};

use crate::render::Target;

/// What the cursor plane shows.
#[derive(Debug, Clone)]
pub struct CursorImage {
    /// It has the image in its top left corner, turned as the output is.
    pub target: Arc<Target>,
    /// The size of the image in upright pixels of the output.
    pub size: Size<i32, Physical>,
    /// The place of the image, in the same, that is at the pointer's position.
    pub hotspot: Point<i32, Physical>,
    /// The pixel of the buffer that is there.
    pub hot_pixel: Point<i32, Physical>,
}
