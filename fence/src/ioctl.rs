//! One thin function per ioctl (and one for the clock): numbers, structures, nothing else.
//!
//! The only file of this crate with `unsafe`. It never interprets a result, never retries anything
//! but `EINTR`, and never keeps a file descriptor: borrowed fds go in, owned fds come out.
//!
//! Sources: `include/uapi/linux/{sync_file,dma-buf}.h`, `include/uapi/drm/{drm,vgem_drm}.h`,
//! `drivers/dma-buf/sw_sync.c` (debugfs, no public header).
#![allow(unsafe_code)]

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use rustix::{
    io::{Result, retry_on_intr},
    ioctl::{Opcode, Setter, Updater, ioctl, opcode},
};

use crate::uapi::*;
pub use crate::uapi::{RawFence, RawFile};

const DRM: u8 = b'd';
const SYNC: u8 = b'>';
const DMA_BUF: u8 = b'b';
const SW_SYNC: u8 = b'W';

/// Export and import a sync_file rather than the syncobj (both directions of `SYNCOBJ_*_TO_*`).
pub const HANDLE_SYNC_FILE: u32 = 1 << 0;
/// Take the point from the structure: Linux 6.16.
pub const HANDLE_TIMELINE: u32 = 1 << 1;
/// `DRM_CAP_SYNCOBJ`.
pub const CAP_SYNCOBJ: u64 = 0x13;
/// `DRM_CAP_SYNCOBJ_TIMELINE`.
pub const CAP_SYNCOBJ_TIMELINE: u64 = 0x14;

/// Runs a read-write ioctl.
///
/// # Safety
/// `T` must be the structure of `OPCODE`, and every pointer in it valid for what the kernel reads
/// and writes.
unsafe fn update<const OPCODE: Opcode, T>(fd: BorrowedFd<'_>, value: &mut T) -> Result<()> {
    // SAFETY: the caller vouches for the opcode, the type and the pointers in it.
    retry_on_intr(|| unsafe { ioctl(fd, Updater::<OPCODE, T>::new(value)) })
}

/// Runs a write-only ioctl.
///
/// # Safety
/// As [`update`].
unsafe fn set<const OPCODE: Opcode, T: Copy>(fd: BorrowedFd<'_>, value: T) -> Result<()> {
    // SAFETY: the caller vouches for the opcode, the type and the pointers in it.
    retry_on_intr(|| unsafe { ioctl(fd, Setter::<OPCODE, T>::new(value)) })
}

/// Takes a file descriptor that the kernel has just installed for us.
///
/// # Safety
/// `fd` must come from a call that succeeded and that gives its caller a new descriptor.
unsafe fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: this new descriptor is known here only.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

fn pointer<T>(slice: &[T]) -> u64 {
    slice.as_ptr() as usize as u64
}

/// `SYNC_IOC_FILE_INFO`: fills up to `fences.len()` entries; with an empty slice it only counts.
pub fn sync_file_info(file: BorrowedFd<'_>, fences: &mut [RawFence]) -> Result<RawFile> {
    let mut info = SyncFileInfo {
        name: [0; 32],
        status: 0,
        flags: 0,
        num_fences: fences.len() as u32,
        pad: 0,
        fence_info: fences.as_mut_ptr() as usize as u64,
    };
    // SAFETY: the pointer is to `num_fences` writable entries, and the kernel writes no more than
    // that.
    unsafe { update::<{ opcode::read_write::<SyncFileInfo>(SYNC, 4) }, _>(file, &mut info)? };
    Ok(RawFile { name: info.name, status: info.status, fences: info.num_fences })
}

/// `SYNC_IOC_MERGE`: a new sync_file with the fences of both.
pub fn sync_merge(name: [u8; 32], a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<OwnedFd> {
    let mut data = SyncMerge { name, fd2: b.as_raw_fd(), fence: -1, flags: 0, pad: 0 };
    // SAFETY: the structure of this opcode, without pointers; on success `fence` is a new fd.
    unsafe {
        update::<{ opcode::read_write::<SyncMerge>(SYNC, 3) }, _>(a, &mut data)?;
        Ok(own(data.fence))
    }
}

/// `SYNC_IOC_SET_DEADLINE`: CLOCK_MONOTONIC nanoseconds.
pub fn sync_set_deadline(file: BorrowedFd<'_>, deadline_ns: u64) -> Result<()> {
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { set::<{ opcode::write::<SyncDeadline>(SYNC, 5) }, _>(file, SyncDeadline { deadline_ns, pad: 0 }) }
}

/// `DMA_BUF_IOCTL_EXPORT_SYNC_FILE`.
pub fn dma_buf_export_sync_file(dmabuf: BorrowedFd<'_>, flags: u32) -> Result<OwnedFd> {
    let mut data = DmaBufSyncFile { flags, fd: -1 };
    // SAFETY: the structure of this opcode, without pointers; on success `fd` is a new fd.
    unsafe {
        update::<{ opcode::read_write::<DmaBufSyncFile>(DMA_BUF, 2) }, _>(dmabuf, &mut data)?;
        Ok(own(data.fd))
    }
}

/// `DMA_BUF_IOCTL_IMPORT_SYNC_FILE`.
pub fn dma_buf_import_sync_file(dmabuf: BorrowedFd<'_>, file: BorrowedFd<'_>, flags: u32) -> Result<()> {
    let mut data = DmaBufSyncFile { flags, fd: file.as_raw_fd() };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::write::<DmaBufSyncFile>(DMA_BUF, 3) }, _>(dmabuf, &mut data) }
}

/// Closes two files: in one `close_range` if no number lies between theirs. How many calls it took.
pub fn close_two(one: OwnedFd, other: OwnedFd) -> usize {
    let (low, high) = (one.as_raw_fd().min(other.as_raw_fd()), one.as_raw_fd().max(other.as_raw_fd()));
    if high != low + 1 {
        return 2;
    }
    let (_, _) = (one.into_raw_fd(), other.into_raw_fd());
    // SAFETY: both numbers are ours, given up above, and the range has no others.
    if unsafe { libc::close_range(low as u32, high as u32, 0) } == 0 {
        return 1;
    }
    // Linux < 5.9.
    // SAFETY: as above; nothing was closed.
    drop(unsafe { (own(low), own(high)) });
    3
}

/// `DRM_IOCTL_GET_CAP`.
pub fn drm_get_cap(device: BorrowedFd<'_>, capability: u64) -> Result<u64> {
    let mut data = GetCap { capability, value: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<GetCap>(DRM, 0x0c) }, _>(device, &mut data)? };
    Ok(data.value)
}

/// `DRM_IOCTL_SYNCOBJ_CREATE`.
pub fn syncobj_create(device: BorrowedFd<'_>, signalled: bool) -> Result<u32> {
    let mut data = SyncobjCreate { handle: 0, flags: signalled.into() };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<SyncobjCreate>(DRM, 0xbf) }, _>(device, &mut data)? };
    Ok(data.handle)
}

/// `DRM_IOCTL_SYNCOBJ_DESTROY`.
pub fn syncobj_destroy(device: BorrowedFd<'_>, handle: u32) -> Result<()> {
    let mut data = SyncobjDestroy { handle, pad: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<SyncobjDestroy>(DRM, 0xc0) }, _>(device, &mut data) }
}

/// `DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD`: with [`HANDLE_SYNC_FILE`] a sync_file, without it the syncobj
/// itself.
pub fn syncobj_handle_to_fd(device: BorrowedFd<'_>, handle: u32, flags: u32, point: u64) -> Result<OwnedFd> {
    let mut data = SyncobjHandle { handle, flags, fd: -1, pad: 0, point };
    // SAFETY: the structure of this opcode, without pointers; on success `fd` is a new fd.
    unsafe {
        update::<{ opcode::read_write::<SyncobjHandle>(DRM, 0xc1) }, _>(device, &mut data)?;
        Ok(own(data.fd))
    }
}

/// `DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE`: without flags the result is a new handle; with
/// [`HANDLE_SYNC_FILE`] the fence goes into `handle`.
pub fn syncobj_fd_to_handle(
    device: BorrowedFd<'_>,
    fd: BorrowedFd<'_>,
    handle: u32,
    flags: u32,
    point: u64,
) -> Result<u32> {
    let mut data = SyncobjHandle { handle, flags, fd: fd.as_raw_fd(), pad: 0, point };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<SyncobjHandle>(DRM, 0xc2) }, _>(device, &mut data)? };
    Ok(data.handle)
}

/// `DRM_IOCTL_SYNCOBJ_TRANSFER`: `(handle, point)` to `(handle, point)`.
pub fn syncobj_transfer(device: BorrowedFd<'_>, src: (u32, u64), dst: (u32, u64)) -> Result<()> {
    let mut data =
        SyncobjTransfer { src_handle: src.0, dst_handle: dst.0, src_point: src.1, dst_point: dst.1, flags: 0, pad: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<SyncobjTransfer>(DRM, 0xcc) }, _>(device, &mut data) }
}

/// `DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT`: absolute timeout; the index of the first that was ready.
///
/// `handles` and `points` have the same length; the function takes the shorter one.
pub fn syncobj_timeline_wait(
    device: BorrowedFd<'_>,
    handles: &[u32],
    points: &[u64],
    timeout_ns: i64,
    flags: u32,
    deadline_ns: u64,
) -> Result<u32> {
    let mut data = SyncobjTimelineWait {
        handles: pointer(handles),
        points: pointer(points),
        timeout_nsec: timeout_ns,
        count_handles: handles.len().min(points.len()) as u32,
        flags,
        first_signaled: u32::MAX,
        pad: 0,
        deadline_nsec: deadline_ns,
    };
    // SAFETY: both pointers are to `count_handles` readable elements.
    unsafe { update::<{ opcode::read_write::<SyncobjTimelineWait>(DRM, 0xca) }, _>(device, &mut data)? };
    Ok(data.first_signaled)
}

/// `DRM_IOCTL_SYNCOBJ_EVENTFD`.
pub fn syncobj_eventfd(
    device: BorrowedFd<'_>,
    handle: u32,
    point: u64,
    event: BorrowedFd<'_>,
    flags: u32,
) -> Result<()> {
    let mut data = SyncobjEventfd { handle, flags, point, fd: event.as_raw_fd(), pad: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<SyncobjEventfd>(DRM, 0xcf) }, _>(device, &mut data) }
}

/// `DRM_IOCTL_SYNCOBJ_RESET` of one syncobj.
pub fn syncobj_reset(device: BorrowedFd<'_>, handle: u32) -> Result<()> {
    let handles = [handle];
    let mut data = SyncobjArray { handles: pointer(&handles), count_handles: 1, pad: 0 };
    // SAFETY: the pointer is to one readable handle that outlives the call.
    unsafe { update::<{ opcode::read_write::<SyncobjArray>(DRM, 0xc4) }, _>(device, &mut data) }
}

/// `DRM_IOCTL_SYNCOBJ_QUERY` of one syncobj: flag 1 asks for the last point that is materialised, 0
/// for the last one that is signalled.
pub fn syncobj_query(device: BorrowedFd<'_>, handle: u32, flags: u32) -> Result<u64> {
    let handles = [handle];
    let mut points = [0u64];
    let mut data = SyncobjTimelineArray {
        handles: pointer(&handles),
        points: points.as_mut_ptr() as usize as u64,
        count_handles: 1,
        flags,
    };
    // SAFETY: the pointers are to one readable handle and one writable point that outlive the call.
    unsafe { update::<{ opcode::read_write::<SyncobjTimelineArray>(DRM, 0xcb) }, _>(device, &mut data)? };
    Ok(points[0])
}

/// `DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL` of one point.
pub fn syncobj_timeline_signal(device: BorrowedFd<'_>, handle: u32, point: u64) -> Result<()> {
    let (handles, points) = ([handle], [point]);
    let mut data =
        SyncobjTimelineArray { handles: pointer(&handles), points: pointer(&points), count_handles: 1, flags: 0 };
    // SAFETY: the pointers are to one readable handle and one readable point that outlive the call.
    unsafe { update::<{ opcode::read_write::<SyncobjTimelineArray>(DRM, 0xcd) }, _>(device, &mut data) }
}

/// `DRM_IOCTL_SYNCOBJ_SIGNAL`: the whole syncobj, as a binary one.
pub fn syncobj_signal(device: BorrowedFd<'_>, handle: u32) -> Result<()> {
    let handles = [handle];
    let mut data = SyncobjArray { handles: pointer(&handles), count_handles: 1, pad: 0 };
    // SAFETY: the pointer is to one readable handle that outlives the call.
    unsafe { update::<{ opcode::read_write::<SyncobjArray>(DRM, 0xc5) }, _>(device, &mut data) }
}

/// `clock_gettime(CLOCK_MONOTONIC)`, in nanoseconds. By libc: rustix insists on a vDSO, which
/// User-Mode Linux lacks.
pub fn clock_monotonic() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a writable timespec that outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// `SW_SYNC_IOC_CREATE_FENCE`.
pub fn sw_sync_create_fence(timeline: BorrowedFd<'_>, value: u32, name: [u8; 32]) -> Result<OwnedFd> {
    let mut data = SwSyncCreate { value, name, fence: -1 };
    // SAFETY: the structure of this opcode, without pointers; on success `fence` is a new fd.
    unsafe {
        update::<{ opcode::read_write::<SwSyncCreate>(SW_SYNC, 0) }, _>(timeline, &mut data)?;
        Ok(own(data.fence))
    }
}

/// `SW_SYNC_IOC_INC`.
pub fn sw_sync_inc(timeline: BorrowedFd<'_>, by: u32) -> Result<()> {
    // SAFETY: the argument of this opcode is one u32.
    unsafe { set::<{ opcode::write::<u32>(SW_SYNC, 1) }, _>(timeline, by) }
}

/// `SW_SYNC_GET_DEADLINE`: the earliest hint on a sw_sync fence; `ENOENT` if it has none.
pub fn sw_sync_get_deadline(timeline: BorrowedFd<'_>, fence: BorrowedFd<'_>) -> Result<u64> {
    let mut data = SwSyncDeadline { deadline_ns: 0, pad: 0, fence_fd: fence.as_raw_fd() };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<SwSyncDeadline>(SW_SYNC, 2) }, _>(timeline, &mut data)? };
    Ok(data.deadline_ns)
}

/// `DRM_IOCTL_VGEM_FENCE_ATTACH`: flag 1 makes it a write fence.
pub fn vgem_fence_attach(device: BorrowedFd<'_>, handle: u32, flags: u32) -> Result<u32> {
    let mut data = VgemAttach { handle, flags, out_fence: 0, pad: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<VgemAttach>(DRM, 0x41) }, _>(device, &mut data)? };
    Ok(data.out_fence)
}

/// `DRM_IOCTL_VGEM_FENCE_SIGNAL`.
pub fn vgem_fence_signal(device: BorrowedFd<'_>, fence: u32) -> Result<()> {
    let mut data = VgemSignal { fence, flags: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::write::<VgemSignal>(DRM, 0x42) }, _>(device, &mut data) }
}

/// `DRM_IOCTL_MODE_CREATE_DUMB`, 32 bits a pixel: the GEM handle. For vgem buffers.
pub fn create_dumb(device: BorrowedFd<'_>, width: u32, height: u32) -> Result<u32> {
    let mut data = CreateDumb { height, width, bpp: 32, flags: 0, handle: 0, pitch: 0, size: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::read_write::<CreateDumb>(DRM, 0xb2) }, _>(device, &mut data)? };
    Ok(data.handle)
}

/// `DRM_IOCTL_PRIME_HANDLE_TO_FD`: a dma-buf, close-on-exec and writable.
pub fn prime_handle_to_fd(device: BorrowedFd<'_>, handle: u32) -> Result<OwnedFd> {
    let flags = (libc::O_CLOEXEC | libc::O_RDWR) as u32;
    let mut data = PrimeHandle { handle, flags, fd: -1 };
    // SAFETY: the structure of this opcode, without pointers; on success `fd` is a new fd.
    unsafe {
        update::<{ opcode::read_write::<PrimeHandle>(DRM, 0x2d) }, _>(device, &mut data)?;
        Ok(own(data.fd))
    }
}

/// `DRM_IOCTL_GEM_CLOSE`.
pub fn gem_close(device: BorrowedFd<'_>, handle: u32) -> Result<()> {
    let mut data = GemClose { handle, pad: 0 };
    // SAFETY: the structure of this opcode, without pointers.
    unsafe { update::<{ opcode::write::<GemClose>(DRM, 0x09) }, _>(device, &mut data) }
}
