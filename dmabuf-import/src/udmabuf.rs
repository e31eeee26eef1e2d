//! udmabuf: a dma-buf over the pages of a memfd, so that shared memory needs no copy on its way to
//! a device.
//!
//! Never seals behind the owner's back except in [`Udmabuf::allocate`], where it owns the memfd.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};

use crate::{CallError, ioctl};

/// The device node.
const NODE: &str = "/dev/udmabuf";

/// An open `/dev/udmabuf`.
#[derive(Debug)]
pub struct Udmabuf {
    fd: OwnedFd,
}

impl Udmabuf {
    /// Opens the device. Errors: ENOENT (no udmabuf in this kernel), EACCES.
    pub fn open() -> Result<Self, CallError> {
        let fd = rustix::fs::open(NODE, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map_err(|errno| CallError::new("open", NODE, errno))?;
        Ok(Self { fd })
    }

    /// Makes a dma-buf of `size` bytes of `memfd` from `offset`; both must be multiples of the page
    /// size.
    ///
    /// `memfd` stays the caller's; the caller owns the result, which holds the pages. The memfd
    /// must be sealed against shrinking (`F_SEAL_SHRINK`) and must not be sealed against writing.
    ///
    /// Errors: EINVAL (alignment, range, seals), EBADFD (not a memfd), ENOMEM (over the module's
    /// `list_limit` or `size_limit_mb`).
    pub fn from_memfd(&self, memfd: BorrowedFd<'_>, offset: u64, size: u64) -> Result<OwnedFd, CallError> {
        ioctl::udmabuf_create(self.fd.as_fd(), memfd, offset, size)
            .map_err(|errno| CallError::new("UDMABUF_CREATE", format!("memfd ({size} bytes from {offset})"), errno))
    }

    /// Allocates a memfd of `len` bytes (rounded up to pages), seals it and wraps it. The caller
    /// owns the dma-buf.
    pub fn allocate(&self, len: u64) -> Result<OwnedFd, CallError> {
        let page = rustix::param::page_size() as u64;
        let size = len.max(1).div_ceil(page) * page;
        let fail = |call, errno| CallError::new(call, format!("memfd ({size} bytes)"), errno);
        let memfd = rustix::fs::memfd_create("udmabuf", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
            .map_err(|errno| fail("memfd_create", errno))?;
        rustix::fs::ftruncate(&memfd, size).map_err(|errno| fail("ftruncate", errno))?;
        rustix::fs::fcntl_add_seals(&memfd, SealFlags::SHRINK).map_err(|errno| fail("F_ADD_SEALS", errno))?;
        self.from_memfd(memfd.as_fd(), 0, size)
    }
}
