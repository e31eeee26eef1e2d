//! [`SyncFile`]: one or more fences behind one immutable file descriptor.
//!
//! Three facts of the kernel shape this file:
//!
//! * The status of a *container* (a timeline point, a merged file) does not show the errors of the fences in it: a chain
//!   node is never errored, and the kernel's own summary over several fences may call a file failed that is still
//!   active. So every status here is folded from the list of the fences (`drivers/dma-buf/{sync_file,dma-fence-chain}.c`).
//! * Merging drops what has signalled already, with its error (`dma_fence_unwrap_merge`). [`SyncFile::merge`] gives the
//!   error back beside the file.
//! * Readable means *signalled*, not *succeeded*.
//!
//! Nothing here ever blocks.

use std::{
    fmt,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, retry_on_intr},
};

use crate::{
    CallError, FenceError, Ns, Object,
    kernel::{Kernel, LINUX, RawFence},
};

/// How many fences a status query takes on the stack; a file with more of them costs one more call and a heap buffer.
const INLINE_FENCES: usize = 8;

/// State of the fences of a [`SyncFile`], all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// At least one fence has not signalled.
    Active,
    /// All have signalled, none with an error.
    Signalled,
    /// All have signalled, at least one with this error (the first of them).
    Failed(FenceError),
}

/// A name of at most 31 bytes as the kernel stores it, without the heap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name([u8; 32]);

impl Name {
    /// The empty name.
    pub const EMPTY: Name = Name([0; 32]);

    /// Takes the first 31 bytes of `name`.
    pub fn new(name: &str) -> Name {
        let mut bytes = [0; 32];
        let mut end = name.len().min(31);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
        Name(bytes)
    }

    /// The bytes as the kernel wants and gives them.
    pub fn raw(self) -> [u8; 32] {
        self.0
    }

    /// Up to the first NUL; up to the first byte that is no UTF-8.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        match std::str::from_utf8(&self.0[..end]) {
            Ok(name) => name,
            Err(error) => std::str::from_utf8(&self.0[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl From<[u8; 32]> for Name {
    fn from(bytes: [u8; 32]) -> Name {
        Name(bytes)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// One fence of a [`SyncFile`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceInfo {
    /// Name of the driver that made it; empty if it has signalled and the kernel no longer knows.
    pub driver: String,
    /// Name of the timeline that it is on.
    pub timeline: String,
    /// Its own status.
    pub status: Status,
    /// When it signalled, CLOCK_MONOTONIC nanoseconds; 0 while it is active.
    pub timestamp_ns: Ns,
}

/// All that the kernel tells of a [`SyncFile`]: for people and traces. The hot path uses [`Summary`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Name given when it was merged, or made up by the kernel from driver, timeline and number.
    pub name: String,
    /// Over all fences.
    pub status: Status,
    /// Each fence. The kernel leaves out those of a merged file that had signalled by then.
    pub fences: Vec<FenceInfo>,
}

/// What a frame needs to know of a [`SyncFile`], from one system call and without the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Over all fences.
    pub status: Status,
    /// When the last of them signalled; 0 while one is active. The kernel's placeholder for "signalled long ago" has a
    /// timestamp from before, so this may be earlier than the commit that brought the fence.
    pub at: Ns,
    /// Driver of the first active fence, or of the first fence if none is active; newer kernels no longer know the driver
    /// of a fence that has signalled: empty then.
    pub driver: Name,
    /// Timeline of that same fence.
    pub timeline: Name,
    /// How many fences there are.
    pub fences: u32,
    /// True if the active fences come from several drivers.
    pub mixed: bool,
}

impl Summary {
    /// What is known of no fence at all: signalled since ever.
    pub const NONE: Summary = Summary {
        status: Status::Signalled,
        at: 0,
        driver: Name::EMPTY,
        timeline: Name::EMPTY,
        fences: 0,
        mixed: false,
    };

    /// Folds the kernel's list.
    pub fn fold(fences: &[RawFence]) -> Summary {
        let mut summary = Summary { fences: fences.len() as u32, ..Summary::NONE };
        let mut active = false;
        for (index, fence) in fences.iter().enumerate() {
            let first_active = fence.status == 0 && !active;
            if index == 0 || first_active {
                (summary.driver, summary.timeline) = origin(fence);
            }
            if fence.status == 0 {
                summary.mixed |= active && summary.driver != Name(fence.driver);
                active = true;
            }
            summary.at = summary.at.max(fence.timestamp_ns);
            if let (Some(error), Status::Signalled) = (FenceError::from_status(fence.status), summary.status) {
                summary.status = Status::Failed(error);
            }
        }
        if active {
            summary.status = Status::Active;
            summary.at = 0;
        }
        summary
    }
}

/// Driver and timeline; empty if the kernel has detached the fence from them because it has signalled (its
/// placeholders for that are in `dma-fence.c`, since Linux 6.17).
fn origin(fence: &RawFence) -> (Name, Name) {
    match Name(fence.driver).as_str() {
        "detached-driver" if fence.status != 0 => (Name::EMPTY, Name::EMPTY),
        _ => (Name(fence.driver), Name(fence.timeline)),
    }
}

/// What [`SyncFile::merge`] gives.
#[derive(Debug)]
pub struct Merged {
    /// Signals when all have signalled.
    pub file: SyncFile,
    /// Error of a fence that had failed already. While others are pending the kernel cannot carry it in `file`.
    pub error: Option<FenceError>,
}

/// A `sync_file`: signals once, when all of its fences have, and never changes otherwise.
///
/// It owns its file descriptor and closes it when dropped; that cancels nothing. Readable (`poll`, `epoll`) when
/// signalled, successfully or not.
#[derive(Debug)]
pub struct SyncFile {
    fd: OwnedFd,
    /// May be a link of a timeline's chain. The kernel must not be asked to make such a link part of another chain in
    /// one step (`WARN_ON` in `dma_fence_chain_init`, seen on Linux 7.3): see [`crate::Point::import`].
    chain: bool,
}

impl SyncFile {
    /// Takes a file descriptor after checking that it is a sync_file.
    ///
    /// # Errors
    /// `ENOTTY` or `EINVAL`: it is none. The fd is closed then.
    pub fn from_fd(fd: OwnedFd) -> Result<SyncFile, CallError> {
        file_info(&LINUX, fd.as_fd(), &mut [])?;
        Ok(SyncFile::maybe_chain(fd))
    }

    /// Takes a file descriptor that a driver has just given as a sync_file: an out-fence, a native fence of the renderer.
    /// For one that came from another process use [`SyncFile::from_fd`].
    pub fn unchecked(fd: OwnedFd) -> SyncFile {
        SyncFile { fd, chain: false }
    }

    pub(crate) fn maybe_chain(fd: OwnedFd) -> SyncFile {
        SyncFile { fd, chain: true }
    }

    pub(crate) fn is_maybe_chain(&self) -> bool {
        self.chain
    }

    pub(crate) fn lend(&self) -> Lent<'_> {
        Lent { fd: self.fd.as_fd(), chain: self.chain }
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
    /// The bare ioctl: what has signalled already is left out, with its error. Prefer [`SyncFile::merge`].
    ///
    /// # Errors
    /// `ENOTTY`: `a` is no sync_file; `ENOENT`: `b` is none; `EMFILE`.
    pub fn merge2(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> Result<SyncFile, CallError> {
        merge2(&LINUX, a, b)
    }

    /// Merges any number of files; all stay the caller's. Pairs of pairs, so that no fence is copied more than
    /// log₂(n) times; the kernel keeps the latest of each timeline.
    ///
    /// Those that have signalled are not merged. If none is pending the result is a duplicate of the one that failed,
    /// or of any. The error comes beside the file, because a pending merge cannot carry the error of a fence that
    /// failed before it; one that fails later is carried by the kernel.
    ///
    /// # Errors
    /// `EINVAL` if `files` is empty; `ENOTTY` if one is no sync_file; `EMFILE`.
    pub fn merge(files: &[BorrowedFd<'_>]) -> Result<Merged, CallError> {
        merge(&LINUX, files)
    }

    /// Status over all fences.
    ///
    /// # Errors
    /// None for a true sync_file, but `ENOMEM`.
    pub fn status(&self) -> Result<Status, CallError> {
        Ok(self.driver_and_status()?.status)
    }

    /// Status, time, driver and timeline: one system call and no heap for up to eight fences.
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
        let raw = all_fences(&LINUX, self.as_fd(), &mut fences)?;
        Ok(Info {
            name: Name(raw.name).to_string(),
            status: Summary::fold(&fences).status,
            fences: fences
                .iter()
                .map(|fence| FenceInfo {
                    driver: origin(fence).0.to_string(),
                    timeline: origin(fence).1.to_string(),
                    status: Summary::fold(std::slice::from_ref(fence)).status,
                    timestamp_ns: fence.timestamp_ns,
                })
                .collect(),
        })
    }

    /// Tells the fences' drivers by when they are needed (CLOCK_MONOTONIC). A hint: the driver may raise clocks. The
    /// kernel keeps the earliest.
    ///
    /// # Errors
    /// `ENOTTY`: Linux < 6.4.
    pub fn set_deadline(&self, deadline: Ns) -> Result<(), CallError> {
        set_deadline(&LINUX, self.as_fd(), deadline)
    }

    /// True if it has signalled, successfully or not: `poll` with timeout 0, cheaper than a status.
    pub fn is_signalled(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        matches!(retry_on_intr(|| poll(&mut fds, Some(&now))), Ok(1..))
    }

    /// Gives the file descriptor away; the caller closes it.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

/// A borrowed [`SyncFile`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent<'a> {
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

fn file_info(
    kernel: &dyn Kernel,
    file: BorrowedFd<'_>,
    fences: &mut [RawFence],
) -> Result<crate::kernel::RawFile, CallError> {
    kernel.file_info(file, fences).map_err(|errno| CallError::new("SYNC_IOC_FILE_INFO", Object::fd(file), errno))
}

/// Fills `fences` with all of them. A merged file cannot grow, but a chain shrinks as links signal: ask until it fits.
fn all_fences(
    kernel: &dyn Kernel,
    file: BorrowedFd<'_>,
    fences: &mut Vec<RawFence>,
) -> Result<crate::kernel::RawFile, CallError> {
    let mut tries = 3;
    loop {
        let count = file_info(kernel, file, &mut [])?.fences.max(1) as usize;
        fences.resize(count, RawFence::EMPTY);
        tries -= 1;
        match file_info(kernel, file, fences) {
            Ok(info) => {
                fences.truncate(info.fences as usize);
                return Ok(info);
            }
            Err(error) if error.errno == Errno::INVAL && tries > 0 => continue,
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn summary(kernel: &dyn Kernel, file: BorrowedFd<'_>) -> Result<Summary, CallError> {
    let mut fences = [RawFence::EMPTY; INLINE_FENCES];
    match kernel.file_info(file, &mut fences) {
        Ok(info) => Ok(Summary::fold(&fences[..(info.fences as usize).min(INLINE_FENCES)])),
        Err(Errno::INVAL) => {
            let mut fences = Vec::new();
            all_fences(kernel, file, &mut fences)?;
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
    all_fences(kernel, file, &mut fences)?;
    for fence in fences.iter().filter(|fence| fence.status == 0) {
        each(Name(fence.driver).as_str());
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
            // One that failed between the look above and the merge was dropped by the kernel: look again.
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

    fn fence(driver: &str, status: i32, timestamp_ns: u64) -> RawFence {
        RawFence { driver: Name::new(driver).raw(), timeline: Name::new("t").raw(), status, flags: 0, timestamp_ns }
    }

    #[test]
    fn a_summary_is_folded_from_every_fence() {
        let failed = |errno| Status::Failed(FenceError(Errno::from_raw_os_error(errno)));
        // (fences as driver, status, time) → (status, at, driver, mixed)
        type Case<'a> = (&'a [(&'a str, i32, u64)], Status, u64, &'a str, bool);
        let table: &[Case<'_>] = &[
            (&[], Status::Signalled, 0, "", false),
            (&[("a", 0, 0)], Status::Active, 0, "a", false),
            (&[("a", 1, 7)], Status::Signalled, 7, "a", false),
            (&[("a", 1, 9), ("b", 1, 7)], Status::Signalled, 9, "a", false),
            (&[("a", 1, 7), ("b", 0, 0)], Status::Active, 0, "b", false),
            (&[("a", 0, 0), ("b", 0, 0)], Status::Active, 0, "a", true),
            (&[("a", 0, 0), ("b", 1, 7), ("a", 0, 0)], Status::Active, 0, "a", false),
            // The kernel's own summary says "failed" here although the second one is active.
            (&[("a", -2, 5), ("b", 0, 0)], Status::Active, 0, "b", false),
            (&[("detached-driver", 1, 7)], Status::Signalled, 7, "", false),
            (&[("a", 1, 5), ("b", -5, 8), ("c", -2, 6)], failed(5), 8, "a", false),
        ];
        for (fences, status, at, driver, mixed) in table {
            let raw: Vec<_> = fences.iter().map(|(driver, status, at)| fence(driver, *status, *at)).collect();
            let summary = Summary::fold(&raw);
            assert_eq!(
                (summary.status, summary.at, summary.driver.as_str(), summary.mixed),
                (*status, *at, *driver, *mixed),
                "{fences:?}"
            );
        }
    }

    #[test]
    fn names_are_cut_at_characters() {
        assert_eq!(Name::new("vgem").as_str(), "vgem");
        let long = "ü".repeat(20);
        assert_eq!(Name::new(&long).as_str(), "ü".repeat(15));
        let mut raw = [b'x'; 32];
        assert_eq!(Name::from(raw).as_str().len(), 32);
        raw[3] = 0xff;
        assert_eq!(Name::from(raw).as_str(), "xxx");
    }

    #[test]
    fn what_is_no_sync_file_is_refused_by_name() {
        let (pipe, _write) = rustix::pipe::pipe().unwrap();
        let number = pipe.as_raw_fd();
        let error = SyncFile::from_fd(pipe).unwrap_err();
        assert!(error.to_string().contains(&format!("fd {number}")), "{error}");
        assert!(error.to_string().contains("no sync_file"), "{error}");
        assert!(SyncFile::merge(&[]).is_err());
    }
}
