//! `zwp_linux_explicit_synchronization_unstable_v1`, version 2: a client sends, per commit, a fence to wait for, and asks
//! for a message with the fence of the buffer's release. The older of the two protocols; Weston's clients and Chrome use
//! it.
//!
//! ```text
//!  set_acquire_fence ─┐                                   ┌─ Fences { acquire, release }  → the commit's own
//!  get_release ───────┼─ pending ─ wl_surface.commit ─ take_fences
//!  attach             ┘                                   └─ protocol error, naming the request
//! ```
//!
//! Either request may come without the other: what is missing is synchronised implicitly. `wl_buffer.release` is sent
//! whatever is asked for, and means what it always does.
//!
//! This module never waits for a fence and never makes one.
//!
//! Source: `wayland-protocols/unstable/linux-explicit-synchronization/linux-explicit-synchronization-unstable-v1.xml`.

mod dispatch;
mod release;
mod validate;

use std::sync::Mutex;

use fence::{DeferredReleases, Release, SyncFile};
use smithay::wayland::compositor::SurfaceData;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::{
    zwp_linux_buffer_release_v1::ZwpLinuxBufferReleaseV1,
    zwp_linux_explicit_synchronization_v1::ZwpLinuxExplicitSynchronizationV1,
    zwp_linux_surface_synchronization_v1::ZwpLinuxSurfaceSynchronizationV1,
};
use wayland_server::{
    Dispatch, DisplayHandle, GlobalDispatch, Resource, Weak, backend::GlobalId, protocol::wl_surface::WlSurface,
};

pub use release::BufferRelease;
pub use validate::{Violation, check};

use crate::syncobj::Attached;

/// What one commit brought. Dropping it tells the client that the buffer was not used.
#[derive(Debug)]
pub struct Fences {
    /// The buffer may be read once this has signalled; `None`: implicit synchronisation decides.
    pub acquire: Option<SyncFile>,
    /// To be sent when the last user of the buffer is known; `None`: the client was content with `wl_buffer.release`.
    pub release: Option<BufferRelease>,
}

/// The `zwp_linux_explicit_synchronization_v1` global. It needs no device.
#[derive(Debug)]
pub struct ExplicitSyncState {
    global: GlobalId,
    retries: DeferredReleases,
}

impl ExplicitSyncState {
    /// Announces the global.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ZwpLinuxExplicitSynchronizationV1, ()>
            + Dispatch<ZwpLinuxExplicitSynchronizationV1, ()>
            + Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceSyncData>
            + Dispatch<ZwpLinuxBufferReleaseV1, ()>
            + 'static,
    {
        let global = display.create_global::<D, ZwpLinuxExplicitSynchronizationV1, ()>(2, ());
        Self { global, retries: DeferredReleases::default() }
    }

    /// The global's id, for taking it away.
    pub fn global(&self) -> GlobalId {
        self.global.clone()
    }

    /// The token that keeps the promise of `release`.
    pub fn release(&self, release: BufferRelease) -> Release {
        Release::message(Box::new(release), &self.retries)
    }

    /// Sends releases again for which there was no file descriptor; see [`DeferredReleases::retry`].
    pub fn retry_releases(&self) -> usize {
        self.retries.retry()
    }
}

/// User data of `zwp_linux_surface_synchronization_v1`.
#[derive(Debug)]
pub struct SurfaceSyncData {
    surface: Weak<WlSurface>,
}

/// What a surface holds between two commits.
#[derive(Debug, Default)]
struct Pending {
    object: Option<ZwpLinuxSurfaceSynchronizationV1>,
    acquire: Option<SyncFile>,
    release: Option<BufferRelease>,
}

/// A surface's pending fences; it stays with the surface when the extension object goes.
type PendingCell = Mutex<Pending>;

/// Whether an extension object of this protocol lives on the surface.
pub fn is_explicit(states: &SurfaceData) -> bool {
    states.data_map.get::<PendingCell>().is_some_and(|cell| cell.lock().expect("not poisoned").object.is_some())
}

/// Takes the fences of the commit that is being made; call it once in the pre-commit hook of every surface.
///
/// Returns `Ok(None)` for a commit that brings neither. On a violation the protocol error has been posted (the client is
/// gone after this dispatch) and nothing is taken into the commit.
pub fn take_fences(states: &SurfaceData, attached: Attached) -> Result<Option<Fences>, Violation> {
    let Some(cell) = states.data_map.get::<PendingCell>() else { return Ok(None) };
    let mut pending = cell.lock().expect("not poisoned");
    if pending.acquire.is_none() && pending.release.is_none() {
        return Ok(None);
    }
    let checked = check(attached, pending.acquire.is_some(), pending.release.is_some());
    let (acquire, release) = (pending.acquire.take(), pending.release.take());
    match (checked, &pending.object) {
        (Ok(()), _) => Ok(Some(Fences { acquire, release })),
        (Err(violation), Some(object)) => {
            object.post_error(violation.error(), violation.to_string());
            Err(violation)
        }
        // The object went after get_release, and no buffer came: there is nobody to blame, and the buffer that is not
        // there is released at once.
        (Err(_), None) => Ok(None),
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_explicit_sync {
    ($ty:ty) => {
        $crate::reexports::wayland_server::delegate_global_dispatch!($ty: [
            $crate::reexports::explicit_sync::ZwpLinuxExplicitSynchronizationV1: ()
        ] => $crate::explicit_sync::ExplicitSyncState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::explicit_sync::ZwpLinuxExplicitSynchronizationV1: ()
        ] => $crate::explicit_sync::ExplicitSyncState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::surface_sync::ZwpLinuxSurfaceSynchronizationV1: $crate::explicit_sync::SurfaceSyncData
        ] => $crate::explicit_sync::ExplicitSyncState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::buffer_release::ZwpLinuxBufferReleaseV1: ()
        ] => $crate::explicit_sync::ExplicitSyncState);
    };
}
