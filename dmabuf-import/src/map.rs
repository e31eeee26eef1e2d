//! CPU access to dma-bufs, in `DMA_BUF_IOCTL_SYNC` brackets.
//!
//! The brackets keep CPU caches and devices coherent (`Documentation/driver-api/dma-buf.rst`);
//! beginning one also waits for the fences that the buffer carries. So a thread that must not wait
//! exports the fences first and enters a bracket when they have signalled. Never leaves a bracket
//! open.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;

use crate::ioctl::dma_buf_sync;
use crate::{CallError, dmabuf};

pub use crate::ioctl::RawMap;

const SYNC_READ: u64 = 1;
const SYNC_WRITE: u64 = 2;
const SYNC_END: u64 = 4;

impl crate::Dmabuf {
    /// The CPU has written the buffer without a bracket: brings what its caches hold into memory,
    /// for devices that do not look there. Two system calls for each distinct descriptor. **May
    /// wait** for all fences of the buffer. Errors: as the ioctl.
    pub fn flush(&self) -> Result<(), CallError> {
        self.fds().try_for_each(|fd| {
            let fail = |errno| CallError::new("DMA_BUF_IOCTL_SYNC", "dma-buf", errno);
            dma_buf_sync(fd, SYNC_WRITE).map_err(fail)?;
            dma_buf_sync(fd, SYNC_WRITE | SYNC_END).map_err(fail)
        })
    }
}

/// A whole dma-buf mapped for the CPU. Holds the dma-buf; unmapped on drop.
#[derive(Debug)]
pub struct Mapping {
    map: RawMap,
    fd: Arc<OwnedFd>,
    write: bool,
}

impl Mapping {
    /// Maps all of `fd`, which is shared with the caller, for reading and (where asked) writing.
    ///
    /// Errors: EACCES (exported without write access), EINVAL or ENODEV (the exporter has no mmap),
    /// ENOMEM.
    pub fn new(fd: Arc<OwnedFd>, write: bool) -> Result<Self, CallError> {
        let size = dmabuf::size(fd.as_fd()).map_err(|errno| CallError::new("lseek", "dma-buf", errno))?;
        Self::with_size(fd, size, write)
    }

    /// The same where the dma-buf's size is known: one system call less.
    pub(crate) fn with_size(fd: Arc<OwnedFd>, size: u64, write: bool) -> Result<Self, CallError> {
        let fail = |call| move |errno| CallError::new(call, "dma-buf", errno);
        let len = usize::try_from(size).map_err(|_| fail("mmap")(Errno::OVERFLOW))?;
        let map = RawMap::new(fd.as_fd(), 0, len, write).map_err(fail("mmap"))?;
        Ok(Self { map, fd, write })
    }

    /// Bytes of the mapping.
    pub fn len(&self) -> usize {
        self.map.bytes().len()
    }

    /// Whether the mapping has no bytes: never.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Runs `read` with the bytes inside a read bracket. **May wait** for writers' fences.
    ///
    /// Another process may write at the same time: values read twice may differ.
    pub fn cpu_read<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, CallError> {
        let bracket = Bracket::begin(&self.fd, SYNC_READ)?;
        let result = read(self.map.bytes());
        bracket.end()?;
        Ok(result)
    }

    /// Runs `write` with the bytes inside a bracket for reading and writing. **May wait** for all
    /// fences of the buffer.
    ///
    /// Errors: EPERM if the mapping was made for reading only; else as the ioctl.
    pub fn cpu_write<R>(&mut self, write: impl FnOnce(&mut [u8]) -> R) -> Result<R, CallError> {
        if !self.write {
            return Err(CallError::new("DMA_BUF_IOCTL_SYNC", "a mapping made for reading", Errno::PERM));
        }
        let bracket = Bracket::begin(&self.fd, SYNC_READ | SYNC_WRITE)?;
        let result = write(self.map.bytes_mut());
        bracket.end()?;
        Ok(result)
    }
}

/// An open bracket; ends on drop too, should the closure panic.
struct Bracket<'a> {
    fd: &'a OwnedFd,
    flags: u64,
    open: bool,
}

impl<'a> Bracket<'a> {
    fn begin(fd: &'a OwnedFd, flags: u64) -> Result<Self, CallError> {
        sync(fd, flags)?;
        Ok(Self { fd, flags, open: true })
    }

    fn end(mut self) -> Result<(), CallError> {
        self.open = false;
        sync(self.fd, self.flags | SYNC_END)
    }
}

impl Drop for Bracket<'_> {
    fn drop(&mut self) {
        if self.open {
            let _ = sync(self.fd, self.flags | SYNC_END);
        }
    }
}

fn sync(fd: &OwnedFd, flags: u64) -> Result<(), CallError> {
    loop {
        match dma_buf_sync(fd.as_fd(), flags) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            other => return other.map_err(|errno| CallError::new("DMA_BUF_IOCTL_SYNC", "dma-buf", errno)),
        }
    }
}
