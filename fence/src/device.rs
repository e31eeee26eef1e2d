//! [`SyncDevice`]: a DRM device as far as its syncobjs go, and what its kernel can do.
//!
//! It never touches KMS objects or buffers.

use std::{
    fmt,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
};

use rustix::io::{Errno, Result as IoResult};

use crate::{
    CallError, Missing, Object, SyncFile, Timeline,
    ioctl::{CAP_SYNCOBJ, CAP_SYNCOBJ_TIMELINE, HANDLE_SYNC_FILE, HANDLE_TIMELINE},
    kernel::{Kernel, KernelRef, LINUX},
    retry::DeferredReleases,
    sync_file::BorrowedFile,
};

/// What a device and its kernel can do with syncobjs. Found by trying, not by version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Syncobjs at all (`DRM_CAP_SYNCOBJ`).
    pub syncobj: bool,
    /// Timeline syncobjs (`DRM_CAP_SYNCOBJ_TIMELINE`).
    pub timeline: bool,
    /// `DRM_IOCTL_SYNCOBJ_EVENTFD`: Linux 6.6.
    pub eventfd: bool,
    /// A point goes to a sync_file and back in one ioctl: Linux 6.16. Without it each takes three,
    /// through a helper syncobj, which is emptied.
    pub timeline_export: bool,
}

impl Caps {
    /// What is missing for explicit synchronisation (`linux-drm-syncobj-v1`), by name; empty if
    /// nothing is.
    pub fn missing(self) -> impl Iterator<Item = Missing> {
        [(self.syncobj, Missing::Syncobj), (self.timeline, Missing::Timeline), (self.eventfd, Missing::Eventfd)]
            .into_iter()
            .filter_map(|(there, what)| (!there).then_some(what))
    }
}

#[derive(Debug)]
pub(crate) struct Inner {
    fd: OwnedFd,
    pub(crate) kernel: KernelRef,
    caps: Caps,
    /// A binary syncobj for fences on the way between a sync_file and a point, 0 without syncobjs. It
    /// holds no fence while nobody uses it.
    helper: Mutex<u32>,
    pub(crate) deferred: DeferredReleases,
}

impl Drop for Inner {
    /// The file may be a duplicate of one that stays open.
    fn drop(&mut self) {
        let helper = *self.helper.get_mut().unwrap_or_else(PoisonError::into_inner);
        if helper == 0 {
            return;
        }
        match self.kernel.destroy(self.fd.as_fd(), helper) {
            // The card was unplugged: its syncobjs go with the file.
            Ok(()) | Err(Errno::NODEV) => {}
            Err(errno) => tracing::error!(handle = helper, %errno, "helper syncobj leaks"),
        }
    }
}

/// A DRM device's syncobjs. Cloning is cheap and shares everything.
///
/// Any DRM device with `DRIVER_SYNCOBJ_TIMELINE` will do, also one that only renders: syncobjs
/// cross devices by file descriptor.
#[derive(Clone)]
pub struct SyncDevice(pub(crate) Arc<Inner>);

impl SyncDevice {
    /// Takes a file descriptor of a DRM device (a duplicate will do: handles belong to the open
    /// file) and probes it. The fd is closed when the last clone and the last [`Timeline`] are
    /// gone.
    ///
    /// A device without syncobjs is not an error here: see [`SyncDevice::caps`] and
    /// [`SyncDevice::require`].
    ///
    /// # Errors
    /// `ENOTTY`: no DRM device. The fd is closed then.
    pub fn new(fd: OwnedFd) -> Result<SyncDevice, CallError> {
        SyncDevice::new_on(&LINUX, fd)
    }

    /// As [`SyncDevice::new`], on the given kernel.
    ///
    /// # Errors
    /// As [`SyncDevice::new`].
    pub fn new_on(kernel: KernelRef, fd: OwnedFd) -> Result<SyncDevice, CallError> {
        let (caps, helper) = probe(kernel, fd.as_fd())?;
        Ok(SyncDevice(Arc::new(Inner {
            fd,
            kernel,
            caps,
            helper: Mutex::new(helper),
            deferred: DeferredReleases::default(),
        })))
    }

    /// What the device can do.
    pub fn caps(&self) -> Caps {
        self.0.caps
    }

    /// Checks that nothing is missing for explicit synchronisation.
    ///
    /// # Errors
    /// The first thing that is missing.
    pub fn require(&self) -> Result<(), Missing> {
        self.caps().missing().next().map_or(Ok(()), Err)
    }

    /// A new, empty timeline.
    ///
    /// # Errors
    /// `EOPNOTSUPP`: the driver has no syncobjs; `ENOMEM`.
    pub fn create_timeline(&self) -> Result<Timeline, CallError> {
        let handle = self
            .0
            .kernel
            .create(self.as_fd(), false)
            .map_err(|errno| CallError::new("SYNCOBJ_CREATE", Object::New, errno))?;
        Ok(Timeline::from_handle(self, handle))
    }

    /// The timeline behind a syncobj fd, which stays the caller's. Whether it is used as a timeline
    /// or as a binary syncobj cannot be told from the fd: see [`Timeline::payload`].
    ///
    /// # Errors
    /// `EINVAL`: the fd is not a syncobj; `EOPNOTSUPP`; `ENOMEM`.
    pub fn import_timeline(&self, fd: BorrowedFd<'_>) -> Result<Timeline, CallError> {
        let handle = self
            .0
            .kernel
            .fd_to_handle(self.as_fd(), fd, 0, 0, 0)
            .map_err(|errno| CallError::new("SYNCOBJ_FD_TO_HANDLE", Object::fd(fd), errno))?;
        Ok(Timeline::from_handle(self, handle))
    }

    /// A fence that has signalled, for hardware that is to wait for nothing: a plane that gets a
    /// fence of its own does not also wait for those in its dma-buf. Three system calls; make it
    /// once. The caller owns it.
    ///
    /// # Errors
    /// `EOPNOTSUPP`: the driver has no syncobjs; `EMFILE`, `ENOMEM`.
    pub fn signalled(&self) -> Result<SyncFile, CallError> {
        let (kernel, fd) = (self.0.kernel, self.as_fd());
        let fail = |call| move |errno| CallError::new(call, Object::New, errno);
        let handle = kernel.create(fd, true).map_err(fail("SYNCOBJ_CREATE"))?;
        let file = kernel.handle_to_fd(fd, handle, HANDLE_SYNC_FILE, 0).map_err(fail("SYNCOBJ_HANDLE_TO_FD"));
        if let Err(errno) = kernel.destroy(fd, handle) {
            tracing::error!(handle, %errno, "the syncobj of a signalled fence leaks");
        }
        file.map(SyncFile::unchecked)
    }

    pub(crate) fn kernel(&self) -> KernelRef {
        self.0.kernel
    }

    /// Puts a fence into the helper syncobj and takes it out of there. The helper is empty afterwards:
    /// else a client's fence, and with it its timeline, would stay until the next one comes.
    fn by_helper<T>(&self, pass: impl FnOnce(u32) -> IoResult<T>) -> IoResult<T> {
        let helper = self.0.helper.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = pass(*helper);
        if let Err(errno) = self.0.kernel.reset(self.as_fd(), *helper) {
            tracing::debug!(handle = *helper, %errno, "the helper syncobj keeps its fence");
        }
        passed
    }

    /// Point to sync_file. `EINVAL`: not materialised.
    pub(crate) fn export_point(&self, handle: u32, value: u64) -> IoResult<OwnedFd> {
        let (kernel, fd) = (self.0.kernel, self.as_fd());
        if self.0.caps.timeline_export || value == 0 {
            let timeline = if value == 0 { 0 } else { HANDLE_TIMELINE };
            return kernel.handle_to_fd(fd, handle, HANDLE_SYNC_FILE | timeline, value);
        }
        self.by_helper(|helper| {
            kernel.transfer(fd, (handle, value), (helper, 0))?;
            kernel.handle_to_fd(fd, helper, HANDLE_SYNC_FILE, 0)
        })
    }

    /// sync_file to point. In one step only what is not a link of a chain: the transfer flattens
    /// such a one.
    pub(crate) fn import_point(&self, handle: u32, value: u64, file: BorrowedFile<'_>) -> IoResult<()> {
        let (kernel, fd, file, chain) = (self.0.kernel, self.as_fd(), file.fd, file.chain);
        if (self.0.caps.timeline_export && !chain) || value == 0 {
            let timeline = if value == 0 { 0 } else { HANDLE_TIMELINE };
            return kernel.fd_to_handle(fd, file, handle, HANDLE_SYNC_FILE | timeline, value).map(drop);
        }
        self.by_helper(|helper| {
            kernel.fd_to_handle(fd, file, helper, HANDLE_SYNC_FILE, 0)?;
            kernel.transfer(fd, (helper, 0), (handle, value))
        })
    }

    /// All of `files` into one point, at once and without a file descriptor: each becomes a point
    /// of a helper timeline, and the transfer of the last one takes all that is pending on it.
    pub(crate) fn import_all<'a>(
        &self,
        handle: u32,
        value: u64,
        files: impl Iterator<Item = BorrowedFile<'a>>,
    ) -> IoResult<()> {
        let (kernel, fd) = (self.0.kernel, self.as_fd());
        let chain = kernel.create(fd, false)?;
        let mut last = 0;
        let mut result = Ok(());
        for file in files {
            last += 1;
            result = self.import_point(chain, last, file);
            if result.is_err() {
                break;
            }
        }
        let result = result.and_then(|()| kernel.transfer(fd, (chain, last), (handle, value)));
        if let Err(errno) = kernel.destroy(fd, chain) {
            tracing::error!(handle = chain, %errno, "helper syncobj leaks");
        }
        result
    }
}

impl fmt::Debug for SyncDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SyncDevice({})", self.0.fd.as_raw_fd())
    }
}

impl AsFd for SyncDevice {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}

/// Asks for the caps, then tries what has no cap. Returns the syncobj with which it did, 0 if there are
/// none.
fn probe(kernel: &dyn Kernel, fd: BorrowedFd<'_>) -> Result<(Caps, u32), CallError> {
    let cap = |capability| match kernel.get_cap(fd, capability) {
        Ok(value) => Ok(value != 0),
        // Kernels before syncobjs do not know the capability.
        Err(Errno::INVAL) => Ok(false),
        Err(errno) => Err(CallError::new("DRM_GET_CAP", Object::fd(fd), errno)),
    };
    let mut caps = Caps { syncobj: cap(CAP_SYNCOBJ)?, timeline: cap(CAP_SYNCOBJ_TIMELINE)?, ..Caps::default() };
    if !caps.syncobj {
        return Ok((Caps::default(), 0));
    }
    let handle = kernel.create(fd, true).map_err(|errno| CallError::new("SYNCOBJ_CREATE", Object::New, errno))?;
    if caps.timeline {
        // Known ioctl, unknown handle (0 is never one): ENOENT. Unknown ioctl: EINVAL. The fd is
        // not looked at.
        caps.eventfd = kernel.register_eventfd(fd, 0, 0, fd, 0) == Err(Errno::NOENT);
        // Kernels before 6.16 refuse the flag.
        caps.timeline_export = kernel.handle_to_fd(fd, handle, HANDLE_SYNC_FILE | HANDLE_TIMELINE, 0).is_ok();
    }
    tracing::debug!(?caps, "probed a DRM device for syncobjs");
    Ok((caps, handle))
}
