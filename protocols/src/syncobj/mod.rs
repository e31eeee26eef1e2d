//! `linux-drm-syncobj-v1`: a client names, per commit, the timeline point to wait for and the one
//! to signal.
//!
//! ```text
//!  set_acquire_point ─┐                        ┌─ Points { acquire, release } of the commit
//!  set_release_point ─┼─ pending ─ commit ─ take_points
//!  attach             ┘                        └─ protocol error
//! ```
//!
//! The pending points belong to the surface. [`take_points`], which the compositor calls in its
//! pre-commit hook, checks and takes them. From there the [`Points`] belong to that commit:
//! attaching the same `wl_buffer` again, or destroying the extension object and creating another,
//! loses nothing.
//!
//! This module never waits and never signals.
//!
//! Source: `wayland-protocols/staging/linux-drm-syncobj/linux-drm-syncobj-v1.xml`.

mod dispatch;
mod validate;

use fence::{Point, SyncDevice, Timeline};
use smithay::wayland::compositor::SurfaceData;
use wayland_protocols::wp::linux_drm_syncobj::v1::server::{
    wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1,
    wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1,
    wp_linux_drm_syncobj_timeline_v1::WpLinuxDrmSyncobjTimelineV1,
};
use wayland_server::{Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::GlobalId};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef};

pub use validate::{Attached, Violation, check};

/// The two points of one commit. Each keeps its timeline, also when the client has destroyed the
/// protocol object or has disconnected.
#[derive(Debug)]
pub struct Points {
    /// The buffer may be read once this point is signalled.
    pub acquire: Point,
    /// To be signalled once the buffer is no longer read for this commit.
    pub release: Point,
}

/// The `wp_linux_drm_syncobj_manager_v1` global and the device on which timelines are imported.
#[derive(Debug)]
pub struct SyncobjState {
    global: GlobalId,
    device: SyncDevice,
}

impl SyncobjState {
    /// Announces the global. `device` imports the clients' timelines; it must support
    /// [timelines and the eventfd](fence::SyncDevice).
    pub fn new<D>(display: &DisplayHandle, device: SyncDevice) -> Self
    where
        D: GlobalDispatch<WpLinuxDrmSyncobjManagerV1, ()>
            + Dispatch<WpLinuxDrmSyncobjManagerV1, ()>
            + Dispatch<WpLinuxDrmSyncobjSurfaceV1, SurfaceRef>
            + Dispatch<WpLinuxDrmSyncobjTimelineV1, SyncobjTimelineData>
            + SyncobjHandler
            + 'static,
    {
        let global = display.create_global::<D, WpLinuxDrmSyncobjManagerV1, ()>(1, ());
        Self { global, device }
    }

    /// The global's id, for removing it.
    pub fn global(&self) -> GlobalId {
        self.global.clone()
    }

    /// Imports timelines on another device from now on, because the old one is gone. Timelines that
    /// were imported stay where they are.
    pub fn set_device(&mut self, device: SyncDevice) {
        self.device = device;
    }

    /// The device on which timelines are imported.
    pub fn device(&self) -> &SyncDevice {
        &self.device
    }
}

/// What the protocol needs from the compositor's state.
pub trait SyncobjHandler {
    /// The global's state; `None` while no device can import timelines: imports fail with
    /// `invalid_timeline` then.
    fn syncobj_state(&mut self) -> Option<&mut SyncobjState>;
}

/// User data of `wp_linux_drm_syncobj_timeline_v1`.
#[derive(Debug)]
pub struct SyncobjTimelineData {
    timeline: Timeline,
}

/// The points that were set since the last commit. They go with the object.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    acquire: Option<Point>,
    release: Option<Point>,
}

impl SurfaceExtension for WpLinuxDrmSyncobjSurfaceV1 {
    type State = Pending;

    fn conflict(states: &SurfaceData) -> Option<&'static str> {
        crate::explicit_sync_interface(states)
    }
}

/// Whether the surface has an object of this protocol: implicit synchronisation is not used for its
/// buffers then.
pub fn is_explicit(states: &SurfaceData) -> bool {
    SurfaceObject::<WpLinuxDrmSyncobjSurfaceV1>::exists(states)
}

/// Takes the points of the commit that is being made; to be called once in the pre-commit hook of
/// every surface.
///
/// Returns `Ok(None)` for a surface without the extension, and for a commit that attaches no
/// buffer. On a violation the protocol error has been posted, which ends the client, and the commit
/// has no points.
pub fn take_points(states: &SurfaceData, attached: Attached) -> Result<Option<Points>, Violation> {
    let Some(mut known) = SurfaceObject::<WpLinuxDrmSyncobjSurfaceV1>::find(states) else { return Ok(None) };
    let SurfaceObject { object: Some(object), state: pending } = &mut *known else { return Ok(None) };
    if let Err(violation) = check(attached, pending.acquire.as_ref(), pending.release.as_ref()) {
        object.post_error(violation.error(), violation.to_string());
        return Err(violation);
    }
    match (pending.acquire.take(), pending.release.take()) {
        (Some(acquire), Some(release)) => Ok(Some(Points { acquire, release })),
        _ => Ok(None),
    }
}

/// The surface is destroyed: drops the points that no commit has taken, and their timelines with
/// them, since others may keep the surface's data for a while.
pub fn forget(states: &SurfaceData) {
    if let Some(mut known) = SurfaceObject::<WpLinuxDrmSyncobjSurfaceV1>::find(states) {
        known.state = Pending::default();
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`SyncobjHandler`].
#[macro_export]
macro_rules! delegate_syncobj {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::manager::WpLinuxDrmSyncobjManagerV1: ()
        ] => $crate::syncobj::SyncobjState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::manager::WpLinuxDrmSyncobjManagerV1: ()
        ] => $crate::syncobj::SyncobjState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::surface::WpLinuxDrmSyncobjSurfaceV1: $crate::SurfaceRef
        ] => $crate::syncobj::SyncobjState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::timeline::WpLinuxDrmSyncobjTimelineV1: $crate::syncobj::SyncobjTimelineData
        ] => $crate::syncobj::SyncobjState);
    };
}
