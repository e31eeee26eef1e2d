//! Framebuffers: buffers that the kernel can scan out.
//!
//! A framebuffer must be kept until the flip of the commit that replaced it; the caller keeps it.
//! Dropping one that is still shown is safe where the kernel has `CLOSEFB` (Linux 6.8); on older
//! ones it turns the plane off.

use std::sync::Arc;

use dmabuf_import::{Dmabuf, Fourcc, GemHandle, Modifier, formats, modifiers};
use rustix::io::Errno;

use crate::id::FramebufferId;
use crate::kernel::FbDescription;
use crate::{CallError, Device};

/// A framebuffer; removed from the device when the last clone drops.
#[derive(Debug, Clone)]
pub struct Framebuffer {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    device: Device,
    id: FramebufferId,
    size: (u32, u32),
    format: u32,
}

impl Device {
    /// Makes a framebuffer of `dmabuf`, which it does not keep. See [`Framebuffer::import`].
    pub fn framebuffer(&self, dmabuf: &Dmabuf, opaque: bool) -> Result<Framebuffer, CallError> {
        Framebuffer::import(self, dmabuf, opaque)
    }

    /// The same without the modifier, for a buffer of this device, or a linear one: the driver takes
    /// it for what it knows of the memory, else for linear.
    pub fn plain_framebuffer(&self, dmabuf: &Dmabuf) -> Result<Framebuffer, CallError> {
        Framebuffer::made(self, dmabuf, dmabuf.format(), None)
    }
}

impl Framebuffer {
    /// Imports `dmabuf` (its descriptors stay the caller's) and adds a framebuffer; 1 + planes
    /// calls. The GEM handles are closed at once: a framebuffer holds its memory itself.
    ///
    /// `opaque` takes the format's twin without alpha, for buffers whose alpha is to be ignored.
    /// Errors: of [`dmabuf_import::GemTable::import`]; EINVAL (the driver cannot scan out this
    /// format, modifier, stride or size), ENOMEM.
    pub fn import(device: &Device, dmabuf: &Dmabuf, opaque: bool) -> Result<Self, CallError> {
        let format = if opaque { formats::opaque(dmabuf.format()) } else { dmabuf.format() };
        let modifier = match dmabuf.modifier() {
            Modifier::Invalid => None,
            // Drivers without modifiers take linear buffers when nothing is said.
            Modifier::Linear if !device.caps().modifiers => None,
            modifier => Some(modifiers::raw(modifier)),
        };
        Self::made(device, dmabuf, format, modifier)
    }

    fn made(device: &Device, dmabuf: &Dmabuf, format: Fourcc, modifier: Option<u64>) -> Result<Self, CallError> {
        let (width, height, format) = (dmabuf.width(), dmabuf.height(), format as u32);
        let mut fb = FbDescription { width, height, format, modifier, ..FbDescription::default() };
        let mut handles: [Option<GemHandle>; 4] = Default::default();
        for (at, plane) in dmabuf.planes().iter().enumerate().take(4) {
            let handle = device.gem().import(std::os::fd::AsFd::as_fd(&*plane.fd))?;
            (fb.handles[at], fb.pitches[at], fb.offsets[at]) = (handle.raw(), plane.stride, plane.offset);
            handles[at] = Some(handle);
        }
        // vkms (6.11 to 7.3 at least) reads every colour plane from the first buffer
        // (`packed_pixels_offset` in vkms_formats.c).
        let several = fb.handles.iter().any(|&handle| handle != 0 && handle != fb.handles[0]);
        if several && device.is_vkms() {
            return Err(CallError::new(
                "DRM_IOCTL_MODE_ADDFB2",
                "colour planes in several buffers, on vkms",
                Errno::INVAL,
            ));
        }
        Self::add(device, &fb)
    }

    /// Adds a framebuffer of GEM handles, which stay the caller's.
    pub(crate) fn add(device: &Device, fb: &FbDescription) -> Result<Self, CallError> {
        let id = device.kernel().add_framebuffer(fb).map_err(|errno| {
            let name = modifiers::fourcc(fb.format).map_or_else(|| format!("{:#x}", fb.format), formats::name);
            let modifier = fb.modifier.map_or("implicit".to_owned(), |raw| modifiers::name(Modifier::from(raw)));
            CallError::new("DRM_IOCTL_MODE_ADDFB2", format!("{}x{} {name} {modifier}", fb.width, fb.height), errno)
        })?;
        let inner = Inner { device: device.clone(), id, size: (fb.width, fb.height), format: fb.format };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its id, for [`crate::PlaneState`].
    pub fn id(&self) -> FramebufferId {
        self.inner.id
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.inner.size
    }

    /// `DRM_FORMAT_*` as it was added (the opaque twin, where asked).
    pub fn format(&self) -> u32 {
        self.inner.format
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let kernel = self.device.kernel();
        let closed = match kernel.close_framebuffer(self.id) {
            // Linux before 6.8: EINVAL for an ioctl number that DRM does not know, ENOTTY through
            // some layers.
            Err(Errno::INVAL | Errno::NOTTY | Errno::OPNOTSUPP) => kernel.remove_framebuffer(self.id),
            other => other,
        };
        match closed {
            // Gone with the device, or with a seat manager's revocation.
            Ok(()) | Err(Errno::NODEV | Errno::ACCESS | Errno::NOENT) => {}
            Err(errno) => tracing::error!(fb = self.id.raw(), %errno, "DRM_IOCTL_MODE_CLOSEFB"),
        }
    }
}
