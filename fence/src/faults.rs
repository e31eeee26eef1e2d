//! [`Faults`]: any kernel, with errnos queued in front of it. For tests of what happens when a call
//! fails.
//!
//! It changes nothing but what was queued, and counts every call.

use std::{
    collections::VecDeque,
    fmt,
    os::fd::{BorrowedFd, OwnedFd},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rustix::io::{Errno, Result};

use crate::{
    ioctl::HANDLE_TIMELINE,
    kernel::{Kernel, KernelRef, RawFence, RawFile},
};

/// A method of [`Kernel`], to say which call is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Call {
    FileInfo,
    Merge,
    SetDeadline,
    DmabufExport,
    DmabufImport,
    GetCap,
    Create,
    Destroy,
    HandleToFd,
    FdToHandle,
    Transfer,
    Wait,
    RegisterEventfd,
    Reset,
    Query,
    Signal,
    Eventfd,
}

impl Call {
    /// True for calls that give a new file descriptor: those that fail with `EMFILE`.
    pub fn makes_fd(self) -> bool {
        matches!(self, Call::Merge | Call::DmabufExport | Call::HandleToFd | Call::Eventfd)
    }
}

/// A kernel in front of another one.
pub struct Faults {
    inner: KernelRef,
    queue: Mutex<VecDeque<(Call, Errno)>>,
    /// How many calls go well before one that fails, whichever it is.
    nth: Mutex<Option<(usize, Errno)>>,
    no_fds: AtomicBool,
    old: AtomicBool,
    calls: AtomicUsize,
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({:?})", self.inner)
    }
}

impl Faults {
    /// In front of `inner`, for the rest of the process's life (it leaks a few bytes: tests only).
    pub fn leak(inner: KernelRef) -> &'static Faults {
        Box::leak(Box::new(Faults {
            inner,
            queue: Mutex::default(),
            nth: Mutex::default(),
            no_fds: AtomicBool::new(false),
            old: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
        }))
    }

    /// The next `call` fails with `errno`; several wait in line, each for its own call.
    pub fn fail(&self, call: Call, errno: Errno) {
        self.queue().push_back((call, errno));
    }

    /// Of the calls that may fail, `calls` go well and the next one fails with `errno`; `None`:
    /// none does any more. Returns whether the failure that was wanted before has not happened.
    pub fn fail_after(&self, failure: Option<(usize, Errno)>) -> bool {
        std::mem::replace(&mut *self.nth.lock().unwrap_or_else(PoisonError::into_inner), failure).is_some()
    }

    /// From now on there is no file descriptor left (`EMFILE`), or there is again.
    pub fn exhaust_fds(&self, exhausted: bool) {
        self.no_fds.store(exhausted, Ordering::Relaxed);
    }

    /// Be a kernel before 6.16: no points in the syncobj handle calls.
    pub fn be_old(&self) {
        self.old.store(true, Ordering::Relaxed);
    }

    /// How many faults have not happened yet.
    pub fn pending(&self) -> usize {
        self.queue().len()
    }

    /// Forgets the faults that have not happened.
    pub fn clear(&self) {
        self.queue().clear();
    }

    /// How many calls were made since the last time this was asked.
    pub fn take_calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<(Call, Errno)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, call: Call) -> Result<()> {
        self.check_if(call, !matches!(call, Call::Destroy | Call::GetCap))
    }

    /// `may_fail`: it can fail of itself.
    fn check_if(&self, call: Call, may_fail: bool) -> Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.no_fds.load(Ordering::Relaxed) && call.makes_fd() {
            return Err(Errno::MFILE);
        }
        if may_fail {
            let mut nth = self.nth.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *nth {
                Some((0, errno)) => {
                    let errno = *errno;
                    *nth = None;
                    return Err(errno);
                }
                Some((left, _)) => *left -= 1,
                None => {}
            }
        }
        let mut queue = self.queue();
        match queue.iter().position(|(queued, _)| *queued == call) {
            Some(index) => Err(queue.remove(index).map_or(Errno::IO, |(_, errno)| errno)),
            None => Ok(()),
        }
    }

    fn check_flags(&self, flags: u32) -> Result<()> {
        if flags & HANDLE_TIMELINE != 0 && self.old.load(Ordering::Relaxed) { Err(Errno::INVAL) } else { Ok(()) }
    }
}

impl Kernel for Faults {
    fn file_info(&self, file: BorrowedFd<'_>, fences: &mut [RawFence]) -> Result<RawFile> {
        // The kernel allocates for the list of fences only.
        self.check_if(Call::FileInfo, !fences.is_empty())?;
        self.inner.file_info(file, fences)
    }

    fn merge(&self, name: [u8; 32], a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<OwnedFd> {
        self.check(Call::Merge)?;
        self.inner.merge(name, a, b)
    }

    fn set_deadline(&self, file: BorrowedFd<'_>, deadline_ns: u64) -> Result<()> {
        self.check(Call::SetDeadline)?;
        self.inner.set_deadline(file, deadline_ns)
    }

    fn dmabuf_export(&self, dmabuf: BorrowedFd<'_>, flags: u32) -> Result<OwnedFd> {
        self.check(Call::DmabufExport)?;
        self.inner.dmabuf_export(dmabuf, flags)
    }

    fn dmabuf_import(&self, dmabuf: BorrowedFd<'_>, file: BorrowedFd<'_>, flags: u32) -> Result<()> {
        self.check(Call::DmabufImport)?;
        self.inner.dmabuf_import(dmabuf, file, flags)
    }

    fn get_cap(&self, device: BorrowedFd<'_>, capability: u64) -> Result<u64> {
        self.check(Call::GetCap)?;
        self.inner.get_cap(device, capability)
    }

    fn create(&self, device: BorrowedFd<'_>, signalled: bool) -> Result<u32> {
        self.check(Call::Create)?;
        self.inner.create(device, signalled)
    }

    fn destroy(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()> {
        self.check(Call::Destroy)?;
        self.inner.destroy(device, handle)
    }

    fn handle_to_fd(&self, device: BorrowedFd<'_>, handle: u32, flags: u32, point: u64) -> Result<OwnedFd> {
        self.check(Call::HandleToFd)?;
        self.check_flags(flags)?;
        self.inner.handle_to_fd(device, handle, flags, point)
    }

    fn fd_to_handle(
        &self,
        device: BorrowedFd<'_>,
        fd: BorrowedFd<'_>,
        handle: u32,
        flags: u32,
        point: u64,
    ) -> Result<u32> {
        self.check(Call::FdToHandle)?;
        self.check_flags(flags)?;
        self.inner.fd_to_handle(device, fd, handle, flags, point)
    }

    fn transfer(&self, device: BorrowedFd<'_>, src: (u32, u64), dst: (u32, u64)) -> Result<()> {
        self.check(Call::Transfer)?;
        self.inner.transfer(device, src, dst)
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
        self.check(Call::Wait)?;
        self.inner.wait(device, handles, points, timeout_ns, flags, deadline_ns)
    }

    fn register_eventfd(
        &self,
        device: BorrowedFd<'_>,
        handle: u32,
        point: u64,
        event: BorrowedFd<'_>,
        flags: u32,
    ) -> Result<()> {
        self.check(Call::RegisterEventfd)?;
        self.inner.register_eventfd(device, handle, point, event, flags)
    }

    fn reset(&self, device: BorrowedFd<'_>, handle: u32) -> Result<()> {
        self.check(Call::Reset)?;
        self.inner.reset(device, handle)
    }

    fn query(&self, device: BorrowedFd<'_>, handle: u32, flags: u32) -> Result<u64> {
        self.check(Call::Query)?;
        self.inner.query(device, handle, flags)
    }

    fn signal(&self, device: BorrowedFd<'_>, handle: u32, point: u64) -> Result<()> {
        self.check(Call::Signal)?;
        self.inner.signal(device, handle, point)
    }

    fn eventfd(&self) -> Result<OwnedFd> {
        self.check(Call::Eventfd)?;
        self.inner.eventfd()
    }

    fn close(&self, one: OwnedFd, other: Option<OwnedFd>) -> usize {
        let calls = self.inner.close(one, other);
        self.calls.fetch_add(calls, Ordering::Relaxed);
        calls
    }
}
