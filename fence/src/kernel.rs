//! The seam to the kernel: [`Kernel`], with the real one ([`Linux`]) here, one with
//! queued errnos in [`crate::faults`], and one of pipes in [`crate::model`].
//!
//! The trait has the calls whose failure the state machines must survive. It never grows policy:
//! each method is one system call. Helpers for tests (sw_sync, vgem) call `ioctl.rs` directly.

use std::{
    fmt::Debug,
    os::fd::{BorrowedFd, OwnedFd},
};

use rustix::{
    event::{EventfdFlags, eventfd},
    io::Result,
};

use crate::ioctl;
pub use crate::ioctl::{RawFence, RawFile};

/// A kernel that is used for the whole life of the process.
pub type KernelRef = &'static dyn Kernel;

/// One method per system call. `Err` is always the errno of the call and never the error of a
/// fence.
///
/// File descriptors that come back belong to the caller; those that go in stay the caller's.
pub trait Kernel: Debug + Send + Sync {
    /// `SYNC_IOC_FILE_INFO`. `EINVAL` if `fences` is too short for all of them (and not empty).
    fn file_info(&self, file: BorrowedFd<'_>, fences: &mut [RawFence]) -> Result<RawFile>;
    /// `SYNC_IOC_MERGE`.
    fn merge(&self, name: [u8; 32], a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<OwnedFd>;
    /// `SYNC_IOC_SET_DEADLINE`.
    fn set_deadline(&self, file: BorrowedFd<'_>, deadline_ns: u64) -> Result<()>;
    /// `DMA_BUF_IOCTL_EXPORT_SYNC_FILE`.
    fn dmabuf_export(&self, dmabuf: BorrowedFd<'_>, flags: u32) -> Result<OwnedFd>;
    /// `DMA_BUF_IOCTL_IMPORT_SYNC_FILE`.
    fn dmabuf_import(&self, dmabuf: BorrowedFd<'_>, file: BorrowedFd<'_>, flags: u32) -> Result<()>;
    /// `DRM_IOCTL_GET_CAP`.
    fn get_cap(&self, device: BorrowedFd<'_>, capability: u64) -> Result<u64>;
    /// `DRM_IOCTL_SYNCOBJ_CREATE`.
    fn create(&self, device: BorrowedFd<'_>, signalled: bool) -> Result<u32>;
    /// `DRM_IOCTL_SYNCOBJ_DESTROY`.
    fn destroy(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()>;
    /// `DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD`.
    fn handle_to_fd(&self, device: BorrowedFd<'_>, handle: u32, flags: u32, point: u64) -> Result<OwnedFd>;
    /// `DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE`.
    fn fd_to_handle(
        &self,
        device: BorrowedFd<'_>,
        fd: BorrowedFd<'_>,
        handle: u32,
        flags: u32,
        point: u64,
    ) -> Result<u32>;
    /// `DRM_IOCTL_SYNCOBJ_TRANSFER`, from (handle, point) to (handle, point).
    fn transfer(&self, device: BorrowedFd<'_>, src: (u32, u64), dst: (u32, u64)) -> Result<()>;
    /// `DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT`.
    fn wait(
        &self,
        device: BorrowedFd<'_>,
        handles: &[u32],
        points: &[u64],
        timeout_ns: i64,
        flags: u32,
        deadline_ns: u64,
    ) -> Result<u32>;
    /// `DRM_IOCTL_SYNCOBJ_EVENTFD`.
    fn register_eventfd(
        &self,
        device: BorrowedFd<'_>,
        handle: u32,
        point: u64,
        event: BorrowedFd<'_>,
        flags: u32,
    ) -> Result<()>;
    /// `DRM_IOCTL_SYNCOBJ_RESET`.
    fn reset(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()>;
    /// `DRM_IOCTL_SYNCOBJ_QUERY`.
    fn query(&self, device: BorrowedFd<'_>, handle: u32, flags: u32) -> Result<u64>;
    /// `DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL`; point 0 means the whole syncobj
    /// (`DRM_IOCTL_SYNCOBJ_SIGNAL`).
    fn signal(&self, device: BorrowedFd<'_>, handle: u32, point: u64) -> Result<()>;
    /// `eventfd2`, non-blocking and close-on-exec.
    fn eventfd(&self) -> Result<OwnedFd>;
    /// `close`; of two files one `close_range` (Linux 5.9) if their numbers are neighbours, as
    /// those of files made one after the other mostly are. How many system calls it took.
    fn close(&self, one: OwnedFd, other: Option<OwnedFd>) -> usize {
        match other {
            Some(other) => ioctl::close_two(one, other),
            None => {
                drop(one);
                1
            }
        }
    }
}

/// The running kernel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Linux;

/// The running kernel, as every constructor without a `_on` suffix uses it.
pub static LINUX: Linux = Linux;

impl Kernel for Linux {
    fn file_info(&self, file: BorrowedFd<'_>, fences: &mut [RawFence]) -> Result<RawFile> {
        ioctl::sync_file_info(file, fences)
    }

    fn merge(&self, name: [u8; 32], a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<OwnedFd> {
        ioctl::sync_merge(name, a, b)
    }

    fn set_deadline(&self, file: BorrowedFd<'_>, deadline_ns: u64) -> Result<()> {
        ioctl::sync_set_deadline(file, deadline_ns)
    }

    fn dmabuf_export(&self, dmabuf: BorrowedFd<'_>, flags: u32) -> Result<OwnedFd> {
        ioctl::dma_buf_export_sync_file(dmabuf, flags)
    }

    fn dmabuf_import(&self, dmabuf: BorrowedFd<'_>, file: BorrowedFd<'_>, flags: u32) -> Result<()> {
        ioctl::dma_buf_import_sync_file(dmabuf, file, flags)
    }

    fn get_cap(&self, device: BorrowedFd<'_>, capability: u64) -> Result<u64> {
        ioctl::drm_get_cap(device, capability)
    }

    fn create(&self, device: BorrowedFd<'_>, signalled: bool) -> Result<u32> {
        ioctl::syncobj_create(device, signalled)
    }

    fn destroy(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()> {
        ioctl::syncobj_destroy(device, handle)
    }

    fn handle_to_fd(&self, device: BorrowedFd<'_>, handle: u32, flags: u32, point: u64) -> Result<OwnedFd> {
        ioctl::syncobj_handle_to_fd(device, handle, flags, point)
    }

    fn fd_to_handle(
        &self,
        device: BorrowedFd<'_>,
        fd: BorrowedFd<'_>,
        handle: u32,
        flags: u32,
        point: u64,
    ) -> Result<u32> {
        ioctl::syncobj_fd_to_handle(device, fd, handle, flags, point)
    }

    fn transfer(&self, device: BorrowedFd<'_>, src: (u32, u64), dst: (u32, u64)) -> Result<()> {
        ioctl::syncobj_transfer(device, src, dst)
    }

    fn wait(
        &self,
        device: BorrowedFd<'_>,
        handles: &[u32],
        points: &[u64],
        timeout_ns: i64,
        flags: u32,
        deadline_ns: u64,
    ) -> Result<u32> {
        ioctl::syncobj_timeline_wait(device, handles, points, timeout_ns, flags, deadline_ns)
    }

    fn register_eventfd(
        &self,
        device: BorrowedFd<'_>,
        handle: u32,
        point: u64,
        event: BorrowedFd<'_>,
        flags: u32,
    ) -> Result<()> {
        ioctl::syncobj_eventfd(device, handle, point, event, flags)
    }

    fn reset(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()> {
        ioctl::syncobj_reset(device, handle)
    }

    fn query(&self, device: BorrowedFd<'_>, handle: u32, flags: u32) -> Result<u64> {
        ioctl::syncobj_query(device, handle, flags)
    }

    fn signal(&self, device: BorrowedFd<'_>, handle: u32, point: u64) -> Result<()> {
        match point {
            0 => ioctl::syncobj_signal(device, handle),
            _ => ioctl::syncobj_timeline_signal(device, handle, point),
        }
    }

    fn eventfd(&self) -> Result<OwnedFd> {
        eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
    }
}
