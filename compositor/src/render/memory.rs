//! Whose memory our pictures are in: the GPU's that draws them, the display's that shows them, else any that both take.

use std::sync::Arc;

use dmabuf_import::{
    Dmabuf, DmabufPlane,
    allocate::{AllocateError, Allocated, AllocationRequest, Allocator, FirstOf},
    heap::{self, DmaHeap},
    udmabuf::Udmabuf,
};
use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{Device, DumbAllocator};
use smithay::backend::allocator::{Allocator as _, Buffer as _, dmabuf::AsDmabuf};

use super::{Target, egl};
use crate::surface::buffer::Imported;

/// A GPU's memory.
pub struct Gbm<'a>(pub &'a mut egl::Allocator);

impl Allocator for Gbm<'_> {
    fn name(&self) -> String {
        "GBM".to_owned()
    }

    fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError> {
        let made = self.0.create_buffer(ask.width, ask.height, ask.format, ask.modifiers);
        let buffer = made.map_err(|e| self.refusal(e))?;
        let exported = buffer.export().map_err(|e| self.refusal(e))?;
        let planes =
            exported.handles().zip(exported.offsets()).zip(exported.strides()).map(|((fd, offset), stride)| {
                let fd = Arc::new(fd.try_clone_to_owned().map_err(|e| self.refusal(e))?);
                Ok(DmabufPlane { fd, offset, stride })
            });
        let planes = planes.collect::<Result<Vec<_>, AllocateError>>()?;
        // A driver without modifiers makes linear buffers where asked for them, and does not say so.
        let found = exported.format().modifier;
        let modifier = if ask.modifiers == [DrmModifier::Linear] { DrmModifier::Linear } else { found };
        let dmabuf = Dmabuf::new(ask.width, ask.height, ask.format, modifier, planes).map_err(|e| self.refusal(e))?;
        // Mesa's software GBM imports a dma-buf of its own under the handle of the buffer object, and closes that with the object.
        Ok(Allocated { dmabuf, keep: Some(Box::new(buffer)) })
    }
}

/// For a display without dumb buffers: memory in one piece, then any.
fn others() -> FirstOf<'static> {
    let contiguous = heap::contiguous();
    let heaps = contiguous.iter().map(String::as_str).chain(["system"]).filter_map(|name| DmaHeap::open(name).ok());
    let all = heaps.fold(FirstOf::default(), FirstOf::then);
    match Udmabuf::open() {
        Ok(udmabuf) => all.then(udmabuf),
        Err(_) => all,
    }
}

/// A linear buffer that the CPU, or a converter, draws into and that the display shows.
pub fn shown(device: &Device, width: u32, height: u32, format: DrmFourcc) -> Result<Arc<Target>, String> {
    let ask = AllocationRequest { width, height, format, modifiers: &[DrmModifier::Linear] };
    let takes = |allocated| {
        let target = Imported::allocated(allocated);
        match target.framebuffer(device) {
            Some(_) => Ok(Arc::new(target)),
            None => Err(format!("{} does not show it", device.path().display())),
        }
    };
    let mut first = FirstOf::default().then(DumbAllocator(device.clone()));
    first.allocate_for(&ask, takes).or_else(|refused| {
        // These are opened only where they are needed.
        others().allocate_for(&ask, takes).map_err(|error| format!("{refused}; {error}"))
    })
}

/// A buffer in a GPU's own memory.
pub fn of_gpu(
    allocator: &mut egl::Allocator,
    width: u32,
    height: u32,
    format: DrmFourcc,
    modifiers: &[DrmModifier],
) -> Result<Arc<Target>, String> {
    let allocated = Gbm(allocator).allocate(&AllocationRequest { width, height, format, modifiers });
    allocated.map(|allocated| Arc::new(Imported::allocated(allocated))).map_err(|e| e.to_string())
}
