//! The fences that a dma-buf carries, as sync_files: the bridge to clients and drivers of implicit
//! synchronisation.
//!
//! Never waits. An image in several dma-bufs counts as one: fences go into all of them and come out
//! merged.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use smallvec::SmallVec;

use fence::implicit::{self, Access};
use fence::{CallError, SyncFile};

use crate::Dmabuf;

impl Dmabuf {
    /// What a new `access` to the buffer has to wait for; owned by the caller. Signalled already
    /// where there is nothing to wait for.
    ///
    /// One system call for each distinct descriptor, and a merge between each two. Errors: ENOTTY
    /// (Linux before 6.0), EMFILE, ENOMEM.
    pub fn export_sync_file(&self, access: Access) -> Result<SyncFile, CallError> {
        let mut fds = self.fds();
        let mut all = implicit::export(fds.next().unwrap_or(self.fd()), access)?;
        for fd in fds {
            let more = implicit::export(fd, access)?;
            all = SyncFile::merge2(all.as_fd(), more.as_fd())?;
        }
        Ok(all)
    }

    /// Whether a reader has nothing to wait for: no fence of a writer is pending in any of the
    /// dma-bufs. One system call.
    pub fn is_readable(&self) -> bool {
        unreadable([self]).is_empty()
    }

    /// Makes later users of implicit synchronisation wait for `file`, an `access` to the buffer.
    /// `file` stays the caller's.
    ///
    /// Errors: as [`Dmabuf::export_sync_file`]. After an error some of the descriptors may carry
    /// the fence.
    pub fn import_sync_file(&self, file: &SyncFile, access: Access) -> Result<(), CallError> {
        self.fds().try_for_each(|fd| implicit::import(fd, file, access))
    }
}

/// Indices of those of `buffers` for which a reader would have to wait: a fence of a writer is
/// pending in one of their dma-bufs. One system call for all of them, or none if there are none.
pub fn unreadable<'a>(buffers: impl IntoIterator<Item = &'a Dmabuf>) -> SmallVec<[usize; 4]> {
    let mut owners: SmallVec<[usize; 16]> = SmallVec::new();
    let mut fds: SmallVec<[PollFd<'a>; 16]> = SmallVec::new();
    for (at, buffer) in buffers.into_iter().enumerate() {
        for fd in buffer.fds() {
            owners.push(at);
            fds.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
    }
    let mut found = SmallVec::new();
    if fds.is_empty() {
        return found;
    }
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    if retry_on_intr(|| poll(&mut fds, Some(&now))) == Ok(fds.len()) {
        return found;
    }
    // Should the call itself fail, nothing is known to be ready.
    for (at, fd) in owners.into_iter().zip(&fds) {
        if fd.revents().is_empty() && found.last() != Some(&at) {
            found.push(at);
        }
    }
    found
}
