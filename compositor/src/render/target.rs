//! Render targets: buffers that we draw into and that the display scans out.

use drm_fourcc::DrmFourcc;

use crate::surface::buffer::Imported;

/// A target; free to be drawn into when nobody else holds the `Arc`.
pub type Target = Imported;

/// The format of a target.
pub const OPAQUE: DrmFourcc = DrmFourcc::Xrgb8888;
/// The format of a target through whose holes planes below it are seen.
pub const WITH_HOLES: DrmFourcc = DrmFourcc::Argb8888;
