//! The ioctls and mappings of dma-bufs, dma-heaps and udmabuf: one thin function each.
//!
//! Nothing here decides anything: borrowed descriptors go in, owned ones come out, errnos pass
//! through.
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::NonNull;

use rustix::ffi::c_void;
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Setter, Updater, ioctl, opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// `struct dma_buf_sync` of `linux/dma-buf.h`.
#[repr(C)]
#[derive(Clone, Copy)]
struct DmaBufSync {
    flags: u64,
}

/// `DMA_BUF_IOCTL_SYNC`: begins or ends CPU access. EINTR and EAGAIN are to be repeated by the
/// caller.
pub(crate) fn dma_buf_sync(fd: BorrowedFd<'_>, flags: u64) -> Result<(), Errno> {
    const OP: Opcode = opcode::write::<DmaBufSync>(b'b', 0);
    // SAFETY: the kernel reads one `struct dma_buf_sync` and writes nothing.
    unsafe { ioctl(fd, Setter::<OP, _>::new(DmaBufSync { flags })) }
}

/// `struct dma_heap_allocation_data` of `linux/dma-heap.h`.
#[repr(C)]
#[derive(Clone, Copy)]
struct HeapAllocation {
    len: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

/// `DMA_HEAP_IOCTL_ALLOC`: allocates `len` bytes (rounded up to pages). The caller owns the dma-buf
/// that comes back.
pub(crate) fn heap_alloc(heap: BorrowedFd<'_>, len: u64) -> Result<OwnedFd, Errno> {
    const OP: Opcode = opcode::read_write::<HeapAllocation>(b'H', 0);
    let fd_flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC;
    let mut data = HeapAllocation { len, fd: 0, fd_flags: fd_flags.bits(), heap_flags: 0 };
    // SAFETY: the kernel reads and writes one `struct dma_heap_allocation_data`; on success `fd` is
    // a new descriptor that is known here only.
    unsafe {
        ioctl(heap, Updater::<OP, _>::new(&mut data))?;
        Ok(OwnedFd::from_raw_fd(data.fd as RawFd))
    }
}

/// `struct udmabuf_create` of `linux/udmabuf.h`.
#[repr(C)]
struct UdmabufCreate {
    memfd: u32,
    flags: u32,
    offset: u64,
    size: u64,
}

/// `UDMABUF_CREATE` returns the new descriptor as the result of the ioctl.
struct Create(UdmabufCreate);

// SAFETY: the opcode names a write of `struct udmabuf_create`, `as_ptr` points at one, and a
// success returns a new descriptor.
unsafe impl Ioctl for Create {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        opcode::write::<UdmabufCreate>(b'u', 0x42)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<OwnedFd> {
        // SAFETY: the kernel returned a descriptor that it has just installed.
        Ok(unsafe { OwnedFd::from_raw_fd(out) })
    }
}

/// `UDMABUF_CREATE`: a dma-buf over the pages of a memfd. `memfd` stays the caller's; the caller
/// owns the result.
pub(crate) fn udmabuf_create(
    dev: BorrowedFd<'_>,
    memfd: BorrowedFd<'_>,
    offset: u64,
    size: u64,
) -> Result<OwnedFd, Errno> {
    const CLOEXEC: u32 = 1;
    let create = UdmabufCreate { memfd: memfd.as_raw_fd() as u32, flags: CLOEXEC, offset, size };
    // SAFETY: see `impl Ioctl for Create`.
    unsafe { ioctl(dev, Create(create)) }
}

/// A shared mapping of a whole file, unmapped on drop. Owns the mapping, not the file.
#[derive(Debug)]
pub struct RawMap {
    at: NonNull<u8>,
    len: usize,
}

// SAFETY: a mapping is plain memory; it is tied to no thread, and `&mut` guards the writes of this
// process.
unsafe impl Send for RawMap {}
// SAFETY: as above; `&RawMap` only reads.
unsafe impl Sync for RawMap {}

impl RawMap {
    /// Maps `len` bytes of `fd` from `offset`, shared, for reading and (where asked) writing. `fd`
    /// stays the caller's.
    ///
    /// Touching pages behind the end of a file that shrinks raises SIGBUS: map only what cannot
    /// shrink (devices, dma-bufs, sealed memfds). Errors: EINVAL (`len` 0, `offset` not of whole
    /// pages), EACCES, ENODEV, ENOMEM.
    pub fn new(fd: BorrowedFd<'_>, offset: u64, len: usize, write: bool) -> Result<Self, Errno> {
        if len == 0 {
            return Err(Errno::INVAL);
        }
        let prot = if write { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that exists.
        let at = unsafe { mmap(std::ptr::null_mut(), len, prot, MapFlags::SHARED, fd, offset)? };
        NonNull::new(at.cast()).map(|at| Self { at, len }).ok_or(Errno::NOMEM)
    }

    /// The mapped bytes. Devices and other processes may change them: read what matters once.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `at` is mapped readable for `len` bytes as long as `self` lives.
        unsafe { std::slice::from_raw_parts(self.at.as_ptr(), self.len) }
    }

    /// The mapped bytes for writing; only for mappings made with `write`.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as `bytes`; `&mut self` makes this the only slice of this mapping.
        unsafe { std::slice::from_raw_parts_mut(self.at.as_ptr(), self.len) }
    }
}

impl Drop for RawMap {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new`, and no slice of it outlives `self`.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), self.len) };
    }
}
