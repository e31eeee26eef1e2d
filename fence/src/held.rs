//! [`AcquireFiles`]: the files of a fence that an [`Acquire`](crate::Acquire) waits for: as it
//! came, and taken out of its link.
//!
//! A point's fence comes as a link of its timeline's chain. The link shows every fence behind it
//! with its status, but it cannot carry an error on, and it signals after its fence, by way of an
//! interrupt of its own. The fence without its link does both; it has to be taken out while it is
//! pending. Nothing here looks at a status to decide anything, except which file carries an error.

use std::os::fd::{AsFd, OwnedFd};

use crate::{Status, SyncFile, kernel::KernelRef, sync_file};

/// Owns both files and closes them together.
#[derive(Debug)]
pub(crate) struct AcquireFiles {
    kernel: KernelRef,
    /// `None` only after [`AcquireFiles::into_failed`].
    came: Option<SyncFile>,
    unlinked: Option<SyncFile>,
}

impl AcquireFiles {
    pub(crate) fn new(kernel: KernelRef, file: SyncFile) -> AcquireFiles {
        AcquireFiles { kernel, came: Some(file), unlinked: None }
    }

    /// As it came: what is looked at.
    pub(crate) fn came(&self) -> Option<&SyncFile> {
        self.came.as_ref()
    }

    /// The best for hardware and for a wait: without its link if that is off.
    pub(crate) fn plain(&self) -> Option<&SyncFile> {
        self.unlinked.as_ref().or(self.came.as_ref())
    }

    /// Takes the fence out of its link, once. Without a descriptor to spare it stays in: an error
    /// stays behind then.
    pub(crate) fn unlink(&mut self) {
        if let (Some(file), None) = (&self.came, &self.unlinked) {
            // Merging a link with itself unpacks it.
            self.unlinked = sync_file::merge2(self.kernel, file.as_fd(), file.as_fd()).ok();
        }
    }

    /// The file that carries the error of a fence that has failed; the other one is closed.
    pub(crate) fn into_failed(mut self) -> Option<SyncFile> {
        // A merge that came too late leaves out what has signalled, errors and all.
        match self.unlinked.take().filter(|file| has_failed(self.kernel, file)) {
            Some(file) => Some(file),
            None => self.came.take(),
        }
    }
}

impl Drop for AcquireFiles {
    fn drop(&mut self) {
        let mut files = self.came.take().into_iter().chain(self.unlinked.take()).map(OwnedFd::from);
        if let Some(first) = files.next() {
            self.kernel.close(first, files.next());
        }
    }
}

fn has_failed(kernel: KernelRef, file: &SyncFile) -> bool {
    sync_file::summary(kernel, file.as_fd()).is_ok_and(|summary| matches!(summary.status, Status::Failed(_)))
}
