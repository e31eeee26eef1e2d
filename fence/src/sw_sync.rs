//! [`SwTimeline`]: fences that software signals (sw_sync), for tests of everything that waits for
//! fences.
//!
//! The kernel has it in debugfs, for root, if configured with `CONFIG_SW_SYNC`. Never use it for
//! real work: a fence that is forgotten blocks its waiters.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::{
    fs::{Mode, OFlags, open},
    io::Errno,
};

use crate::{CallError, Name, Ns, Object, SyncFile, ioctl};

/// Where debugfs has it.
pub const SW_SYNC_PATH: &str = "/sys/kernel/debug/sync/sw_sync";

/// A timeline that starts at 0 and is moved by [`SwTimeline::inc`].
///
/// Late, early, out of order: create fences and increment in the order wanted. Never: do not
/// increment. Failed: drop the timeline, which **fails all fences that are pending with `ENOENT`**.
#[derive(Debug)]
pub struct SwTimeline(OwnedFd);

impl SwTimeline {
    /// A new timeline.
    ///
    /// # Errors
    /// `ENOENT`: no debugfs or no sw_sync in this kernel; `EACCES`: not root.
    pub fn open() -> Result<SwTimeline, CallError> {
        open(SW_SYNC_PATH, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
            .map(SwTimeline)
            .map_err(|errno| CallError::new("open", Object::Path(SW_SYNC_PATH), errno))
    }

    /// A fence that signals when the timeline reaches `value`, at once if it has. The caller owns
    /// it.
    ///
    /// The kernel ignores the name; the timeline is called after the thread that opened it.
    ///
    /// # Errors
    /// `EMFILE`; `ENOMEM`.
    pub fn fence(&self, value: u32, name: &str) -> Result<SyncFile, CallError> {
        ioctl::sw_sync_create_fence(self.as_fd(), value, Name::new(name).raw())
            .map(SyncFile::unchecked)
            .map_err(|errno| CallError::new("SW_SYNC_IOC_CREATE_FENCE", Object::fd(self.0.as_fd()), errno))
    }

    /// Moves the timeline and signals what it passes.
    ///
    /// # Errors
    /// None for a true timeline.
    pub fn inc(&self, by: u32) -> Result<(), CallError> {
        ioctl::sw_sync_inc(self.as_fd(), by)
            .map_err(|errno| CallError::new("SW_SYNC_IOC_INC", Object::fd(self.0.as_fd()), errno))
    }

    /// The earliest deadline that has been set on a fence of a timeline like this; `None` if there
    /// is none.
    ///
    /// # Errors
    /// `EINVAL`: not a fence of sw_sync, or a container of several; `ENOTTY`: Linux < 6.4.
    pub fn deadline(&self, fence: &SyncFile) -> Result<Option<Ns>, CallError> {
        match ioctl::sw_sync_get_deadline(self.as_fd(), fence.as_fd()) {
            Ok(deadline) => Ok(Some(deadline)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(CallError::new("SW_SYNC_GET_DEADLINE", Object::fd(fence.as_fd()), errno)),
        }
    }
}

impl AsFd for SwTimeline {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
