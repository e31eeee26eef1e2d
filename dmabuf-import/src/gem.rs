//! GEM handles with reference counts.
//!
//! `DRM_IOCTL_PRIME_FD_TO_HANDLE` gives the *same* handle for the same buffer each time it is asked
//! through one open file description, and `DRM_IOCTL_GEM_CLOSE` closes that handle whatever number
//! of times it was given out (`drivers/gpu/drm/drm_prime.c`). Two framebuffers of one dma-buf would
//! close each other's handle. So all handles of one DRM file go through one [`GemTable`].
//!
//! Never share that open file description (not even by `dup`) with GBM or an EGL driver: they have
//! a table of their own, and the two close each other's handles. Open the node again for them.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use crate::CallError;

/// The two calls that a [`GemTable`] needs. Implemented for DRM descriptors; scripted kernels have
/// their own.
pub trait GemDevice: Send + Sync + std::fmt::Debug {
    /// `DRM_IOCTL_PRIME_FD_TO_HANDLE`. `dmabuf` stays the caller's.
    fn prime_import(&self, dmabuf: BorrowedFd<'_>) -> Result<u32, Errno>;
    /// `DRM_IOCTL_GEM_CLOSE`.
    fn gem_close(&self, handle: u32) -> Result<(), Errno>;
}

impl GemDevice for OwnedFd {
    fn prime_import(&self, dmabuf: BorrowedFd<'_>) -> Result<u32, Errno> {
        let prime = drm_ffi::gem::fd_to_handle(self.as_fd(), dmabuf);
        prime.map(|prime| prime.handle).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }

    fn gem_close(&self, handle: u32) -> Result<(), Errno> {
        let closed = drm_ffi::gem::close(self.as_fd(), handle);
        closed.map(drop).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    }
}

/// All GEM handles of one open DRM file. Cheap to clone; clones share the table.
#[derive(Debug, Clone)]
pub struct GemTable {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    device: Arc<dyn GemDevice>,
    /// Handle → how many [`GemHandle`]s hold it. Never holds a zero.
    counts: Mutex<HashMap<u32, usize>>,
}

impl GemTable {
    /// A table for `device`, which it keeps open. There must be one table only for one open file
    /// description.
    pub fn new(device: Arc<dyn GemDevice>) -> Self {
        Self { shared: Arc::new(Shared { device, counts: Mutex::default() }) }
    }

    /// Imports a dma-buf. `dmabuf` stays the caller's; the handle is closed when the last
    /// [`GemHandle`] of it drops.
    ///
    /// Errors: EBADF/EINVAL (not a dma-buf), ENOTTY/ENOSYS (the driver has no PRIME import),
    /// ENOMEM, and what the driver's attach and map return (EINVAL or EIO for memory that it cannot
    /// reach).
    pub fn import(&self, dmabuf: BorrowedFd<'_>) -> Result<GemHandle, CallError> {
        // The lock spans the call: between FD_TO_HANDLE and the count no other thread may close the
        // same handle.
        let mut counts = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = self.shared.device.prime_import(dmabuf).map_err(|errno| {
            let object = format!("fd {}", std::os::fd::AsRawFd::as_raw_fd(&dmabuf));
            CallError::new("DRM_IOCTL_PRIME_FD_TO_HANDLE", object, errno)
        })?;
        *counts.entry(handle).or_insert(0) += 1;
        Ok(GemHandle { handle, shared: self.shared.clone() })
    }

    /// Takes over a handle that another call made on the same file (a dumb buffer's, for example):
    /// it is closed when the last [`GemHandle`] of it drops, imports of its own dma-buf included.
    pub fn adopt(&self, handle: u32) -> GemHandle {
        let mut counts = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(handle).or_insert(0) += 1;
        GemHandle { handle, shared: self.shared.clone() }
    }

    /// How many different handles are open: what a leak test counts.
    pub fn len(&self) -> usize {
        self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether no handle is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One use of a GEM handle. Dropping the last use closes the handle.
#[derive(Debug)]
pub struct GemHandle {
    handle: u32,
    shared: Arc<Shared>,
}

impl GemHandle {
    /// The handle's number, valid on the table's file as long as `self` lives.
    pub fn raw(&self) -> u32 {
        self.handle
    }
}

impl Drop for GemHandle {
    fn drop(&mut self) {
        let mut counts = self.shared.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(count) = counts.get_mut(&self.handle) else { return };
        *count -= 1;
        if *count == 0 {
            counts.remove(&self.handle);
            if let Err(errno) = self.shared.device.gem_close(self.handle) {
                tracing::error!(handle = self.handle, %errno, "DRM_IOCTL_GEM_CLOSE");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives every import handle 7, as the kernel does for one buffer, and notes what is closed.
    #[derive(Debug, Default)]
    struct OneBuffer {
        closed: Mutex<Vec<u32>>,
        refuse: bool,
    }

    impl GemDevice for OneBuffer {
        fn prime_import(&self, _: BorrowedFd<'_>) -> Result<u32, Errno> {
            if self.refuse { Err(Errno::NOTTY) } else { Ok(7) }
        }

        fn gem_close(&self, handle: u32) -> Result<(), Errno> {
            self.closed.lock().unwrap().push(handle);
            Ok(())
        }
    }

    fn any_fd() -> OwnedFd {
        rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap()
    }

    #[test]
    fn second_import_keeps_the_handle_open() {
        let device = Arc::new(OneBuffer::default());
        let table = GemTable::new(device.clone());
        let fd = any_fd();
        let first = table.import(fd.as_fd()).unwrap();
        let second = table.import(fd.as_fd()).unwrap();
        assert_eq!((first.raw(), second.raw(), table.len()), (7, 7, 1));
        drop(first);
        assert!(device.closed.lock().unwrap().is_empty(), "the second user still has it");
        drop(second);
        assert_eq!(*device.closed.lock().unwrap(), [7]);
        assert!(table.is_empty());
    }

    #[test]
    fn adopted_handle_counts_with_imports_of_it() {
        let device = Arc::new(OneBuffer::default());
        let table = GemTable::new(device.clone());
        let dumb = table.adopt(7);
        let import = table.import(any_fd().as_fd()).unwrap();
        drop(dumb);
        assert!(device.closed.lock().unwrap().is_empty());
        drop(import);
        assert_eq!(*device.closed.lock().unwrap(), [7]);
    }

    #[test]
    fn refusal_names_the_call_and_leaves_nothing() {
        let table = GemTable::new(Arc::new(OneBuffer { refuse: true, ..OneBuffer::default() }));
        let error = table.import(any_fd().as_fd()).unwrap_err();
        assert_eq!((error.call, error.errno), ("DRM_IOCTL_PRIME_FD_TO_HANDLE", Errno::NOTTY));
        assert!(table.is_empty());
    }
}
