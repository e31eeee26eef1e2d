//! `zwp_linux_explicit_synchronization_unstable_v1`, version 2: a client sends, per commit, a fence
//! to wait for, and asks for a message with the fence of the buffer's release. It is the older of
//! the two protocols; Weston's clients and Chrome use it.
//!
//! ```text
//!  set_acquire_fence ─┐                        ┌─ Fences { acquire, release } of the commit
//!  get_release ───────┼─ pending ─ commit ─ take_fences
//!  attach             ┘                        └─ protocol error
//! ```
//!
//! Either request may come without the other: the other end is synchronised implicitly then.
//! `wl_buffer.release` is sent in any case, and means what it always means.
//!
//! This module never waits for a fence and never makes one.
//!
//! Source: `linux-explicit-synchronization-unstable-v1.xml` in
//! `wayland-protocols/unstable/linux-explicit-synchronization/`.

mod dispatch;
mod release;
mod validate;

use fence::{DeferredReleases, Release, SyncFile};
use smithay::wayland::compositor::SurfaceData;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::{
    zwp_linux_buffer_release_v1::ZwpLinuxBufferReleaseV1,
    zwp_linux_explicit_synchronization_v1::ZwpLinuxExplicitSynchronizationV1,
    zwp_linux_surface_synchronization_v1::ZwpLinuxSurfaceSynchronizationV1,
};
use wayland_server::{Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::GlobalId};

pub use release::BufferRelease;
pub use validate::{Violation, check};

use crate::{
    surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef},
    syncobj::Attached,
};

/// The fences of one commit. Dropping them tells the client that the buffer was not used.
#[derive(Debug)]
pub struct Fences {
    /// The buffer may be read once this has signalled; `None`: implicit synchronisation decides.
    pub acquire: Option<SyncFile>,
    /// To be sent once the buffer's last user is known; `None`: the client only expects
    /// `wl_buffer.release`.
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
            + Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceRef>
            + Dispatch<ZwpLinuxBufferReleaseV1, ()>
            + 'static,
    {
        let global = display.create_global::<D, ZwpLinuxExplicitSynchronizationV1, ()>(2, ());
        Self { global, retries: DeferredReleases::default() }
    }

    /// The global's id, for removing it.
    pub fn global(&self) -> GlobalId {
        self.global.clone()
    }

    /// The token that sends `release` when its last user is done.
    pub fn release(&self, release: BufferRelease) -> Release {
        Release::message(Box::new(release), &self.retries)
    }

    /// Sends the releases again that failed for lack of a file descriptor; see
    /// [`DeferredReleases::retry`].
    pub fn retry_releases(&self) -> usize {
        self.retries.retry()
    }
}

/// What was asked for since the last commit. The acquire fence goes with the object, the release
/// stays.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    acquire: Option<SyncFile>,
    release: Option<BufferRelease>,
}

impl SurfaceExtension for ZwpLinuxSurfaceSynchronizationV1 {
    type State = Pending;

    fn conflict(states: &SurfaceData) -> Option<&'static str> {
        crate::explicit_sync_interface(states)
    }
}

/// Whether the surface has an object of this protocol.
pub fn is_explicit(states: &SurfaceData) -> bool {
    SurfaceObject::<ZwpLinuxSurfaceSynchronizationV1>::exists(states)
}

/// Takes the fences of the commit that is being made; to be called once in the pre-commit hook of
/// every surface.
///
/// Returns `Ok(None)` for a commit that has neither. On a violation the protocol error has been
/// posted, which ends the client, and the commit has no fences.
pub fn take_fences(states: &SurfaceData, attached: Attached) -> Result<Option<Fences>, Violation> {
    let Some(mut known) = SurfaceObject::<ZwpLinuxSurfaceSynchronizationV1>::find(states) else { return Ok(None) };
    let SurfaceObject { object, state: pending } = &mut *known;
    if pending.acquire.is_none() && pending.release.is_none() {
        return Ok(None);
    }
    let checked = check(attached, pending.acquire.is_some(), pending.release.is_some());
    let (acquire, release) = (pending.acquire.take(), pending.release.take());
    match (checked, object) {
        (Ok(()), _) => Ok(Some(Fences { acquire, release })),
        (Err(violation), Some(object)) => {
            object.post_error(violation.error(), violation.to_string());
            Err(violation)
        }
        // The object was destroyed after get_release, and no buffer is attached: there is no object
        // for an error, and dropping the release sends it.
        (Err(_), None) => Ok(None),
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_explicit_sync {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::explicit_sync::ZwpLinuxExplicitSynchronizationV1: ()
        ] => $crate::explicit_sync::ExplicitSyncState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::explicit_sync::ZwpLinuxExplicitSynchronizationV1: ()
        ] => $crate::explicit_sync::ExplicitSyncState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::surface_sync::ZwpLinuxSurfaceSynchronizationV1: $crate::SurfaceRef
        ] => $crate::explicit_sync::ExplicitSyncState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::buffer_release::ZwpLinuxBufferReleaseV1: ()
        ] => $crate::explicit_sync::ExplicitSyncState);
    };
}
