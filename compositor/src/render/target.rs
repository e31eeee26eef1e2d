//! Render targets: buffers that we draw into and that the display scans out.

use std::sync::Arc;

use dmabuf_import::allocate::{AllocationRequest, Allocator as _};
use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{Device, DumbAllocator};
use smithay::backend::renderer::Bind;

use super::{
    Gles, Renderer,
    memory::{of_gpu, shown},
};
use crate::surface::buffer::Imported;

/// A target; free to be drawn into when nobody else holds the `Arc`.
pub type Target = Imported;

/// The format of a target.
pub const OPAQUE: DrmFourcc = DrmFourcc::Xrgb8888;
/// The format of a target through whose holes planes below it are seen.
pub const WITH_HOLES: DrmFourcc = DrmFourcc::Argb8888;

impl Renderer {
    /// A target of this renderer that a plane can scan out which has `modifiers` for its `format`: XRGB8888, or ARGB8888 for one with
    /// holes.
    pub fn new_target(
        &mut self,
        device: &Device,
        width: u32,
        height: u32,
        format: DrmFourcc,
        modifiers: &[DrmModifier],
    ) -> Result<Arc<Target>, String> {
        match self {
            Self::Pixman { .. } => shown(device, width, height, format),
            Self::Gles(gles) if gles.card != device.serial() => shared(gles, device, width, height, format),
            Self::Gles(gles) => {
                let mut renderable: Vec<_> =
                    modifiers.iter().copied().filter(|m| gles.can_render(format, *m)).collect();
                if renderable.is_empty() {
                    // Nothing in common by name: let the driver choose what the display can scan out.
                    renderable.push(DrmModifier::Invalid);
                }
                of_gpu(&mut gles.allocator, width, height, format, &renderable)
            }
        }
    }
}

/// A buffer that the GPU of one card draws into and another card shows: linear, in the GPU's memory if the display reads it there, else in
/// the display's if the GPU draws there.
fn shared(gles: &mut Gles, device: &Device, width: u32, height: u32, format: DrmFourcc) -> Result<Arc<Target>, String> {
    let own = of_gpu(&mut gles.allocator, width, height, format, &[DrmModifier::Linear]);
    let refused = match own {
        Ok(target) if target.framebuffer(device).is_some() => return Ok(target),
        Ok(_) => "its display does not show the GPU's linear buffers".to_owned(),
        Err(error) => error,
    };
    let ask = AllocationRequest { width, height, format, modifiers: &[DrmModifier::Linear] };
    let dumb = DumbAllocator(device.clone()).allocate(&ask).map_err(|e| e.to_string())?;
    let target = Arc::new(Imported::allocated(dumb));
    let mut wl = target.wl()?.clone();
    match gles.renderer.bind(&mut wl) {
        Ok(_) => Ok(target),
        Err(error) => Err(format!(
            "{}: {refused}, and the GPU of another card does not draw into its buffers ({error}); run with --renderer pixman",
            device.path().display()
        )),
    }
}
