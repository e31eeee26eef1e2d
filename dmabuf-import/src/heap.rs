//! dma-heaps: memory for dma-bufs without a GPU
//! (`Documentation/userspace-api/dma-buf-alloc-exchange.rst`).
//!
//! Never maps, never formats: what comes back is a zeroed dma-buf of whole pages.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags};

use crate::{CallError, ioctl};

/// Names of the heaps whose memory is in one piece, for devices without an IOMMU: all but `system`
/// and its relatives. Sorted.
pub fn contiguous() -> Vec<String> {
    let names = std::fs::read_dir("/dev/dma_heap").into_iter().flatten().flatten();
    let mut names: Vec<_> = names.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with("system"));
    names.sort();
    names
}

/// An open `/dev/dma_heap/NAME`.
#[derive(Debug)]
pub struct DmaHeap {
    fd: OwnedFd,
    name: String,
}

impl DmaHeap {
    /// Opens a heap by name: `system`, or one of contiguous memory such as `reserved` or
    /// `linux,cma`.
    ///
    /// Errors: ENOENT (the kernel has no such heap), EACCES (not allowed for this user).
    pub fn open(name: &str) -> Result<Self, CallError> {
        let path = PathBuf::from("/dev/dma_heap").join(name);
        let fd = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| CallError::new("open", path.display(), errno))?;
        Ok(Self { fd, name: name.to_owned() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Allocates `len` bytes, rounded up to whole pages, zeroed. The caller owns the dma-buf; it
    /// outlives the heap.
    ///
    /// Errors: EINVAL (`len` is 0), ENOMEM.
    pub fn allocate(&self, len: u64) -> Result<OwnedFd, CallError> {
        ioctl::heap_alloc(self.fd.as_fd(), len)
            .map_err(|errno| CallError::new("DMA_HEAP_IOCTL_ALLOC", format!("heap {} ({len} bytes)", self.name), errno))
    }
}
