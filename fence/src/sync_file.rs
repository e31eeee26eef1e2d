//! [`SyncFile`]: one or more fences behind one immutable file descriptor.
//!
//! Three facts of the kernel shape this file:
//!
//! * The status of a *container* (a timeline point, a merged file) does not show the errors of the
//!   fences in it: a chain node is never errored, and the kernel's own summary over several fences
//!   may call a file failed that is still active. So every status here is folded from the list of
//!   the fences (`drivers/dma-buf/{sync_file,dma-fence-chain}.c`).
//! * Merging drops what has signalled already, with its error (`dma_fence_unwrap_merge`).
//!   [`SyncFile::merge`] gives the error back beside the file.
//! * Readable means *signalled*, not *succeeded*.
//!
//! Nothing here ever blocks.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, retry_on_intr},
};

use crate::{
    CallError, FenceError, Info, Name, Ns, Object, Status, Summary,
    kernel::{Kernel, LINUX, RawFence},
    origin,
};

/// How many fences a status query takes on the stack; a file with more of them costs one more call
/// and a heap buffer.
const INLINE_FENCES: usize = 8;

/// More fences than a file has. The kernel keeps one for each timeline, and a chain the links that
/// are pending.
const MOST_FENCES: u32 = 1 << 20;

/// How often the list of fences is asked for when it has changed since its length was.
const TRIES: u32 = 3;

/// Of a file with more fences nothing is asked but whether all have signalled: the kernel walks
/// over all of them for each answer, and a chain can have tens of thousands that are pending.
pub(crate) const MANY_FENCES: u32 = 256;

/// What [`SyncFile::merge`] gives.
#[derive(Debug)]
pub struct Merged {
    /// Signals when all have signalled.
    pub file: SyncFile,
    /// Error of a fence that had failed already. While others are pending the kernel cannot carry
    /// it in `file`.
    pub error: Option<FenceError>,
}

/// A `sync_file`: signals once, when all of its fences have, and never changes otherwise.
///
/// It owns its file descriptor and closes it when dropped; that cancels nothing. Readable (`poll`,
/// `epoll`) when signalled, successfully or not.
#[derive(Debug)]
pub struct SyncFile {
    fd: OwnedFd,
    /// May be a link of a timeline's chain. The kernel must not be asked to make such a link part
    /// of another chain in one step (`WARN_ON` in `dma_fence_chain_init`, seen on Linux 7.3): see
    /// [`crate::Point::import`].
    chain: bool,
}

impl SyncFile {
    /// Takes a file descriptor after checking that it is a sync_file. No process is asked: a file of
    /// FUSE, whose server could answer never or anything, is none.
    ///
    /// # Errors
    /// `ENOTTY` or `EINVAL`: it is none. `EMFILE`. The fd is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<SyncFile, CallError> {
        let of_the_kernel = origin::is_of_the_kernel(fd.as_fd());
        if !of_the_kernel.map_err(|errno| CallError::new("statx", Object::fd(fd.as_fd()), errno))? {
            return Err(CallError::new("SYNC_IOC_FILE_INFO", Object::fd(fd.as_fd()), Errno::NOTTY));
        }
        file_info(&LINUX, fd.as_fd(), &mut [])?;
        Ok(SyncFile::maybe_chain(fd))
    }

    /// Takes a file descriptor that a driver has just given as a sync_file: an out-fence, a native
    /// fence of the renderer. For one that came from another process use [`SyncFile::from_fd`].
    pub fn unchecked(fd: OwnedFd) -> SyncFile {
        SyncFile { fd, chain: false }
    }

    pub(crate) fn maybe_chain(fd: OwnedFd) -> SyncFile {
        SyncFile { fd, chain: true }
    }

    pub(crate) fn is_maybe_chain(&self) -> bool {
        self.chain
    }

    pub(crate) fn lend(&self) -> BorrowedFile<'_> {
        BorrowedFile { fd: self.fd.as_fd(), chain: self.chain }
    }

    /// A second file descriptor for the same fences.
    ///
    /// # Errors
    /// `EMFILE`.
    pub fn try_clone(&self) -> Result<SyncFile, CallError> {
        rustix::io::fcntl_dupfd_cloexec(&self.fd, 0)
            .map(|fd| SyncFile { fd, chain: self.chain })
            .map_err(|errno| CallError::new("F_DUPFD_CLOEXEC", Object::fd(self.as_fd()), errno))
    }

    /// Merges two files; both stay the caller's.
    ///
    /// The bare ioctl: what has signalled already is left out, with its error. Prefer
    /// [`SyncFile::merge`].
    ///
    /// # Errors
    /// `ENOTTY`: `a` is not a sync_file; `ENOENT`: `b` is none; `EMFILE`.
    pub fn merge2(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<SyncFile, CallError> {
        merge2(&LINUX, a, b)
    }

    /// Merges any number of files; all stay the caller's. Pairs of pairs, so that no fence is
    /// copied more than log₂(n) times; the kernel keeps the latest of each timeline.
    ///
    /// Those that have signalled are not merged. If none is pending the result is a duplicate of
    /// the one that failed, or of any. The error comes beside the file, because a pending merge
    /// cannot carry the error of a fence that failed before it; one that fails later is carried by
    /// the kernel.
    ///
    /// # Errors
    /// `EINVAL` if `files` is empty; `ENOTTY` if one is not a sync_file; `EMFILE`.
    pub fn merge(files: &[BorrowedFd<'_>]) -> Result<Merged, CallError> {
        merge(&LINUX, files)
    }

    /// Status over all fences.
    ///
    /// # Errors
    /// None for a true sync_file, but `ENOMEM`, and `EOVERFLOW` for a million fences that have
    /// signalled.
    pub fn status(&self) -> Result<Status, CallError> {
        Ok(self.driver_and_status()?.status)
    }

    /// Status, time, driver and timeline: one system call and no heap for up to eight fences. Of
    /// more than 256 only the status is known while any is active.
    ///
    /// # Errors
    /// As [`SyncFile::status`].
    pub fn driver_and_status(&self) -> Result<Summary, CallError> {
        summary(&LINUX, self.as_fd())
    }

    /// Everything, on the heap: for people and traces.
    ///
    /// # Errors
    /// As [`SyncFile::status`].
    pub fn info(&self) -> Result<Info, CallError> {
        let mut fences = Vec::new();
        let count = file_info(&LINUX, self.as_fd(), &mut [])?.fences;
        let raw = all_fences(&LINUX, self.as_fd(), count, &mut fences)?;
        Ok(Info::new(raw.name.into(), &fences))
    }

    /// Tells the fences' drivers by when they are needed (CLOCK_MONOTONIC). A hint: the driver may
    /// raise clocks. The kernel keeps the earliest.
    ///
    /// # Errors
    /// `ENOTTY`: Linux < 6.4.
    pub fn set_deadline(&self, deadline: Ns) -> Result<(), CallError> {
        set_deadline(&LINUX, self.as_fd(), deadline)
    }

    /// True if it has signalled, successfully or not: `poll` with timeout 0, cheaper than a status.
    pub fn is_signalled(&self) -> bool {
        is_signalled(self.as_fd())
    }

    /// Gives the file descriptor away; the caller closes it.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

/// A borrowed [`SyncFile`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct BorrowedFile<'a> {
    pub(crate) fd: BorrowedFd<'a>,
    pub(crate) chain: bool,
}

impl AsFd for SyncFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for SyncFile {
    fn as_raw_fd(&self) -> i32 {
        self.fd.as_raw_fd()
    }
}

impl From<SyncFile> for OwnedFd {
    fn from(file: SyncFile) -> OwnedFd {
        file.fd
    }
}

/// As [`SyncFile::is_signalled`].
pub(crate) fn is_signalled(file: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(file, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(retry_on_intr(|| poll(&mut fds, Some(&now))), Ok(1..))
}

fn file_info(
    kernel: &dyn Kernel,
    file: BorrowedFd<'_>,
    fences: &mut [RawFence],
) -> Result<crate::kernel::RawFile, CallError> {
    kernel.file_info(file, fences).map_err(|errno| CallError::new("SYNC_IOC_FILE_INFO", Object::fd(file), errno))
}

/// How many fences to make room for, of a file that says that it has so many.
fn room_for(count: u32) -> Option<usize> {
    (count <= MOST_FENCES).then_some(count.max(1) as usize)
}

/// Fills `fences` with all of them, of which there have just been `count`. A merged file cannot
/// grow, but a chain shrinks as links signal: ask until it fits.
fn all_fences(
    kernel: &dyn Kernel,
    file: BorrowedFd<'_>,
    mut count: u32,
    fences: &mut Vec<RawFence>,
) -> Result<crate::kernel::RawFile, CallError> {
    let failed = |errno| CallError::new("SYNC_IOC_FILE_INFO", Object::fd(file), errno);
    for _ in 0..TRIES {
        let room = room_for(count).ok_or_else(|| failed(Errno::OVERFLOW))?;
        fences.resize(room, RawFence::EMPTY);
        match file_info(kernel, file, fences) {
            Ok(info) => {
                fences.truncate(info.fences as usize);
                return Ok(info);
            }
            Err(error) if error.errno == Errno::INVAL => count = file_info(kernel, file, &mut [])?.fences,
            Err(error) => return Err(error),
        }
    }
    Err(failed(Errno::INVAL))
}

pub(crate) fn summary(kernel: &dyn Kernel, file: BorrowedFd<'_>) -> Result<Summary, CallError> {
    let mut fences = [RawFence::EMPTY; INLINE_FENCES];
    match kernel.file_info(file, &mut fences) {
        Ok(info) => Ok(Summary::fold(&fences[..(info.fences as usize).min(INLINE_FENCES)])),
        Err(Errno::INVAL) => {
            let count = file_info(kernel, file, &mut [])?.fences;
            if count > MANY_FENCES && !is_signalled(file) {
                return Ok(Summary { status: Status::Active, fences: count, mixed: true, ..Summary::NONE });
            }
            let mut fences = Vec::new();
            all_fences(kernel, file, count, &mut fences)?;
            Ok(Summary::fold(&fences))
        }
        Err(errno) => Err(CallError::new("SYNC_IOC_FILE_INFO", Object::fd(file), errno)),
    }
}

/// Calls `each` with the driver of every active fence.
pub(crate) fn each_active_driver(
    kernel: &dyn Kernel,
    file: BorrowedFd<'_>,
    mut each: impl FnMut(&str),
) -> Result<(), CallError> {
    let mut fences = Vec::new();
    all_fences(kernel, file, file_info(kernel, file, &mut [])?.fences, &mut fences)?;
    for fence in fences.iter().filter(|fence| fence.status == 0) {
        each(Name::from(fence.driver).as_str());
    }
    Ok(())
}

pub(crate) fn set_deadline(kernel: &dyn Kernel, file: BorrowedFd<'_>, deadline: Ns) -> Result<(), CallError> {
    kernel
        .set_deadline(file, deadline)
        .map_err(|errno| CallError::new("SYNC_IOC_SET_DEADLINE", Object::fd(file), errno))
}

pub(crate) fn merge2(kernel: &dyn Kernel, a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<SyncFile, CallError> {
    kernel
        .merge(Name::new("syncline").raw(), a, b)
        .map(SyncFile::unchecked)
        .map_err(|errno| CallError::new("SYNC_IOC_MERGE", Object::FdPair(a.as_raw_fd(), b.as_raw_fd()), errno))
}

fn merge(kernel: &dyn Kernel, files: &[BorrowedFd<'_>]) -> Result<Merged, CallError> {
    let invalid = || CallError::new("SYNC_IOC_MERGE", Object::New, Errno::INVAL);
    let mut error = None;
    let mut failed = None;
    let mut pending: Vec<BorrowedFd<'_>> = Vec::with_capacity(files.len());
    for &file in files {
        match summary(kernel, file)?.status {
            Status::Active if pending.iter().any(|other| other.as_raw_fd() == file.as_raw_fd()) => {}
            Status::Active => pending.push(file),
            Status::Signalled => {}
            Status::Failed(reason) => {
                error.get_or_insert(reason);
                failed.get_or_insert(file);
            }
        }
    }
    let dup = |file: BorrowedFd<'_>| {
        rustix::io::fcntl_dupfd_cloexec(file, 0)
            .map(SyncFile::maybe_chain)
            .map_err(|errno| CallError::new("F_DUPFD_CLOEXEC", Object::fd(file), errno))
    };
    let file = match pending.as_slice() {
        [] => dup(failed.or(files.first().copied()).ok_or_else(invalid)?)?,
        [one] => dup(*one)?,
        several => {
            let mut layer = Vec::with_capacity(several.len().div_ceil(2));
            for pair in several.chunks(2) {
                layer.push(if let [a, b] = pair { merge2(kernel, *a, *b)? } else { dup(pair[0])? });
            }
            while layer.len() > 1 {
                let mut next = Vec::with_capacity(layer.len().div_ceil(2));
                let mut files = layer.into_iter();
                while let Some(a) = files.next() {
                    next.push(match files.next() {
                        Some(b) => merge2(kernel, a.as_fd(), b.as_fd())?,
                        None => a,
                    });
                }
                layer = next;
            }
            // One that failed between the look above and the merge was dropped by the kernel: look
            // again.
            for &file in several {
                if let Status::Failed(reason) = summary(kernel, file)?.status {
                    error.get_or_insert(reason);
                }
            }
            layer.pop().ok_or_else(invalid)?
        }
    };
    Ok(Merged { file, error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        faults::Faults,
        model::{FenceId, Model},
    };

    #[test]
    fn what_is_no_sync_file_is_refused_by_name() {
        let (pipe, _write) = rustix::pipe::pipe().unwrap();
        let number = pipe.as_raw_fd();
        let error = SyncFile::from_fd(pipe).unwrap_err();
        assert!(error.to_string().contains(&format!("fd {number}")), "{error}");
        assert!(error.to_string().contains("not a sync_file"), "{error}");
        assert!(SyncFile::merge(&[]).is_err());
        let model = Model::leak();
        let file = model.sync_file(model.fence("gpu"));
        assert_eq!(file.as_raw_fd(), file.as_fd().as_raw_fd());
        assert_eq!(file.set_deadline(1).unwrap_err().errno, Errno::NOTTY, "the real kernel does not know it");
    }

    #[test]
    fn a_file_of_a_file_system_is_refused_without_being_asked() {
        let file = rustix::fs::memfd_create("fake", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        assert_eq!(SyncFile::from_fd(file).unwrap_err().errno, Errno::NOTTY);
    }

    const OK: i32 = 1;
    const FAILS: i32 = -1;
    const PENDING: i32 = 0;

    /// Fences by what has become of them, on the kernel of pipes.
    fn files(model: &Model, fences: &[i32]) -> (Vec<FenceId>, Vec<SyncFile>) {
        let each = fences.iter().map(|status| {
            let fence = model.fence("gpu");
            match *status {
                OK => model.signal_fence(fence, 5),
                FAILS => model.fail_fence(fence, Errno::IO, 5),
                _ => {}
            }
            (fence, model.sync_file(fence))
        });
        each.unzip()
    }

    #[test]
    fn a_merge_waits_for_all_that_is_pending_and_gives_the_error_beside_it() {
        let io = Some(FenceError(Errno::IO));
        // (fences; those of the result that are pending; the error; merges)
        type Case<'a> = (&'a [i32], u32, Option<FenceError>, usize);
        let table: &[Case<'_>] = &[
            (&[OK], 0, None, 0),
            (&[PENDING], 1, None, 0),
            (&[OK, PENDING], 1, None, 0),
            (&[FAILS, PENDING], 1, io, 0),
            (&[PENDING, PENDING], 2, None, 1),
            (&[PENDING, FAILS, PENDING, OK, PENDING], 3, io, 2),
            (&[PENDING; 4], 4, None, 3),
            (&[PENDING; 7], 7, None, 6),
        ];
        let model = Model::leak();
        let faults = Faults::leak(model);
        for (fences, pending, error, merges) in table {
            let (_, files) = files(model, fences);
            let lent: Vec<_> = files.iter().map(AsFd::as_fd).collect();
            faults.take_calls();
            let merged = merge(faults, &lent).unwrap();
            let looks = fences.len() + if *pending > 1 { *pending as usize } else { 0 };
            assert_eq!((merged.error, faults.take_calls() - looks), (*error, *merges), "{fences:?}");
            let found = summary(model, merged.file.as_fd()).unwrap();
            assert_eq!(found.status == Status::Active, *pending > 0, "{fences:?}");
            let mut drivers = 0;
            each_active_driver(model, merged.file.as_fd(), |driver| drivers += u32::from(driver == "gpu")).unwrap();
            assert_eq!(drivers, *pending, "{fences:?}");
        }
        let (_, files) = files(model, &[OK, FAILS, OK]);
        let lent: Vec<_> = files.iter().map(AsFd::as_fd).collect();
        let merged = merge(model, &lent).unwrap();
        assert_eq!(summary(model, merged.file.as_fd()).unwrap().status, Status::Failed(FenceError(Errno::IO)));
        // The same file twice is one.
        let (_, pair) = self::files(model, &[PENDING, PENDING]);
        faults.take_calls();
        merge(faults, &[pair[0].as_fd(), pair[0].as_fd()]).unwrap();
        assert_eq!(faults.take_calls(), 2, "two looks");
    }

    #[test]
    fn a_file_with_many_fences_is_asked_with_more_room() {
        let model = Model::leak();
        let faults = Faults::leak(model);
        for (count, calls) in [(INLINE_FENCES, 1), (INLINE_FENCES + 1, 3)] {
            let (fences, files) = files(model, &vec![PENDING; count]);
            let lent: Vec<_> = files.iter().map(AsFd::as_fd).collect();
            let merged = merge(model, &lent).unwrap().file;
            faults.take_calls();
            assert_eq!(summary(faults, merged.as_fd()).unwrap().fences, count as u32);
            assert_eq!(faults.take_calls(), calls);
            assert!(!merged.is_signalled());
            fences.iter().for_each(|fence| model.signal_fence(*fence, 1));
            assert!(merged.is_signalled());
        }
        // A chain may have grown in between: it is asked again.
        let (_, pair) = files(model, &[PENDING, PENDING]);
        let file = merge(model, &[pair[0].as_fd(), pair[1].as_fd()]).unwrap().file;
        for (errno, found) in [(Errno::INVAL, true), (Errno::NOMEM, false)] {
            let mut fences = Vec::new();
            faults.fail_after(Some((0, errno)));
            assert_eq!(all_fences(faults, file.as_fd(), 2, &mut fences).is_ok(), found, "{errno}");
            assert_eq!(fences.len(), 2);
        }
    }

    #[test]
    fn room_is_made_for_no_more_fences_than_there_can_be() {
        for (count, room) in
            [(0, Some(1)), (1, Some(1)), (MOST_FENCES, Some(1 << 20)), (MOST_FENCES + 1, None), (u32::MAX, None)]
        {
            assert_eq!(room_for(count), room, "{count}");
        }
    }
}
