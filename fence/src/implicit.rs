//! The bridge to implicit synchronisation: fences come out of a dma-buf and go into it as
//! sync_files.
//!
//! It never waits for a dma-buf and never maps one.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use crate::{
    CallError, Object, SyncFile,
    kernel::{Kernel, LINUX},
};

/// What somebody does with the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reads: has to wait for writers, and later writers have to wait for it.
    Read,
    /// Writes: waits for all earlier accesses, and all later ones wait for it.
    Write,
}

impl Access {
    /// `DMA_BUF_SYNC_READ` or `DMA_BUF_SYNC_WRITE`.
    fn flags(self) -> u32 {
        match self {
            Access::Read => 0b01,
            Access::Write => 0b10,
        }
    }
}

/// What somebody who is about to access the dma-buf has to wait for, as of now. The dma-buf stays
/// the caller's. A buffer without fences gives a fence that has signalled.
///
/// # Errors
/// `ENOTTY`: no dma-buf, or Linux < 6.0; `EMFILE`.
pub fn export(dmabuf: BorrowedFd<'_>, access: Access) -> Result<SyncFile, CallError> {
    export_on(&LINUX, dmabuf, access)
}

/// Makes later accesses through implicit synchronisation wait for `file`: with [`Access::Read`]
/// only writers do, with [`Access::Write`] everybody. Both file descriptors stay the caller's.
///
/// # Errors
/// `ENOTTY`: no dma-buf, or Linux < 6.0; `EINVAL`: `file` is not a sync_file; `ENOMEM`.
pub fn import(dmabuf: BorrowedFd<'_>, file: &SyncFile, access: Access) -> Result<(), CallError> {
    import_on(&LINUX, dmabuf, file.as_fd(), access)
}

pub(crate) fn export_on(kernel: &dyn Kernel, dmabuf: BorrowedFd<'_>, access: Access) -> Result<SyncFile, CallError> {
    kernel
        .dmabuf_export(dmabuf, access.flags())
        .map(SyncFile::unchecked)
        .map_err(|errno| CallError::new("DMA_BUF_EXPORT_SYNC_FILE", Object::fd(dmabuf), errno))
}

pub(crate) fn import_on(
    kernel: &dyn Kernel,
    dmabuf: BorrowedFd<'_>,
    file: BorrowedFd<'_>,
    access: Access,
) -> Result<(), CallError> {
    kernel.dmabuf_import(dmabuf, file, access.flags()).map_err(|errno| {
        let object = Object::FdPair(dmabuf.as_raw_fd(), file.as_raw_fd());
        CallError::new("DMA_BUF_IMPORT_SYNC_FILE", object, errno)
    })
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::model::Model;

    #[test]
    fn what_is_no_dmabuf_is_refused_by_name() {
        let (pipe, _end) = rustix::pipe::pipe().unwrap();
        let model = Model::leak();
        let file = model.sync_file(model.fence("gpu"));
        let errors = [
            import(pipe.as_fd(), &file, Access::Read).unwrap_err(),
            export(pipe.as_fd(), Access::Write).unwrap_err(),
            import_on(model, pipe.as_fd(), file.as_fd(), Access::Read).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.errno, Errno::NOTTY);
            assert!(error.to_string().contains("not a dma-buf"), "{error}");
        }
    }

    #[test]
    fn accesses_have_the_kernel_s_numbers() {
        assert_eq!([Access::Read, Access::Write].map(Access::flags), [1, 2]);
    }
}
