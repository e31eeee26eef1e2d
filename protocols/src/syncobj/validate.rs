//! The rules of `linux-drm-syncobj-v1` at commit time, as a pure function.
//!
//! It knows no protocol object. It gets what the commit attaches and which points are set, and
//! returns the violation.

use fence::Point;
use wayland_protocols::wp::linux_drm_syncobj::v1::server::wp_linux_drm_syncobj_surface_v1::Error;

/// What a commit does to the surface's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attached {
    /// No `wl_surface.attach`, or one of a null buffer.
    Nothing,
    /// A buffer.
    Buffer {
        /// Whether its type supports explicit synchronisation; dma-bufs always do.
        explicit_sync: bool,
    },
}

/// A commit that violates the protocol. Its text names the request that is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A point without a buffer.
    #[error("wl_surface.commit: {request} was called, but no buffer is attached in this commit")]
    NoBuffer {
        /// The request that set the point.
        request: &'static str,
    },
    /// A buffer without an acquire point.
    #[error("wl_surface.commit: a buffer is attached, but set_acquire_point was not called since the last commit")]
    NoAcquirePoint,
    /// A buffer without a release point.
    #[error("wl_surface.commit: a buffer is attached, but set_release_point was not called since the last commit")]
    NoReleasePoint,
    /// A buffer whose type does not support explicit synchronisation.
    #[error("wl_surface.attach: this buffer's type does not support explicit synchronisation; use linux-dmabuf")]
    UnsupportedBuffer,
    /// The acquire point is not before the release point, on the same timeline.
    #[error("set_release_point: point {release} is not after acquire point {acquire} on the same timeline")]
    ConflictingPoints {
        /// Value given with `set_acquire_point`.
        acquire: u64,
        /// Value given with `set_release_point`.
        release: u64,
    },
}

impl Violation {
    /// The protocol's error code.
    pub fn error(self) -> Error {
        match self {
            Self::NoBuffer { .. } => Error::NoBuffer,
            Self::NoAcquirePoint => Error::NoAcquirePoint,
            Self::NoReleasePoint => Error::NoReleasePoint,
            Self::UnsupportedBuffer => Error::UnsupportedBuffer,
            Self::ConflictingPoints { .. } => Error::ConflictingPoints,
        }
    }
}

/// Checks a commit with these points. One without a buffer and without points is always allowed.
pub fn check(attached: Attached, acquire: Option<&Point>, release: Option<&Point>) -> Result<(), Violation> {
    let same_timeline = match (acquire, release) {
        (Some(a), Some(r)) => a.timeline() == r.timeline(),
        _ => false,
    };
    check_values(attached, acquire.map(|p| p.value()), release.map(|p| p.value()), same_timeline)
}

fn check_values(
    attached: Attached,
    acquire: Option<u64>,
    release: Option<u64>,
    same_timeline: bool,
) -> Result<(), Violation> {
    match (attached, acquire, release) {
        (Attached::Nothing, Some(_), _) => Err(Violation::NoBuffer { request: "set_acquire_point" }),
        (Attached::Nothing, None, Some(_)) => Err(Violation::NoBuffer { request: "set_release_point" }),
        (Attached::Buffer { explicit_sync: false }, ..) => Err(Violation::UnsupportedBuffer),
        (Attached::Buffer { .. }, None, _) => Err(Violation::NoAcquirePoint),
        (Attached::Buffer { .. }, _, None) => Err(Violation::NoReleasePoint),
        (Attached::Buffer { .. }, Some(acquire), Some(release)) if same_timeline && release <= acquire => {
            Err(Violation::ConflictingPoints { acquire, release })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_its_error() {
        let fenced = Attached::Buffer { explicit_sync: true };
        let shm = Attached::Buffer { explicit_sync: false };
        let no_buffer = |request| Err(Violation::NoBuffer { request });
        let table = [
            (Attached::Nothing, None, None, false, Ok(())),
            (Attached::Nothing, Some(1), None, false, no_buffer("set_acquire_point")),
            (Attached::Nothing, Some(1), Some(2), true, no_buffer("set_acquire_point")),
            (Attached::Nothing, None, Some(2), false, no_buffer("set_release_point")),
            (fenced, None, None, false, Err(Violation::NoAcquirePoint)),
            (fenced, None, Some(2), false, Err(Violation::NoAcquirePoint)),
            (fenced, Some(1), None, false, Err(Violation::NoReleasePoint)),
            (fenced, Some(1), Some(2), true, Ok(())),
            (fenced, Some(2), Some(2), true, Err(Violation::ConflictingPoints { acquire: 2, release: 2 })),
            (fenced, Some(3), Some(2), true, Err(Violation::ConflictingPoints { acquire: 3, release: 2 })),
            (fenced, Some(3), Some(2), false, Ok(())),
            (fenced, Some(u64::MAX - 1), Some(u64::MAX), true, Ok(())),
            (
                fenced,
                Some(u64::MAX),
                Some(0),
                true,
                Err(Violation::ConflictingPoints { acquire: u64::MAX, release: 0 }),
            ),
            (shm, Some(1), Some(2), true, Err(Violation::UnsupportedBuffer)),
            (shm, None, None, false, Err(Violation::UnsupportedBuffer)),
        ];
        for (attached, acquire, release, same, expected) in table {
            assert_eq!(
                check_values(attached, acquire, release, same),
                expected,
                "{attached:?} {acquire:?} {release:?} same timeline: {same}"
            );
        }
    }

    #[test]
    fn points_conflict_on_one_timeline_only() {
        let model = fence::model::Model::leak();
        let device = fence::SyncDevice::new_on(model, model.device()).unwrap();
        let (one, other) = (device.create_timeline().unwrap(), device.create_timeline().unwrap());
        let fenced = Attached::Buffer { explicit_sync: true };
        let conflict = Err(Violation::ConflictingPoints { acquire: 2, release: 1 });
        assert_eq!(check(fenced, Some(&one.point(2)), Some(&one.point(1))), conflict);
        assert_eq!(check(fenced, Some(&one.point(1)), Some(&one.point(2))), Ok(()));
        assert_eq!(check(fenced, Some(&one.point(2)), Some(&other.point(1))), Ok(()));
        assert_eq!(check(fenced, None, Some(&other.point(1))), Err(Violation::NoAcquirePoint));
        assert_eq!(check(fenced, Some(&one.point(1)), None), Err(Violation::NoReleasePoint));
    }

    #[test]
    fn each_violation_names_its_request() {
        assert!(Violation::NoAcquirePoint.to_string().contains("set_acquire_point"));
        assert!(Violation::NoReleasePoint.to_string().contains("set_release_point"));
        assert!(Violation::NoBuffer { request: "set_release_point" }.to_string().contains("set_release_point"));
        assert!(Violation::UnsupportedBuffer.to_string().contains("wl_surface.attach"));
        assert!(Violation::ConflictingPoints { acquire: 2, release: 1 }.to_string().contains("set_release_point"));
    }
}
