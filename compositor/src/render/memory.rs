//! In which memory the compositor's own buffers are: that of the GPU that renders to them, that of
//! the display that scans them out, else any memory that both support.
//!
//! It renders nothing.

use std::{any::Any, sync::Arc};

use dmabuf_import::{
    Dmabuf, DmabufPlane,
    allocate::{AllocateError, Allocated, AllocationRequest, Allocator, FirstOf},
    heap::{self, DmaHeap},
    udmabuf::Udmabuf,
};
use drm_fourcc::{DrmFourcc, DrmModifier};
use kms::{Device, DumbAllocator};
use rustix::fs::{MemfdFlags, memfd_create};
use smithay::{
    backend::allocator::{Allocator as _, Buffer as _, dmabuf::AsDmabuf},
    reexports::pixman::FormatCode,
};

use crate::{
    render::{Target, egl},
    surface::buffer::{Imported, PixmanImage},
    system::ioctl::MappedBuffer,
};

/// A GPU's memory.
pub struct Gbm<'a>(pub &'a mut egl::Allocator);

impl Allocator for Gbm<'_> {
    fn name(&self) -> String {
        "GBM".to_owned()
    }

    fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError> {
        if super::fault::starves() {
            return Err(self.refusal(std::io::Error::from_raw_os_error(libc::EACCES)));
        }
        let made = self.0.gbm.create_buffer(ask.width, ask.height, ask.format, ask.modifiers);
        let buffer = made.map_err(|e| self.refusal(e))?;
        let exported = buffer.export().map_err(|e| self.refusal(e))?;
        let planes =
            exported.handles().zip(exported.offsets()).zip(exported.strides()).map(|((fd, offset), stride)| {
                let fd = Arc::new(fd.try_clone_to_owned().map_err(|e| self.refusal(e))?);
                Ok(DmabufPlane { fd, offset, stride })
            });
        let planes = planes.collect::<Result<Vec<_>, AllocateError>>()?;
        // A driver without modifiers makes linear buffers on request, but does not report the
        // modifier.
        let found = exported.format().modifier;
        let modifier = if ask.modifiers == [DrmModifier::Linear] { DrmModifier::Linear } else { found };
        let dmabuf = Dmabuf::new(ask.width, ask.height, ask.format, modifier, planes).map_err(|e| self.refusal(e))?;
        // Mesa's software GBM imports its own dma-buf under the handle of the buffer object, and
        // closes that handle with the object, so the object is kept.
        let keep: Box<dyn Any + Send> = match self.0.keep_mapped {
            false => Box::new(buffer),
            true => match MappedBuffer::new(buffer) {
                Ok(mapped) => Box::new(mapped),
                Err(buffer) => {
                    tracing::debug!("a render target cannot stay mapped; each pass will map it");
                    Box::new(buffer)
                }
            },
        };
        Ok(Allocated { dmabuf, keep: Some(keep) })
    }
}

/// The allocators for a display without dumb buffers: contiguous memory first, then any memory.
fn others() -> FirstOf<'static> {
    let contiguous = heap::contiguous();
    let heaps = contiguous.iter().map(String::as_str).chain(["system"]).filter_map(|name| DmaHeap::open(name).ok());
    let all = heaps.fold(FirstOf::default(), FirstOf::then);
    match Udmabuf::open() {
        Ok(udmabuf) => all.then(udmabuf),
        Err(_) => all,
    }
}

/// Allocates a linear buffer that the CPU or a converter writes and that the display can scan out;
/// `plain`: by a framebuffer that names no modifier. Error, for the log: no allocator has suitable
/// memory.
pub fn shown(
    device: &Device,
    (width, height): (u32, u32),
    format: DrmFourcc,
    plain: bool,
) -> Result<Arc<Target>, String> {
    if device.is_headless() {
        return in_memory(width, height, format);
    }
    let ask = AllocationRequest { width, height, format, modifiers: &[DrmModifier::Linear] };
    let scans_out = |allocated| {
        let target = Imported::allocated(allocated).plain(plain);
        match target.framebuffer(device) {
            Some(_) => Ok(Arc::new(target)),
            None => Err(format!("{} cannot scan it out", device.path().display())),
        }
    };
    let mut first = FirstOf::default().then(DumbAllocator(device.clone()));
    first.allocate_for(&ask, scans_out).or_else(|refused| {
        // These allocators are opened only where they are needed.
        others().allocate_for(&ask, scans_out).map_err(|error| format!("{refused}; {error}"))
    })
}

/// Allocates the target of a headless display, or an image that nobody scans out: plain memory of this process, which a machine
/// without any device has too. Its descriptor stands for it and has no pixels.
pub fn in_memory(width: u32, height: u32, format: DrmFourcc) -> Result<Arc<Target>, String> {
    let code = FormatCode::try_from(format).map_err(|_| format!("pixman does not draw {format}"))?;
    let memory = PixmanImage::new(code, width as usize, height as usize, true)
        .map_err(|_| format!("no memory for {width}x{height} pixels"))?;
    let fd = memfd_create("headless", MemfdFlags::CLOEXEC).map_err(|errno| errno.to_string())?;
    let dmabuf = Dmabuf::stand_in(width, height, format, memory.stride() as u32, fd).map_err(|e| e.to_string())?;
    Ok(Arc::new(Imported::in_memory(dmabuf, memory)))
}

/// Allocates a buffer in a GPU's own memory, with one of `modifiers`.
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
