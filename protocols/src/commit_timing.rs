//! `commit-timing-v1`: a client names the time before which a content update is not to be shown.
//!
//! The time becomes nanoseconds of the presentation clock, taken by [`take`] in the compositor's pre-commit hook. (Smithay's
//! module of that name checks no `tv_nsec` and reports `commit_timer_exists` on the `wl_surface`.)
//!
//! Source: `wayland-protocols/staging/commit-timing/commit-timing-v1.xml`.

use std::sync::Mutex;

use fence::Ns;
use smithay::wayland::compositor::{SurfaceData, with_states};
use wayland_protocols::wp::commit_timing::v1::server::{
    wp_commit_timer_v1::{self as object, WpCommitTimerV1},
    wp_commit_timing_manager_v1::{self as manager, WpCommitTimingManagerV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, Weak, backend::ClientId,
    protocol::wl_surface::WlSurface,
};

/// User data of `wp_commit_timer_v1`: its surface.
#[derive(Debug)]
pub struct CommitTimerData {
    surface: Weak<WlSurface>,
}

/// The `wp_commit_timing_manager_v1` global.
#[derive(Debug)]
pub struct CommitTimingState;

#[derive(Debug, Default)]
struct Pending {
    object: Option<WpCommitTimerV1>,
    at: Option<Ns>,
}

/// Takes the time of the commit that is being made; call it once in the pre-commit hook of every surface.
pub fn take(states: &SurfaceData) -> Option<Ns> {
    let pending = states.data_map.get::<Mutex<Pending>>()?;
    pending.lock().expect("no panic while locked").at.take()
}

/// The request's three words as nanoseconds, which saturate in 2554; `None` if `nsec` is not below a second.
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
            + Dispatch<WpCommitTimerV1, CommitTimerData>
            + 'static,
    {
        display.create_global::<D, WpCommitTimingManagerV1, ()>(1, ());
        Self
    }
}

impl<D> GlobalDispatch<WpCommitTimingManagerV1, (), D> for CommitTimingState
where
    D: Dispatch<WpCommitTimingManagerV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpCommitTimingManagerV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init.init(resource, ());
    }
}

impl<D> Dispatch<WpCommitTimingManagerV1, (), D> for CommitTimingState
where
    D: Dispatch<WpCommitTimingManagerV1, ()> + Dispatch<WpCommitTimerV1, CommitTimerData> + 'static,
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
        let manager::Request::GetTimer { id, surface } = request else { return };
        // The object is made in either case: a new_id that is never initialised is a bug of the server.
        let object = data_init.init(id, CommitTimerData { surface: surface.downgrade() });
        let taken = with_states(&surface, |states| {
            let mut pending = pending(states);
            let taken = pending.object.is_some();
            if !taken {
                pending.object = Some(object);
            }
            taken
        });
        if taken {
            resource.post_error(
                manager::Error::CommitTimerExists,
                format!("get_timer: {} already has a wp_commit_timer_v1", surface.id()),
            );
        }
    }
}

impl<D> Dispatch<WpCommitTimerV1, CommitTimerData, D> for CommitTimingState
where
    D: Dispatch<WpCommitTimerV1, CommitTimerData> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpCommitTimerV1,
        request: object::Request,
        data: &CommitTimerData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let object::Request::SetTimestamp { tv_sec_hi, tv_sec_lo, tv_nsec } = request else { return };
        let Ok(surface) = data.surface.upgrade() else {
            let message = "set_timestamp: the wl_surface was destroyed before";
            return resource.post_error(object::Error::SurfaceDestroyed, message);
        };
        let Some(at) = nanoseconds(tv_sec_hi, tv_sec_lo, tv_nsec) else {
            let message = format!("set_timestamp: tv_nsec {tv_nsec} is not below 1000000000");
            return resource.post_error(object::Error::InvalidTimestamp, message);
        };
        let before = with_states(&surface, |states| pending(states).at.replace(at));
        if before.is_some() {
            let message = format!("set_timestamp: {} has a timestamp for this commit already", surface.id());
            resource.post_error(object::Error::TimestampExists, message);
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpCommitTimerV1, data: &CommitTimerData) {
        let Ok(surface) = data.surface.upgrade() else { return };
        with_states(&surface, |states| {
            let mut pending = pending(states);
            // A second object that was refused must not take the first one's place with it.
            if pending.object.as_ref() == Some(resource) {
                pending.object = None;
            }
        });
    }
}

fn pending(states: &SurfaceData) -> std::sync::MutexGuard<'_, Pending> {
    states.data_map.insert_if_missing_threadsafe(Mutex::<Pending>::default);
    states.data_map.get::<Mutex<Pending>>().expect("inserted above").lock().expect("no panic while locked")
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_commit_timing {
    ($ty:ty) => {
        $crate::reexports::wayland_server::delegate_global_dispatch!($ty: [
            $crate::reexports::commit_timing::manager::WpCommitTimingManagerV1: ()
        ] => $crate::commit_timing::CommitTimingState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::commit_timing::manager::WpCommitTimingManagerV1: ()
        ] => $crate::commit_timing::CommitTimingState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::commit_timing::object::WpCommitTimerV1: $crate::commit_timing::CommitTimerData
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
