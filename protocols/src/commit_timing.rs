//! `commit-timing-v1`: a client names the time before which a content update must not be shown.
//!
//! [`take`] returns the time, in nanoseconds of the presentation clock, to the compositor's
//! pre-commit hook. The compositor decides when the update is shown. (Smithay's module does not
//! check `tv_nsec`, and reports `commit_timer_exists` on the `wl_surface`.)
//!
//! Source: `wayland-protocols/staging/commit-timing/commit-timing-v1.xml`.

use fence::Ns;
use smithay::wayland::compositor::{SurfaceData, with_states};
use wayland_protocols::wp::commit_timing::v1::server::{
    wp_commit_timer_v1::{self as object, WpCommitTimerV1},
    wp_commit_timing_manager_v1::{self as manager, WpCommitTimingManagerV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::ClientId};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef, bind_manager};

/// The `wp_commit_timing_manager_v1` global.
#[derive(Debug)]
pub struct CommitTimingState;

impl SurfaceExtension for WpCommitTimerV1 {
    /// The time that was set since the last commit.
    type State = Option<Ns>;
}

/// Takes the time of the commit that is being made; to be called once in the pre-commit hook of
/// every surface.
pub fn take(states: &SurfaceData) -> Option<Ns> {
    SurfaceObject::<WpCommitTimerV1>::find(states)?.state.take()
}

/// The request's three words as nanoseconds, which saturate in the year 2554; `None` if `nsec` is a
/// second or more.
fn nanoseconds(hi: u32, lo: u32, nsec: u32) -> Option<Ns> {
    let seconds = (u64::from(hi) << 32) | u64::from(lo);
    (nsec < 1_000_000_000).then(|| seconds.saturating_mul(1_000_000_000).saturating_add(nsec.into()))
}

impl CommitTimingState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpCommitTimingManagerV1, ()>
            + Dispatch<WpCommitTimingManagerV1, ()>
            + Dispatch<WpCommitTimerV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, WpCommitTimingManagerV1, ()>(1, ());
        Self
    }
}

bind_manager!(CommitTimingState, WpCommitTimingManagerV1);

impl<D> Dispatch<WpCommitTimingManagerV1, (), D> for CommitTimingState
where
    D: Dispatch<WpCommitTimingManagerV1, ()> + Dispatch<WpCommitTimerV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpCommitTimingManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetTimer { id, surface } = request {
            let exists = manager::Error::CommitTimerExists;
            SurfaceObject::create(resource, "get_timer", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<WpCommitTimerV1, SurfaceRef, D> for CommitTimingState
where
    D: Dispatch<WpCommitTimerV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpCommitTimerV1,
        request: object::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let object::Request::SetTimestamp { tv_sec_hi, tv_sec_lo, tv_nsec } = request else { return };
        let surface = match data.get("set_timestamp") {
            Ok(surface) => surface,
            Err(message) => return resource.post_error(object::Error::SurfaceDestroyed, message),
        };
        let Some(at) = nanoseconds(tv_sec_hi, tv_sec_lo, tv_nsec) else {
            let message = format!("set_timestamp: tv_nsec {tv_nsec} is not below 1000000000");
            return resource.post_error(object::Error::InvalidTimestamp, message);
        };
        let before = with_states(&surface, |states| SurfaceObject::<WpCommitTimerV1>::of(states).state.replace(at));
        if before.is_some() {
            let message = format!("set_timestamp: {} has a timestamp for this commit already", surface.id());
            resource.post_error(object::Error::TimestampExists, message);
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpCommitTimerV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |_| ());
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_commit_timing {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::commit_timing::manager::WpCommitTimingManagerV1: ()
        ] => $crate::commit_timing::CommitTimingState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::commit_timing::manager::WpCommitTimingManagerV1: ()
        ] => $crate::commit_timing::CommitTimingState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::commit_timing::object::WpCommitTimerV1: $crate::SurfaceRef
        ] => $crate::commit_timing::CommitTimingState);
    };
}

#[cfg(test)]
mod tests {
    use super::nanoseconds;

    #[test]
    fn timestamps() {
        let table = [
            ((0, 0, 0), Some(0)),
            ((0, 1, 5), Some(1_000_000_005)),
            ((1, 0, 0), Some((1 << 32) * 1_000_000_000)),
            ((0, 0, 999_999_999), Some(999_999_999)),
            ((0, 0, 1_000_000_000), None),
            ((0, 0, u32::MAX), None),
            ((u32::MAX, u32::MAX, 1), Some(u64::MAX)),
        ];
        for ((hi, lo, nsec), expected) in table {
            assert_eq!(nanoseconds(hi, lo, nsec), expected, "{hi} {lo} {nsec}");
        }
    }
}
