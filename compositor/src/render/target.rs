//! Render targets: buffers that the compositor renders to and that a display scans out.

use drm_fourcc::DrmFourcc;

use crate::surface::buffer::Imported;

/// A target; it is free for a new pass when no other owner of its `Arc` is left.
pub type Target = Imported;

/// The format of a target without holes.
pub const OPAQUE: DrmFourcc = DrmFourcc::Xrgb8888;
/// The format of a target with holes, through which the planes below are visible.
pub const WITH_HOLES: DrmFourcc = DrmFourcc::Argb8888;
