//! vgem buffers and their implicit fences, for tests of the bridge to implicit synchronisation.
//!
//! For tests only; it never maps a buffer.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::{CallError, Object, implicit::Access, ioctl};

/// A buffer of a vgem device. Dropping it closes the handle; dma-bufs of it live on.
#[derive(Debug)]
pub struct VgemBuffer<'a> {
    device: BorrowedFd<'a>,
    handle: u32,
}

impl<'a> VgemBuffer<'a> {
    /// A new buffer of 32 bits a pixel. `device` is an open vgem device that stays the caller's.
    ///
    /// # Errors
    /// `ENOTTY`, `EOPNOTSUPP`: no vgem device; `ENOMEM`.
    pub fn new(device: BorrowedFd<'a>, width: u32, height: u32) -> Result<VgemBuffer<'a>, CallError> {
        ioctl::create_dumb(device, width, height)
            .map(|handle| VgemBuffer { device, handle })
            .map_err(|errno| CallError::new("MODE_CREATE_DUMB", Object::fd(device), errno))
    }

    /// A dma-buf of it, which the caller owns.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn dmabuf(&self) -> Result<OwnedFd, CallError> {
        ioctl::prime_handle_to_fd(self.device, self.handle)
            .map_err(|errno| CallError::new("PRIME_HANDLE_TO_FD", Object::Handle(self.handle), errno))
    }

    /// Attaches a new implicit fence: somebody reads or writes the buffer from now on. It expires
    /// after ten seconds, and its device's last close signals it.
    ///
    /// # Errors
    /// `EBUSY`: there is a pending fence that conflicts; `ENOTTY`: no vgem.
    pub fn fence(&self, access: Access) -> Result<VgemFence<'a>, CallError> {
        ioctl::vgem_fence_attach(self.device, self.handle, u32::from(access == Access::Write))
            .map(|fence| VgemFence { device: self.device, fence })
            .map_err(|errno| CallError::new("VGEM_FENCE_ATTACH", Object::Handle(self.handle), errno))
    }
}

impl Drop for VgemBuffer<'_> {
    fn drop(&mut self) {
        if let Err(errno) = ioctl::gem_close(self.device, self.handle) {
            tracing::error!(handle = self.handle, %errno, "a GEM handle was not ours to close");
        }
    }
}

/// An implicit fence on a [`VgemBuffer`]. Dropping it without [`signal`](VgemFence::signal) lets it
/// expire.
#[derive(Debug)]
#[must_use = "it stays pending until it is signalled or expires"]
pub struct VgemFence<'a> {
    device: BorrowedFd<'a>,
    fence: u32,
}

impl VgemFence<'_> {
    /// Signals it: true if in time, false if it had expired.
    ///
    /// # Errors
    /// None for a fence of this device.
    pub fn signal(self) -> Result<bool, CallError> {
        match ioctl::vgem_fence_signal(self.device.as_fd(), self.fence) {
            Ok(()) => Ok(true),
            Err(Errno::TIMEDOUT) => Ok(false),
            Err(errno) => Err(CallError::new("VGEM_FENCE_SIGNAL", Object::Handle(self.fence), errno)),
        }
    }
}
