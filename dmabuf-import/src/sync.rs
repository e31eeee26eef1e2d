//! The fences that a dma-buf carries, as sync_files: the bridge to clients and drivers of implicit
//! synchronisation.
//!
//! Never waits. An image in several dma-bufs counts as one: fences go into all of them and come out
//! merged.

use std::os::fd::AsFd;

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

    /// Makes later users of implicit synchronisation wait for `file`, an `access` to the buffer.
    /// `file` stays the caller's.
    ///
    /// Errors: as [`Dmabuf::export_sync_file`]. After an error some of the descriptors may carry
    /// the fence.
    pub fn import_sync_file(&self, file: &SyncFile, access: Access) -> Result<(), CallError> {
        self.fds().try_for_each(|fd| implicit::import(fd, file, access))
    }
}
