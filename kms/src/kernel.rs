//! The seam to the kernel: every call that changes display state, as a small trait.
//!
//! [`Drm`] is the real one; [`crate::headless::Headless`] has displays that exist in the process
//! only; [`crate::scripted::Scripted`] answers with queued errnos. None decides anything: retries
//! and fall-backs are the callers', so that the scripted kernel exercises them.

use std::any::Any;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use dmabuf_import::GemDevice;
use dmabuf_import::map::RawMap;
use fence::kernel::{KernelRef, LINUX};
use rustix::io::Errno;

use crate::id::{BlobId, CrtcId, FramebufferId};
use crate::ioctl;
use crate::request::Request;

/// `DRM_MODE_ATOMIC_TEST_ONLY`: check, change nothing.
pub const TEST_ONLY: u32 = drm_sys::DRM_MODE_ATOMIC_TEST_ONLY;
/// `DRM_MODE_ATOMIC_NONBLOCK`: return before the commit is on screen.
pub const NONBLOCK: u32 = drm_sys::DRM_MODE_ATOMIC_NONBLOCK;
/// `DRM_MODE_ATOMIC_ALLOW_MODESET`: the commit may take the image away for a while.
pub const ALLOW_MODESET: u32 = drm_sys::DRM_MODE_ATOMIC_ALLOW_MODESET;
/// `DRM_MODE_PAGE_FLIP_EVENT`: send an event when the commit is on screen.
pub const PAGE_FLIP_EVENT: u32 = drm_sys::DRM_MODE_PAGE_FLIP_EVENT;
/// `DRM_MODE_PAGE_FLIP_ASYNC`: show the commit at once, not at the vblank (atomic since Linux 6.8).
pub const PAGE_FLIP_ASYNC: u32 = drm_sys::DRM_MODE_PAGE_FLIP_ASYNC;

/// What `DRM_IOCTL_MODE_ADDFB2` wants to know. GEM handles stay the caller's; the framebuffer holds
/// the memory itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FbDescription {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `DRM_FORMAT_*`.
    pub format: u32,
    /// The modifier, or `None` to leave it to the driver.
    pub modifier: Option<u64>,
    /// GEM handles; 0 behind the last plane.
    pub handles: [u32; 4],
    /// Strides in bytes.
    pub pitches: [u32; 4],
    /// Offsets in bytes.
    pub offsets: [u32; 4],
}

/// A new dumb buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dumb {
    /// Its GEM handle; the caller's.
    pub handle: u32,
    /// Bytes from line to line.
    pub pitch: u32,
    /// Bytes.
    pub size: u64,
}

/// The calls that this crate makes on a device. All take `&self`: DRM files may be used by several
/// threads.
pub trait Kernel: GemDevice {
    /// `DRM_IOCTL_MODE_ATOMIC`. On success the request's out-fences hold descriptors.
    fn atomic(&self, request: &mut Request, flags: u32, user_data: u64) -> Result<(), Errno>;
    /// `DRM_IOCTL_MODE_ADDFB2`: the id of a new framebuffer.
    fn add_framebuffer(&self, fb: &FbDescription) -> Result<FramebufferId, Errno>;
    /// `DRM_IOCTL_MODE_CLOSEFB` (Linux 6.8; EINVAL or ENOTTY before).
    fn close_framebuffer(&self, id: FramebufferId) -> Result<(), Errno>;
    /// `DRM_IOCTL_MODE_RMFB`: as `close_framebuffer`, but **turns off every plane that shows it**.
    fn remove_framebuffer(&self, id: FramebufferId) -> Result<(), Errno>;
    /// `DRM_IOCTL_MODE_CREATEPROPBLOB`.
    fn create_blob(&self, data: &[u8]) -> Result<BlobId, Errno>;
    /// `DRM_IOCTL_MODE_DESTROYPROPBLOB`.
    fn destroy_blob(&self, id: BlobId) -> Result<(), Errno>;
    /// One `read()` of events; EAGAIN where there are none.
    fn read_events(&self, bytes: &mut [u8]) -> Result<usize, Errno>;
    /// `DRM_IOCTL_MODE_CREATE_DUMB`.
    fn create_dumb(&self, width: u32, height: u32, bpp: u32) -> Result<Dumb, Errno>;
    /// `DRM_IOCTL_MODE_MAP_DUMB` and `mmap(2)`: all of a dumb buffer, for reading and writing.
    fn map_dumb(&self, dumb: &Dumb) -> Result<RawMap, Errno>;
    /// `DRM_IOCTL_PRIME_HANDLE_TO_FD`: a dma-buf of a GEM handle, which the caller owns.
    fn prime_export(&self, handle: u32) -> Result<OwnedFd, Errno>;
    /// Who answers for the device's syncobjs, and a descriptor of it, which the caller owns.
    fn syncobjs(&self) -> Result<(KernelRef, OwnedFd), Errno>;
    /// `DRM_IOCTL_SET_MASTER`.
    fn set_master(&self) -> Result<(), Errno>;
    /// `DRM_IOCTL_DROP_MASTER`.
    fn drop_master(&self) -> Result<(), Errno>;
    /// `DRM_IOCTL_CRTC_GET_SEQUENCE`: whether a CRTC's vblanks can be asked for. EINVAL: they do not
    /// run; EOPNOTSUPP: the driver has none.
    fn crtc_sequence(&self, crtc: CrtcId) -> Result<(), Errno>;
    /// Everything that the device has now, where this kernel knows it without ioctls on its
    /// descriptor. It is an `Inventory`; the type is not named, because an inventory is made of what
    /// devices have, and a device has its kernel.
    fn inventory(&self) -> Option<Box<dyn Any>> {
        None
    }
    /// Where this kernel's debugfs is usually mounted.
    fn debugfs(&self) -> PathBuf;
    /// The descriptor to poll for events; stays the kernel's.
    fn fd(&self) -> BorrowedFd<'_>;
}

/// The real kernel, through an open `/dev/dri/cardN`.
#[derive(Debug)]
pub struct Drm {
    fd: OwnedFd,
}

impl Drm {
    /// Takes over an open DRM device; it is closed on drop.
    pub fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

impl GemDevice for Drm {
    fn prime_import(&self, dmabuf: BorrowedFd<'_>) -> Result<u32, Errno> {
        self.fd.prime_import(dmabuf)
    }

    fn gem_close(&self, handle: u32) -> Result<(), Errno> {
        self.fd.gem_close(handle)
    }
}

impl Kernel for Drm {
    fn atomic(&self, request: &mut Request, flags: u32, user_data: u64) -> Result<(), Errno> {
        ioctl::atomic(self.fd.as_fd(), flags, user_data, request)
    }

    fn add_framebuffer(&self, fb: &FbDescription) -> Result<FramebufferId, Errno> {
        let planes = fb.handles.map(|handle| handle != 0);
        let modifier = planes.map(|used| if used { fb.modifier.unwrap_or(0) } else { 0 });
        let flags = if fb.modifier.is_some() { drm_sys::DRM_MODE_FB_MODIFIERS } else { 0 };
        drm_ffi::mode::add_fb2(
            self.fd.as_fd(),
            fb.width,
            fb.height,
            fb.format,
            &fb.handles,
            &fb.pitches,
            &fb.offsets,
            &modifier,
            flags,
        )
        .map(|fb| FramebufferId::from_raw(fb.fb_id))
        .map_err(|error| errno(&error))
    }

    fn close_framebuffer(&self, id: FramebufferId) -> Result<(), Errno> {
        ioctl::close_fb(self.fd.as_fd(), id)
    }

    fn remove_framebuffer(&self, id: FramebufferId) -> Result<(), Errno> {
        drm_ffi::mode::rm_fb(self.fd.as_fd(), id.raw()).map_err(|error| errno(&error))
    }

    fn create_blob(&self, data: &[u8]) -> Result<BlobId, Errno> {
        ioctl::create_blob(self.fd.as_fd(), data)
    }

    fn destroy_blob(&self, id: BlobId) -> Result<(), Errno> {
        drm_ffi::mode::destroy_property_blob(self.fd.as_fd(), id.raw()).map(drop).map_err(|error| errno(&error))
    }

    fn read_events(&self, bytes: &mut [u8]) -> Result<usize, Errno> {
        rustix::io::read(&self.fd, bytes)
    }

    fn create_dumb(&self, width: u32, height: u32, bpp: u32) -> Result<Dumb, Errno> {
        let made = drm_ffi::mode::dumbbuffer::create(self.fd.as_fd(), width, height, bpp, 0);
        let made = made.map_err(|error| errno(&error))?;
        Ok(Dumb { handle: made.handle, pitch: made.pitch, size: made.size })
    }

    fn map_dumb(&self, dumb: &Dumb) -> Result<RawMap, Errno> {
        let place =
            drm_ffi::mode::dumbbuffer::map(self.fd.as_fd(), dumb.handle, 0, 0).map_err(|error| errno(&error))?;
        let len = usize::try_from(dumb.size).map_err(|_| Errno::OVERFLOW)?;
        RawMap::new(self.fd.as_fd(), place.offset, len, true)
    }

    fn prime_export(&self, handle: u32) -> Result<OwnedFd, Errno> {
        ioctl::prime_export(self.fd.as_fd(), handle)
    }

    fn syncobjs(&self) -> Result<(KernelRef, OwnedFd), Errno> {
        Ok((&LINUX, rustix::io::fcntl_dupfd_cloexec(&self.fd, 0)?))
    }

    fn set_master(&self) -> Result<(), Errno> {
        drm_ffi::auth::acquire_master(self.fd.as_fd()).map(drop).map_err(|error| errno(&error))
    }

    fn drop_master(&self) -> Result<(), Errno> {
        drm_ffi::auth::release_master(self.fd.as_fd()).map(drop).map_err(|error| errno(&error))
    }

    fn crtc_sequence(&self, crtc: CrtcId) -> Result<(), Errno> {
        ioctl::crtc_sequence(self.fd.as_fd(), crtc).map(drop)
    }

    fn debugfs(&self) -> PathBuf {
        PathBuf::from("/sys/kernel/debug")
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
