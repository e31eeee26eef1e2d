//! The rules of `zwp_linux_explicit_synchronization_v1` at commit time, as a pure function.
//!
//! It knows no protocol object. It gets what the commit attaches and what was asked for, and
//! returns the violation.

use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::zwp_linux_surface_synchronization_v1::Error;

use crate::syncobj::Attached;

/// A commit that violates the protocol. Its text names the request that is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A fence or a release without a buffer.
    #[error("wl_surface.commit: {request} was called, but no buffer is attached in this commit")]
    NoBuffer {
        /// The request.
        request: &'static str,
    },
    /// An acquire fence for a buffer whose type does not support explicit synchronisation.
    #[error(
        "wl_surface.commit: set_acquire_fence was called, but the attached buffer's type does not support explicit \
         synchronisation; use linux-dmabuf"
    )]
    UnsupportedBuffer,
}

impl Violation {
    /// The protocol's error code.
    pub fn error(self) -> Error {
        match self {
            Self::NoBuffer { .. } => Error::NoBuffer,
            Self::UnsupportedBuffer => Error::UnsupportedBuffer,
        }
    }
}

/// Checks a commit with or without `set_acquire_fence` and `get_release`. A release may be asked
/// for with any buffer: the protocol has `unsupported_buffer` for the fence only.
pub fn check(attached: Attached, acquire: bool, release: bool) -> Result<(), Violation> {
    match attached {
        Attached::Nothing if acquire => Err(Violation::NoBuffer { request: "set_acquire_fence" }),
        Attached::Nothing if release => Err(Violation::NoBuffer { request: "get_release" }),
        Attached::Buffer { explicit_sync: false } if acquire => Err(Violation::UnsupportedBuffer),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_its_error() {
        let dmabuf = Attached::Buffer { explicit_sync: true };
        let shm = Attached::Buffer { explicit_sync: false };
        let no_buffer = |request| Err(Violation::NoBuffer { request });
        let table = [
            (Attached::Nothing, false, false, Ok(())),
            (Attached::Nothing, true, false, no_buffer("set_acquire_fence")),
            (Attached::Nothing, true, true, no_buffer("set_acquire_fence")),
            (Attached::Nothing, false, true, no_buffer("get_release")),
            (dmabuf, false, false, Ok(())),
            (dmabuf, true, false, Ok(())),
            (dmabuf, false, true, Ok(())),
            (dmabuf, true, true, Ok(())),
            (shm, false, false, Ok(())),
            (shm, false, true, Ok(())),
            (shm, true, false, Err(Violation::UnsupportedBuffer)),
            (shm, true, true, Err(Violation::UnsupportedBuffer)),
        ];
        for (attached, acquire, release, expected) in table {
            assert_eq!(check(attached, acquire, release), expected, "{attached:?} {acquire} {release}");
        }
    }

    #[test]
    fn each_violation_names_its_request() {
        assert!(Violation::UnsupportedBuffer.to_string().contains("set_acquire_fence"));
        assert!(Violation::NoBuffer { request: "get_release" }.to_string().contains("get_release"));
    }
}
