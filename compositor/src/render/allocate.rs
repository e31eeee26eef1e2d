//! Allocates render targets: buffers that the renderer can render to and that a given display can
//! scan out.
//!
//! It renders nothing.

use std::sync::Arc;

use dmabuf_import::allocate::{AllocationRequest, Allocator as _};
use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{Device, DumbAllocator};
use smithay::backend::renderer::Bind;

use crate::{
    render::{
        Renderer, Target,
        egl::Gles,
        memory::{in_memory, of_gpu, shown},
        target::OPAQUE,
    },
    surface::buffer::Imported,
};

impl Renderer {
    /// Allocates a target that this renderer can render to and that a plane of `device` with the
    /// given `modifiers` for `format` can scan out. `format`: XRGB8888, or ARGB8888 for a target
    /// with holes. Without `modifiers` the driver chooses the layout, and the framebuffer names none.
    /// Error, for the log: no memory is suitable for both.
    pub fn new_target(
        &mut self,
        device: &Device,
        width: u32,
        height: u32,
        format: DrmFourcc,
        modifiers: &[DrmModifier],
    ) -> Result<Arc<Target>, String> {
        let plain = modifiers.is_empty();
        match self {
            Self::Pixman { .. } => shown(device, (width, height), format, plain),
            #[cfg(test)]
            Self::Recording(_) => shown(device, (width, height), format, plain),
            Self::Gles(gles) if gles.card != device.serial() => shared(gles, device, (width, height), format, plain),
            Self::Gles(gles) => {
                let mut renderable: Vec<_> =
                    modifiers.iter().copied().filter(|m| gles.can_render(format, *m)).collect();
                if renderable.is_empty() {
                    // No common modifier: let the driver choose a layout that the display can scan
                    // out.
                    renderable.push(DrmModifier::Invalid);
                }
                of_gpu(&mut gles.allocator, width, height, format, &renderable)
            }
        }
    }
}

impl Renderer {
    /// Allocates an image that this renderer draws into and that is read then: no display shows it. Error, for
    /// the log: there is no memory for it.
    pub fn new_captured(&mut self, width: u32, height: u32) -> Result<Arc<Target>, String> {
        match self {
            Self::Pixman { .. } => in_memory(width, height, OPAQUE),
            #[cfg(test)]
            Self::Recording(_) => in_memory(width, height, OPAQUE),
            Self::Gles(gles) => {
                let linear = [DrmModifier::Linear];
                let modifiers =
                    if gles.can_render(OPAQUE, DrmModifier::Linear) { &linear } else { &[DrmModifier::Invalid] };
                of_gpu(&mut gles.allocator, width, height, OPAQUE, modifiers)
            }
        }
    }
}

/// A linear buffer that the GPU of one card renders to and another card scans out. In the GPU's
/// memory if the display can scan it out from there, else in the display's memory if the GPU can
/// render to it there.
fn shared(
    gles: &mut Gles,
    device: &Device,
    (width, height): (u32, u32),
    format: DrmFourcc,
    plain: bool,
) -> Result<Arc<Target>, String> {
    // The display's driver would not know the layout of another GPU's buffer without a name.
    let own = of_gpu(&mut gles.allocator, width, height, format, &[DrmModifier::Linear]);
    let refused = match own {
        Ok(target) if target.framebuffer(device).is_some() => return Ok(target),
        Ok(_) => "its display cannot scan out the GPU's linear buffers".to_owned(),
        Err(error) => error,
    };
    let ask = AllocationRequest { width, height, format, modifiers: &[DrmModifier::Linear] };
    let dumb = DumbAllocator(device.clone()).allocate(&ask).map_err(|e| e.to_string())?;
    let target = Arc::new(Imported::allocated(dumb).plain(plain));
    let mut wl = target.wl()?;
    match gles.renderer.bind(&mut wl) {
        Ok(_) => Ok(target),
        Err(error) => Err(format!(
            "{}: {refused}, and the GPU of another card cannot render to its buffers ({error}); run with --renderer pixman",
            device.path().display()
        )),
    }
}
