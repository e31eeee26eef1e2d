//! Errors of this crate: a call that the kernel refused, or a description that no buffer can
//! satisfy.
//!
//! Errors of a *fence* are not here: they are `fence::FenceError`, and never mixed with these.

use rustix::io::Errno;

use crate::validate::Violation;

/// A system call that failed: which, on what, why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call} on {object}: {errno}")]
pub struct CallError {
    /// Name of the call as the kernel's headers have it, for example `DMA_BUF_IOCTL_SYNC`.
    pub call: &'static str,
    /// The object of the call (a path, a handle, a property), made only when the call failed.
    pub object: String,
    /// What the kernel answered.
    pub errno: Errno,
}

impl CallError {
    /// Makes an error from what `drm-ffi` and `std` return.
    pub fn io(call: &'static str, object: impl std::fmt::Display, error: &std::io::Error) -> Self {
        let errno = Errno::from_io_error(error).unwrap_or(Errno::IO);
        Self { call, object: object.to_string(), errno }
    }

    /// Makes an error from an errno.
    pub fn new(call: &'static str, object: impl std::fmt::Display, errno: Errno) -> Self {
        Self { call, object: object.to_string(), errno }
    }
}

/// Why a dma-buf could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// The description breaks a rule: the client's fault.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The kernel or the driver refused: not the client's fault.
    #[error(transparent)]
    Call(#[from] CallError),
}
