//! Dumb buffers: memory that the CPU draws into and any driver can scan out.
//!
//! Never for rendering by a GPU, and never fast to read on discrete cards (write-combined memory).

use std::sync::Arc;

use dmabuf_import::allocate::{AllocateError, Allocated, AllocationRequest, Allocator};
use dmabuf_import::map::RawMap;
use dmabuf_import::{Dmabuf, DmabufPlane, Fourcc, GemHandle, Modifier, formats};
use rustix::io::Errno;

use crate::kernel::FbDescription;
use crate::{CallError, Device, Framebuffer, FramebufferId};

/// A dumb buffer with its framebuffer and its mapping. All go with it.
#[derive(Debug)]
pub struct DumbBuffer {
    fb: Framebuffer,
    map: RawMap,
    stride: u32,
    format: Fourcc,
    handle: GemHandle,
    device: Device,
}

impl Device {
    /// Allocates a buffer that the CPU can draw into and any plane can show. See
    /// [`DumbBuffer::new`].
    pub fn dumb(&self, width: u32, height: u32, format: Fourcc) -> Result<DumbBuffer, CallError> {
        DumbBuffer::new(self, width, height, format)
    }
}

impl DumbBuffer {
    /// Allocates and maps a zeroed buffer of one plane (RGB formats, or packed YUV). 4 calls.
    ///
    /// Errors: EINVAL (the format has several planes, or the driver cannot scan it out), ENOSYS or
    /// EOPNOTSUPP (no dumb buffers), ENOMEM.
    pub fn new(device: &Device, width: u32, height: u32, format: Fourcc) -> Result<Self, CallError> {
        let info = formats::info(format).filter(|info| info.planes == 1);
        let bpp = info.ok_or_else(|| device.errno("DRM_IOCTL_MODE_CREATE_DUMB", Errno::INVAL))?.bpp();
        let dumb = device.kernel().create_dumb(width, height, bpp);
        let dumb = dumb.map_err(|errno| device.errno("DRM_IOCTL_MODE_CREATE_DUMB", errno))?;
        let handle = device.gem().adopt(dumb.handle);
        let fb = Framebuffer::add(
            device,
            &FbDescription {
                width,
                height,
                format: format as u32,
                modifier: None,
                handles: [dumb.handle, 0, 0, 0],
                pitches: [dumb.pitch, 0, 0, 0],
                offsets: [0; 4],
            },
        )?;
        let map = device.kernel().map_dumb(&dumb).map_err(|errno| device.errno("DRM_IOCTL_MODE_MAP_DUMB", errno))?;
        Ok(Self { fb, map, stride: dumb.pitch, format, handle, device: device.clone() })
    }

    /// Id of its framebuffer.
    pub fn id(&self) -> FramebufferId {
        self.fb.id()
    }

    /// Its framebuffer; the memory lives as long as a clone of it is shown or kept.
    pub fn framebuffer(&self) -> &Framebuffer {
        &self.fb
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.fb.size()
    }

    /// The pixel format.
    pub fn format(&self) -> Fourcc {
        self.format
    }

    /// Bytes from line to line.
    pub fn stride(&self) -> u32 {
        self.stride
    }

    /// The pixels, for reading.
    pub fn bytes(&self) -> &[u8] {
        self.map.bytes()
    }

    /// The pixels, for drawing. What is drawn while the buffer is on screen may be seen half done.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.map.bytes_mut()
    }

    /// Exports the memory as a dma-buf, owned by the caller, which lives on its own. Errors:
    /// EOPNOTSUPP or ENOSYS (no PRIME).
    pub fn export(&self) -> Result<Dmabuf, CallError> {
        let fd = self.device.kernel().prime_export(self.handle.raw());
        let fd = fd.map_err(|errno| self.device.errno("DRM_IOCTL_PRIME_HANDLE_TO_FD", errno))?;
        let (width, height) = self.size();
        let planes = vec![DmabufPlane { fd: Arc::new(fd), offset: 0, stride: self.stride }];
        Dmabuf::new(width, height, self.format, Modifier::Linear, planes)
            .map_err(|_| self.device.errno("DRM_IOCTL_PRIME_HANDLE_TO_FD", Errno::INVAL))
    }
}

/// A device's dumb buffers as [`Allocator`]: linear, of one plane. What it gives has no framebuffer
/// and no mapping of ours.
#[derive(Debug, Clone)]
pub struct DumbAllocator(pub Device);

impl Allocator for DumbAllocator {
    fn name(&self) -> String {
        format!("dumb buffers of {}", self.0.path().display())
    }

    fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError> {
        if !ask.modifiers.contains(&Modifier::Linear) {
            return Err(self.refusal("they are linear only"));
        }
        let dumb = DumbBuffer::new(&self.0, ask.width, ask.height, ask.format).map_err(|e| self.refusal(e))?;
        Ok(dumb.export().map_err(|e| self.refusal(e))?.into())
    }
}
