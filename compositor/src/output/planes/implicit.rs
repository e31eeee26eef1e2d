//! Planes that would wait for fences in clients' dma-bufs.
//!
//! The kernel adds the fences of writers to a commit for each plane that gets no in-fence
//! (`drm_gem_plane_helper_prepare_fb`), and waits for them without a limit. So a plane that cannot
//! have an in-fence gets a buffer only if nothing is pending there. One system call at most, and
//! none where every plane has an in-fence. Nothing here waits.

use std::sync::Arc;

use kms::assign::Assignment;

use crate::{
    output::{
        planes::request::{OnPlane, PlaneRequest},
        state::Output,
    },
    render::Layer,
    surface::content::Content,
};

/// Whether the kernel would wait for a fence in the memory of a layer that the assignment puts on a
/// plane. What a plane shows already counts, too: drivers add planes to a commit by themselves.
pub fn waits(output: &Output, assignment: &Assignment, layers: &[Layer]) -> bool {
    let unfenced = assignment.layers_on_planes().filter(|(_, plane)| !output.takes_in_fence(*plane));
    is_written(unfenced.map(|(at, _)| &layers[at].content))
}

/// Whether the kernel would wait for a fence in the memory of a client's buffer if these went without
/// in-fences.
pub fn waits_without_fences<'a>(requests: impl IntoIterator<Item = &'a PlaneRequest>) -> bool {
    is_written(requests.into_iter().filter_map(|request| match &request.show {
        OnPlane::Content(content) => Some(content),
        OnPlane::Target(_) => None,
    }))
}

fn is_written<'a>(contents: impl Iterator<Item = &'a Arc<Content>>) -> bool {
    !dmabuf_import::unreadable(contents.filter_map(|content| content.client_memory())).is_empty()
}
