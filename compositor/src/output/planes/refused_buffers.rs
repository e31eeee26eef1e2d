//! Clients' buffers that a card refuses only when they are committed.
//!
//! A TEST_ONLY commit does not pin memory. On a GPU with memory of its own a buffer that lies elsewhere
//! (shared memory, another GPU's) passes the test, and the commit is EINVAL: amdgpu ("A shared bo
//! cannot be migrated to VRAM"), i915 with local memory. The layout is not to blame: the next buffer
//! of the same layout may lie well, and this one fails wherever it is.

use std::sync::Arc;

use rustix::io::Errno;
use smallvec::SmallVec;

use crate::{
    output::{
        planes::request::{OnPlane, PlaneRequest},
        state::Output,
    },
    surface::buffer::{Imported, PixelSource},
};

/// The buffers of one frame.
pub type Buffers = SmallVec<[Arc<Imported>; 2]>;

/// The clients' buffers in `requests` that no plane of the output has shown before: those that may be
/// why the commit of a tested layout was refused with `errno`.
pub fn suspects(output: &Output, requests: &[PlaneRequest], errno: Errno) -> Buffers {
    // Bandwidth, memory and permission have nothing to do with where a buffer lies.
    if !matches!(errno, Errno::INVAL | Errno::OPNOTSUPP) {
        return Buffers::new();
    }
    let shown = |imported: &Arc<Imported>| {
        output.on_planes().any(|(_, on)| buffer(on).is_some_and(|other| Arc::ptr_eq(other, imported)))
    };
    requests.iter().filter_map(|request| buffer(&request.show)).filter(|of| !shown(of)).cloned().collect()
}

/// A client's buffer on a plane.
fn buffer(on: &OnPlane) -> Option<&Arc<Imported>> {
    match on {
        OnPlane::Content(content) => match &content.source {
            PixelSource::Dmabuf(imported) => Some(imported),
            PixelSource::Shm(_) | PixelSource::Solid(_) => None,
        },
        OnPlane::Target(_) => None,
    }
}
