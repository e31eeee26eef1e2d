//! `linux-drm-syncobj-v1`: a client names, per commit, the timeline point to wait for and the one to signal.
//!
//! ```text
//!  set_acquire_point ─┐                                   ┌─ Points { acquire, release }  → the commit's own
//!  set_release_point ─┼─ pending ─ wl_surface.commit ─ take_points
//!  attach             ┘                                   └─ protocol error, naming the request
//! ```
//!
//! The pending points belong to the surface and are taken, with every check, by [`take_points`], which the compositor
//! calls in its own pre-commit hook: one place, one order. From there the [`Points`] belong to that commit, so that
//! re-attaching the same `wl_buffer`, or destroying and re-creating the extension object, loses nothing.
//!
//! This module never waits and never signals.
//!
//! Source: `wayland-protocols/staging/linux-drm-syncobj/linux-drm-syncobj-v1.xml`.

mod dispatch;
mod validate;

use std::sync::Mutex;

use fence::{Point, SyncDevice, Timeline};
use smithay::wayland::compositor::SurfaceData;
use wayland_protocols::wp::linux_drm_syncobj::v1::server::{
    wp_linux_drm_syncobj_manager_v1::WpLinuxDrmSyncobjManagerV1,
    wp_linux_drm_syncobj_surface_v1::WpLinuxDrmSyncobjSurfaceV1,
    wp_linux_drm_syncobj_timeline_v1::WpLinuxDrmSyncobjTimelineV1,
};
use wayland_server::{
    Dispatch, DisplayHandle, GlobalDispatch, Resource, Weak, backend::GlobalId, protocol::wl_surface::WlSurface,
};

pub use validate::{Attached, Violation, check};

/// The two points of one commit. Each holds its timeline alive, also after the client has destroyed the protocol
/// object or is gone.
#[derive(Debug)]
pub struct Points {
    /// The buffer may be read once this point is signalled.
    pub acquire: Point,
    /// To be signalled when the buffer is no longer read on behalf of this commit.
    pub release: Point,
}

/// The `wp_linux_drm_syncobj_manager_v1` global and the device on which timelines are imported.
#[derive(Debug)]
pub struct SyncobjState {
    global: GlobalId,
    device: SyncDevice,
}

impl SyncobjState {
    /// Announces the global. `device` imports the clients' timelines; it must have
    /// [timelines and the eventfd](fence::SyncDevice), else clients would be promised what cannot be kept.
    pub fn new<D>(display: &DisplayHandle, device: SyncDevice) -> Self
    where
        D: GlobalDispatch<WpLinuxDrmSyncobjManagerV1, ()>
            + Dispatch<WpLinuxDrmSyncobjManagerV1, ()>
            + Dispatch<WpLinuxDrmSyncobjSurfaceV1, SyncobjSurfaceData>
            + Dispatch<WpLinuxDrmSyncobjTimelineV1, SyncobjTimelineData>
            + SyncobjHandler
            + 'static,
    {
        let global = display.create_global::<D, WpLinuxDrmSyncobjManagerV1, ()>(1, ());
        Self { global, device }
    }

    /// The global's id, for taking it away.
    pub fn global(&self) -> GlobalId {
        self.global.clone()
    }

    /// The device on which timelines are imported from now on, where the old one is gone. Those that were imported there stay there.
    pub fn move_to(&mut self, device: SyncDevice) {
        self.device = device;
    }

    /// The device on which timelines are imported.
    pub fn device(&self) -> &SyncDevice {
        &self.device
    }
}

/// What the protocol needs from the compositor's state.
pub trait SyncobjHandler {
    /// The global's state. `None` while no device can import timelines: imports then fail with `invalid_timeline`.
    fn syncobj_state(&mut self) -> Option<&mut SyncobjState>;
}

/// User data of `wp_linux_drm_syncobj_surface_v1`.
#[derive(Debug)]
pub struct SyncobjSurfaceData {
    surface: Weak<WlSurface>,
}

/// User data of `wp_linux_drm_syncobj_timeline_v1`.
#[derive(Debug)]
pub struct SyncobjTimelineData {
    timeline: Timeline,
}

/// What a surface holds between two commits.
#[derive(Debug, Default)]
struct Pending {
    object: Option<WpLinuxDrmSyncobjSurfaceV1>,
    acquire: Option<Point>,
    release: Option<Point>,
}

/// A surface's pending points; it stays with the surface when the extension object goes.
type PendingCell = Mutex<Pending>;

/// Whether an extension object lives on the surface: implicit synchronisation is then not used for its buffers.
pub fn is_explicit(states: &SurfaceData) -> bool {
    states.data_map.get::<PendingCell>().is_some_and(|cell| cell.lock().expect("not poisoned").object.is_some())
}

/// Takes the points of the commit that is being made; call it once in the pre-commit hook of every surface.
///
/// Returns `Ok(None)` for a surface without the extension, and for a commit that attaches no buffer. On a violation
/// the protocol error has been posted (the client is gone after this dispatch) and nothing is taken into the commit.
pub fn take_points(states: &SurfaceData, attached: Attached) -> Result<Option<Points>, Violation> {
    let Some(cell) = states.data_map.get::<PendingCell>() else { return Ok(None) };
    let mut pending = cell.lock().expect("not poisoned");
    let Some(object) = pending.object.clone() else { return Ok(None) };
    if let Err(violation) = check(attached, pending.acquire.as_ref(), pending.release.as_ref()) {
        object.post_error(violation.error(), violation.to_string());
        return Err(violation);
    }
    match (pending.acquire.take(), pending.release.take()) {
        (Some(acquire), Some(release)) => Ok(Some(Points { acquire, release })),
        _ => Ok(None),
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements [`SyncobjHandler`].
#[macro_export]
macro_rules! delegate_syncobj {
    ($ty:ty) => {
        $crate::reexports::wayland_server::delegate_global_dispatch!($ty: [
            $crate::reexports::manager::WpLinuxDrmSyncobjManagerV1: ()
        ] => $crate::syncobj::SyncobjState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::manager::WpLinuxDrmSyncobjManagerV1: ()
        ] => $crate::syncobj::SyncobjState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::surface::WpLinuxDrmSyncobjSurfaceV1: $crate::syncobj::SyncobjSurfaceData
        ] => $crate::syncobj::SyncobjState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::timeline::WpLinuxDrmSyncobjTimelineV1: $crate::syncobj::SyncobjTimelineData
        ] => $crate::syncobj::SyncobjState);
    };
}
