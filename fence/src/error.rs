//! The two error planes: a call that failed ([`CallError`]) and a fence that failed
//! ([`FenceError`]).
//!
//! They are never converted into each other. A failed fence means that the work behind it did not
//! happen (a GPU reset, a timeline that was closed); the call that told us so succeeded. This file
//! never talks to the kernel.

use std::{fmt, os::fd::AsRawFd};

use rustix::io::Errno;

/// What a failed call was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A file descriptor of this process, by number (the number is for the reader; the fd may be
    /// closed by now).
    Fd(i32),
    /// A second file descriptor given to a call on the first one.
    FdPair(i32, i32),
    /// A syncobj handle on a DRM device.
    Handle(u32),
    /// A point of the syncobj with this handle.
    Point {
        /// Handle of the syncobj.
        handle: u32,
        /// Value of the point.
        value: u64,
    },
    /// A file by its path.
    Path(&'static str),
    /// Nothing that could be named: the call creates its object.
    New,
}

impl Object {
    pub(crate) fn fd(fd: impl AsRawFd) -> Self {
        Object::Fd(fd.as_raw_fd())
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::Fd(fd) => write!(f, "fd {fd}"),
            Object::FdPair(a, b) => write!(f, "fd {a} with fd {b}"),
            Object::Handle(handle) => write!(f, "syncobj {handle}"),
            Object::Point { handle, value } => write!(f, "point {value} of syncobj {handle}"),
            Object::Path(path) => f.write_str(path),
            Object::New => f.write_str("a new object"),
        }
    }
}

/// A system call that failed: which one, on what, why.
///
/// It says nothing about the state of any fence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Name of the call as the kernel's headers spell it, without its prefix (`SYNCOBJ_TRANSFER`).
    pub call: &'static str,
    /// What it was called on.
    pub object: Object,
    /// What the kernel answered.
    pub errno: Errno,
}

impl CallError {
    pub(crate) fn new(call: &'static str, object: Object, errno: Errno) -> Self {
        CallError { call, object, errno }
    }

    /// True if the call may succeed later although its arguments stay as they are: no file
    /// descriptor, no memory.
    pub fn is_transient(&self) -> bool {
        matches!(self.errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR | Errno::AGAIN | Errno::BUSY)
    }

    /// What the errno means for this call, where the kernel's choice is not obvious.
    fn hint(&self) -> Option<&'static str> {
        Some(match (self.call, self.errno) {
            ("SYNC_IOC_FILE_INFO" | "SYNC_IOC_SET_DEADLINE", Errno::NOTTY | Errno::INVAL) => {
                "the fd is not a sync_file"
            }
            ("SYNC_IOC_MERGE", Errno::NOTTY) => "the first fd is not a sync_file",
            ("SYNC_IOC_MERGE", Errno::NOENT) => "the second fd is not a sync_file",
            ("SYNCOBJ_FD_TO_HANDLE", Errno::INVAL | Errno::NOENT) => "the fd is not a syncobj",
            ("SYNCOBJ_IMPORT_SYNC_FILE", Errno::INVAL) => "the fd is not a sync_file",
            ("DMA_BUF_IMPORT_SYNC_FILE", Errno::INVAL) => "the second fd is not a sync_file",
            ("DMA_BUF_EXPORT_SYNC_FILE" | "DMA_BUF_IMPORT_SYNC_FILE", Errno::NOTTY) => "the fd is not a dma-buf",
            ("DRM_GET_CAP", Errno::NOTTY | Errno::INVAL) => "the fd is not a DRM device",
            (_, Errno::OPNOTSUPP) => "the device's driver has no such syncobj support",
            (_, Errno::BADF) => "the fd is closed",
            (_, Errno::MFILE) => "this process has no file descriptor left",
            _ => return None,
        })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}: {}", self.call, self.object, self.errno)?;
        match self.hint() {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CallError {}

/// The error a fence was signalled with: the work behind it did not complete.
///
/// Typical values: `ENOENT` (the sw_sync timeline was closed), `EIO`, `ECANCELED` and `ETIME` (the
/// driver reset the GPU or killed the job).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fence failed: {0}")]
pub struct FenceError(pub Errno);

impl FenceError {
    /// From a status of the kernel's fence info: negative is an errno, anything else is not an
    /// error.
    pub(crate) fn from_status(status: i32) -> Option<FenceError> {
        (status < 0).then(|| FenceError(Errno::from_raw_os_error(status.saturating_neg().clamp(1, 4095))))
    }

    /// The errno as a positive number.
    pub fn raw(self) -> i32 {
        self.0.raw_os_error()
    }
}

/// A device lacks something that explicit synchronisation needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// `DRM_CAP_SYNCOBJ` is 0: the driver has no syncobjs.
    #[error("the DRM driver has no syncobjs (DRM_CAP_SYNCOBJ)")]
    Syncobj,
    /// `DRM_CAP_SYNCOBJ_TIMELINE` is 0: binary syncobjs only.
    #[error("the DRM driver has no timeline syncobjs (DRM_CAP_SYNCOBJ_TIMELINE)")]
    Timeline,
    /// `DRM_IOCTL_SYNCOBJ_EVENTFD` is unknown: Linux < 6.6.
    #[error("the kernel cannot signal an eventfd from a syncobj (DRM_IOCTL_SYNCOBJ_EVENTFD, Linux 6.6)")]
    Eventfd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_error_says_what_where_and_why() {
        let table: &[(&'static str, Object, Errno, &str)] = &[
            ("SYNC_IOC_FILE_INFO", Object::Fd(7), Errno::NOTTY, "the fd is not a sync_file"),
            ("SYNC_IOC_MERGE", Object::FdPair(3, 4), Errno::NOENT, "the second fd is not a sync_file"),
            ("SYNC_IOC_MERGE", Object::FdPair(3, 4), Errno::NOTTY, "the first fd is not a sync_file"),
            ("SYNC_IOC_SET_DEADLINE", Object::Fd(7), Errno::INVAL, "the fd is not a sync_file"),
            ("SYNCOBJ_FD_TO_HANDLE", Object::Fd(9), Errno::INVAL, "the fd is not a syncobj"),
            ("SYNCOBJ_IMPORT_SYNC_FILE", Object::Handle(9), Errno::INVAL, "the fd is not a sync_file"),
            ("DMA_BUF_IMPORT_SYNC_FILE", Object::FdPair(3, 4), Errno::INVAL, "the second fd is not a sync_file"),
            ("DMA_BUF_EXPORT_SYNC_FILE", Object::Fd(3), Errno::NOTTY, "the fd is not a dma-buf"),
            ("DRM_GET_CAP", Object::Fd(3), Errno::INVAL, "the fd is not a DRM device"),
            ("SYNCOBJ_QUERY", Object::Handle(2), Errno::BADF, "the fd is closed"),
            ("SYNCOBJ_CREATE", Object::New, Errno::OPNOTSUPP, "no such syncobj support"),
            ("SYNCOBJ_EXPORT", Object::Point { handle: 2, value: 5 }, Errno::MFILE, "no file descriptor left"),
        ];
        for (call, object, errno, expected) in table {
            let text = CallError::new(call, object.clone(), *errno).to_string();
            assert!(text.contains(call) && text.contains(&object.to_string()) && text.contains(expected), "{text}");
        }
    }

    #[test]
    fn only_negative_statuses_are_fence_errors() {
        assert_eq!(FenceError::from_status(0), None);
        assert_eq!(FenceError::from_status(1), None);
        assert_eq!(FenceError::from_status(-2), Some(FenceError(Errno::NOENT)));
        assert_eq!(FenceError::from_status(-2).unwrap().raw(), 2);
        assert!(FenceError::from_status(i32::MIN).is_some());
    }
}
