//! The image of the pointer, in a buffer that a cursor plane can show.

use std::sync::Arc;

use smithay::utils::{Logical, Point};

use crate::render::Target;

/// What to show on the cursor plane.
#[derive(Debug, Clone)]
pub struct CursorImage {
    pub target: Arc<Target>,
    pub hotspot: Point<i32, Logical>,
}
