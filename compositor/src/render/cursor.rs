//! The pointer's image, in a buffer that a cursor plane can show.
//!
//! Plain data: it renders nothing.

use std::sync::Arc;

use smithay::utils::{Logical, Physical, Point, Size};

use crate::render::Target;

/// What the cursor plane shows.
#[derive(Debug, Clone)]
pub struct CursorImage {
    /// It has the image in its top left corner, turned as the output is.
    pub target: Arc<Target>,
    /// The size of the image on the desktop.
    pub size: Size<i32, Logical>,
    /// The place of the image, on the desktop, that is at the pointer's position.
    pub hotspot: Point<i32, Logical>,
    /// The pixel of the buffer that is there.
    pub hot_pixel: Point<i32, Physical>,
}
