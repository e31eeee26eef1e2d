//! [`Timeline`] and [`Point`]: a syncobj of a DRM device, and one value on it.
//!
//! A timeline is a container that its owners may change at any time: a client may signal our
//! release points, take its own acquire points back, or destroy its end while we wait. Nothing here
//! trusts what an earlier call said.
//!
//! Points are meant to be added in rising order. The kernel accepts a point that is not above the
//! last one, and gives it the number of the last one: who waits for either then waits for both.
//! Until then the point that was passed over counted as materialised by the later one. That is the
//! choice of the client that picked the values; we add what we are asked to add, at once, and say
//! so ([`Added::OutOfOrder`]), because holding a later point back could deadlock its waiter.

use std::{
    fmt,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rustix::io::Errno;

use crate::{CallError, Ns, Object, SyncDevice, SyncFile, sync_file::BorrowedFile};

/// What an eventfd or a wait is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Until {
    /// The point has a fence (it is materialised). A signalled point is materialised too.
    Available,
    /// The fence of the point has signalled, successfully or not.
    Signalled,
}

impl Until {
    fn flag(self) -> u32 {
        match self {
            Until::Available => 1 << 2,
            Until::Signalled => 0,
        }
    }
}

/// What a syncobj holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// No fence: new, or reset.
    Empty,
    /// One fence without a number: its owner uses it as a binary syncobj. No point above 0 ever
    /// materialises on it.
    Binary,
    /// A timeline whose last point that materialised is this one.
    Timeline(u64),
}

/// How a point was added to its timeline, as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Above all points that we added before.
    InOrder,
    /// Not above the last point that we added: see the [module documentation](self).
    OutOfOrder,
}

struct Inner {
    device: SyncDevice,
    handle: u32,
    /// The highest value that we added.
    last_added: AtomicU64,
    /// The fence of the last point that was looked at came later than its commit.
    comes_late: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        match self.device.kernel().destroy(self.device.as_fd(), self.handle) {
            // The card was unplugged: its syncobjs go with the file.
            Ok(()) | Err(Errno::NODEV) => {}
            Err(errno) => tracing::error!(handle = self.handle, %errno, "a syncobj handle was not ours to destroy"),
        }
    }
}

/// A syncobj of a device. Cloning is cheap and shares the handle; the last clone or [`Point`]
/// destroys it. The syncobj itself lives on while others have it.
#[derive(Clone)]
pub struct Timeline(Arc<Inner>);

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeline({} of {:?})", self.0.handle, self.0.device)
    }
}

impl PartialEq for Timeline {
    /// Same handle. Two imports of one syncobj have different handles and are not equal.
    fn eq(&self, other: &Timeline) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Timeline {}

impl Timeline {
    pub(crate) fn from_handle(device: &SyncDevice, handle: u32) -> Timeline {
        Timeline(Arc::new(Inner {
            device: device.clone(),
            handle,
            last_added: AtomicU64::new(0),
            comes_late: AtomicBool::new(false),
        }))
    }

    /// Handle on the device, for messages and for ioctls of other crates. It stays ours.
    pub fn handle(&self) -> u32 {
        self.0.handle
    }

    /// Whether fences of this timeline are likely to be pending when they are committed: the last
    /// one was.
    pub(crate) fn comes_late(&self) -> bool {
        self.0.comes_late.load(Ordering::Relaxed)
    }

    pub(crate) fn set_comes_late(&self, late: bool) {
        self.0.comes_late.store(late, Ordering::Relaxed);
    }

    /// The device that the handle is on.
    pub fn device(&self) -> &SyncDevice {
        &self.0.device
    }

    /// A file descriptor for another process or device; the caller closes it.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn export_fd(&self) -> Result<OwnedFd, CallError> {
        let device = self.device();
        device
            .kernel()
            .handle_to_fd(device.as_fd(), self.handle(), 0, 0)
            .map_err(|errno| self.error("SYNCOBJ_HANDLE_TO_FD", errno))
    }

    /// The point with this value. No system call.
    ///
    /// Value 0 is not on the timeline: it stands for whatever the syncobj holds, as a binary
    /// syncobj.
    pub fn point(&self, value: u64) -> Point {
        Point { timeline: self.clone(), value }
    }

    /// Value of the last point that has signalled.
    ///
    /// # Errors
    /// `EOPNOTSUPP`: no timelines on this device.
    pub fn query(&self) -> Result<u64, CallError> {
        self.query_flags(0)
    }

    /// Value of the last point that has materialised.
    ///
    /// # Errors
    /// As [`Timeline::query`].
    pub fn query_available(&self) -> Result<u64, CallError> {
        self.query_flags(1)
    }

    /// What the syncobj holds: tells a binary syncobj, on which points never materialise, from a
    /// timeline.
    ///
    /// # Errors
    /// As [`Timeline::query`], and `EMFILE`.
    pub fn payload(&self) -> Result<Payload, CallError> {
        match self.query_available()? {
            0 => Ok(if self.point(0).export()?.is_some() { Payload::Binary } else { Payload::Empty }),
            last => Ok(Payload::Timeline(last)),
        }
    }

    /// Materialises and signals a point at once.
    ///
    /// # Errors
    /// `EOPNOTSUPP`; `ENOMEM`.
    pub fn signal(&self, value: u64) -> Result<Added, CallError> {
        self.point(value).signal()
    }

    /// Takes all fences away. Those who wait for a point of the past wait for it to come again.
    ///
    /// # Errors
    /// None that the caller could cause.
    pub fn reset(&self) -> Result<(), CallError> {
        let device = self.device();
        device.kernel().reset(device.as_fd(), self.handle()).map_err(|errno| self.error("SYNCOBJ_RESET", errno))?;
        self.0.last_added.store(0, Ordering::Relaxed);
        Ok(())
    }

    fn query_flags(&self, flags: u32) -> Result<u64, CallError> {
        let device = self.device();
        device.kernel().query(device.as_fd(), self.handle(), flags).map_err(|errno| self.error("SYNCOBJ_QUERY", errno))
    }

    fn error(&self, call: &'static str, errno: Errno) -> CallError {
        CallError::new(call, Object::Handle(self.handle()), errno)
    }
}

/// One value on a [`Timeline`], which it keeps alive.
///
/// *Unmaterialised* until somebody attaches a fence, *signalled* when that fence is; a later point
/// that materialises covers it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    timeline: Timeline,
    value: u64,
}

impl Point {
    /// The timeline.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The value.
    pub fn value(&self) -> u64 {
        self.value
    }

    /// The fence of the point as a sync_file that the caller owns; `None` if it has not
    /// materialised.
    ///
    /// One ioctl on Linux 6.16 and later, two before. Once a point has signalled and a later one is
    /// there, the kernel forgets its fence and gives one that succeeded at no particular time: who
    /// wants to see errors exports before.
    ///
    /// # Errors
    /// `EMFILE`; `ENOMEM`.
    pub fn export(&self) -> Result<Option<SyncFile>, CallError> {
        match self.timeline.device().export_point(self.timeline.handle(), self.value) {
            Ok(fd) => Ok(Some(SyncFile::maybe_chain(fd))),
            Err(Errno::INVAL) => Ok(None),
            Err(errno) => Err(self.error("SYNCOBJ_EXPORT_SYNC_FILE", errno)),
        }
    }

    /// Materialises the point with the fences of `file`, which stays the caller's. Needs no file
    /// descriptor.
    ///
    /// One ioctl on Linux 6.16 and later, which keeps the error of a fence that has failed already.
    /// Two on older kernels, and for a file that was exported from a point or came from another
    /// process, because it may be a link of a chain: these lose the error of a fence that has
    /// failed *already*. On value 0 it replaces what the syncobj holds.
    ///
    /// # Errors
    /// `EINVAL`: `file` is not a sync_file; `ENOMEM`; `EOPNOTSUPP`.
    pub fn import(&self, file: &SyncFile) -> Result<Added, CallError> {
        self.import_lent(file.lend())
    }

    pub(crate) fn import_lent(&self, file: BorrowedFile<'_>) -> Result<Added, CallError> {
        self.timeline
            .device()
            .import_point(self.timeline.handle(), self.value, file)
            .map_err(|errno| self.error("SYNCOBJ_IMPORT_SYNC_FILE", errno))?;
        Ok(self.added())
    }

    /// Materialises the point with all of these fences, without a file descriptor to merge them in:
    /// slower than a merge by a call, for when none is left.
    pub(crate) fn import_all<'a>(&self, files: impl Iterator<Item = BorrowedFile<'a>>) -> Result<Added, CallError> {
        self.timeline
            .device()
            .import_all(self.timeline.handle(), self.value, files)
            .map_err(|errno| self.error("SYNCOBJ_TRANSFER", errno))?;
        Ok(self.added())
    }

    /// Gives the fence of this point to another one of the same device, in one ioctl and without a
    /// file descriptor. `None` if there is no fence yet. What has signalled already arrives without
    /// its error.
    ///
    /// # Errors
    /// `EXDEV`: the points are on different devices; `EOPNOTSUPP`; `ENOMEM`.
    pub fn transfer(&self, to: &Point) -> Result<Option<Added>, CallError> {
        let device = self.timeline.device();
        if !Arc::ptr_eq(&device.0, &to.timeline.device().0) {
            return Err(to.error("SYNCOBJ_TRANSFER", Errno::XDEV));
        }
        let (src, dst) = ((self.timeline.handle(), self.value), (to.timeline.handle(), to.value));
        match device.kernel().transfer(device.as_fd(), src, dst) {
            Ok(()) => Ok(Some(to.added())),
            Err(Errno::INVAL) => Ok(None),
            Err(errno) => Err(self.error("SYNCOBJ_TRANSFER", errno)),
        }
    }

    /// Materialises and signals the point at once. Needs no file descriptor.
    ///
    /// # Errors
    /// `ENOMEM`; `EOPNOTSUPP`.
    pub fn signal(&self) -> Result<Added, CallError> {
        let device = self.timeline.device();
        device
            .kernel()
            .signal(device.as_fd(), self.timeline.handle(), self.value)
            .map_err(|errno| self.error("SYNCOBJ_TIMELINE_SIGNAL", errno))?;
        Ok(self.added())
    }

    /// A new eventfd (non-blocking, the caller's) that becomes readable when the point is there, at
    /// once if it is.
    ///
    /// It stays silent if the point never comes, also when its timeline is destroyed by all others:
    /// have a watchdog. The kernel frees its registration when it fires or when the syncobj goes,
    /// not when the eventfd is closed.
    ///
    /// # Errors
    /// `EMFILE`; `EINVAL`: Linux < 6.6.
    pub fn eventfd(&self, until: Until) -> Result<OwnedFd, CallError> {
        let kernel = self.timeline.device().kernel();
        let event = kernel.eventfd().map_err(|errno| self.error("eventfd2", errno))?;
        self.register(&event, until)?;
        Ok(event)
    }

    /// Registers an eventfd of the caller, which stays the caller's: its counter is incremented
    /// once.
    ///
    /// # Errors
    /// `EINVAL`: no eventfd, or Linux < 6.6.
    pub fn register(&self, event: impl AsFd, until: Until) -> Result<(), CallError> {
        let device = self.timeline.device();
        device
            .kernel()
            .register_eventfd(device.as_fd(), self.timeline.handle(), self.value, event.as_fd(), until.flag())
            .map_err(|errno| self.error("SYNCOBJ_EVENTFD", errno))
    }

    /// True if the point has a fence.
    ///
    /// # Errors
    /// `EOPNOTSUPP`.
    pub fn is_materialised(&self) -> Result<bool, CallError> {
        self.is(Until::Available)
    }

    /// True if the point has signalled, successfully or not.
    ///
    /// # Errors
    /// `EOPNOTSUPP`.
    pub fn is_signalled(&self) -> Result<bool, CallError> {
        self.is(Until::Signalled)
    }

    fn is(&self, until: Until) -> Result<bool, CallError> {
        Ok(wait_points(std::slice::from_ref(self), false, until, 0, None)?.is_some())
    }

    pub(crate) fn object(&self) -> Object {
        Object::Point { handle: self.timeline.handle(), value: self.value }
    }

    fn error(&self, call: &'static str, errno: Errno) -> CallError {
        CallError::new(call, self.object(), errno)
    }

    fn added(&self) -> Added {
        let last = self.timeline.0.last_added.fetch_max(self.value, Ordering::Relaxed);
        if self.value > last || self.value == 0 { Added::InOrder } else { Added::OutOfOrder }
    }
}

/// Blocks until one of the points (`all`: every one) is there, or until `timeout` (absolute,
/// CLOCK_MONOTONIC nanoseconds; 0 does not block). The index of one that was ready; `None` at the
/// timeout.
///
/// Points that have not materialised are waited for. With a `deadline` it is set on the fences that
/// exist. For tests and tools: a compositor never blocks. All points must be on one device.
///
/// # Errors
/// `EXDEV`: points of several devices; `EOPNOTSUPP`; `ENOMEM`.
pub fn wait_points(
    points: &[Point],
    all: bool,
    until: Until,
    timeout: Ns,
    deadline: Option<Ns>,
) -> Result<Option<usize>, CallError> {
    const WAIT_ALL: u32 = 0b0001;
    const WAIT_FOR_SUBMIT: u32 = 0b0010;
    const WAIT_DEADLINE: u32 = 0b1000;
    let Some(first) = points.first() else { return Ok(None) };
    let device = first.timeline.device();
    if let Some(foreign) = points.iter().find(|point| !Arc::ptr_eq(&point.timeline.device().0, &device.0)) {
        return Err(foreign.error("SYNCOBJ_TIMELINE_WAIT", Errno::XDEV));
    }
    let flags = WAIT_FOR_SUBMIT
        | until.flag()
        | if all { WAIT_ALL } else { 0 }
        | if deadline.is_some() { WAIT_DEADLINE } else { 0 };
    let wait = |handles: &[u32], values: &[u64]| {
        device.kernel().wait(
            device.as_fd(),
            handles,
            values,
            timeout.min(i64::MAX as u64) as i64,
            flags,
            deadline.unwrap_or(0),
        )
    };
    let result = match points {
        [one] => wait(&[one.timeline.handle()], &[one.value]),
        _ => {
            let handles: Vec<_> = points.iter().map(|point| point.timeline.handle()).collect();
            let values: Vec<_> = points.iter().map(|point| point.value).collect();
            wait(&handles, &values)
        }
    };
    match result {
        Ok(index) => Ok(Some((index as usize).min(points.len() - 1))),
        Err(Errno::TIME) => Ok(None),
        Err(errno) => Err(first.error("SYNCOBJ_TIMELINE_WAIT", errno)),
    }
}
