//! `ext-session-lock-v1`: a client locks the session, and draws what is seen meanwhile.
//!
//! ```text
//!  lock ─┬─→ finished: somebody else has locked it              destroy
//!        └─→ (the compositor hides everything) ─→ locked ─→ unlock_and_destroy
//!  get_lock_surface ─→ configure ─→ ack_configure ─→ commit with a buffer of exactly that size
//! ```
//!
//! Requests become calls of [`SessionLockHandler`]; [`SessionLock`] and [`LockSurface`] send the
//! events. Nothing here hides a window, or decides when the session is locked. (Smithay's module
//! says `locked` when the compositor confirms, and takes any size.)
//!
//! Source: `wayland-protocols/staging/ext-session-lock/ext-session-lock-v1.xml`.

mod dispatch;
mod surface;

use std::sync::atomic::{AtomicBool, Ordering};

use wayland_protocols::ext::session_lock::v1::server::{
    ext_session_lock_manager_v1::ExtSessionLockManagerV1, ext_session_lock_surface_v1::ExtSessionLockSurfaceV1,
    ext_session_lock_v1::ExtSessionLockV1,
};
use wayland_server::{
    Dispatch, DisplayHandle, GlobalDispatch, Resource,
    protocol::{wl_output::WlOutput, wl_surface::WlSurface},
};

pub use self::surface::{LOCK_SURFACE_ROLE, LockSurface, LockSurfaceData, check_commit, has_role_object};
use crate::seen_by::SeenBy;

/// What the protocol needs from the compositor's state.
pub trait SessionLockHandler {
    /// Whether a buffer is attached to a surface, committed or not.
    fn has_buffer(&self, surface: &WlSurface) -> bool;

    /// A client wants to lock the session. The compositor answers with [`SessionLock::locked`] once
    /// that is so, or at once with [`SessionLock::finished`].
    fn lock(&mut self, lock: SessionLock);

    /// Whether a lock has a live surface for this display.
    fn has_lock_surface(&self, lock: &SessionLock, output: &WlOutput) -> bool;

    /// A lock has a new surface. The compositor tells it its size at once, unless the display is
    /// gone.
    fn new_lock_surface(&mut self, lock: &SessionLock, surface: LockSurface, output: &WlOutput);

    /// The client of a lock that is locked unlocks the session.
    fn unlock(&mut self, lock: &SessionLock);

    /// A lock is gone without having unlocked anything. `given_up`: its client has destroyed it before
    /// the session was locked, or after it was told that it is finished; else the client is gone.
    fn lock_gone(&mut self, lock: &SessionLock, given_up: bool);

    /// The role object of a surface is destroyed. The surface may be so, too.
    fn lock_surface_destroyed(&mut self, object: &ExtSessionLockSurfaceV1);
}

/// User data of `ext_session_lock_v1`: what was said.
#[derive(Debug, Default)]
pub struct LockData {
    locked: AtomicBool,
    /// It has ended by a request.
    ended: AtomicBool,
}

/// A lock: the client's object.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionLock(ExtSessionLockV1);

impl SessionLock {
    /// Its object.
    pub fn object(&self) -> &ExtSessionLockV1 {
        &self.0
    }

    /// Tells the client that the session is locked, once.
    pub fn locked(&self) {
        if self.0.data::<LockData>().is_some_and(|data| !data.locked.swap(true, Ordering::Relaxed)) {
            self.0.locked();
        }
    }

    /// Tells the client that its lock will not be used. To be called once, and never after
    /// [`SessionLock::locked`].
    pub fn finished(&self) {
        self.0.finished();
    }
}

/// The `ext_session_lock_manager_v1` global.
#[derive(Debug)]
pub struct SessionLockState;

impl SessionLockState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ExtSessionLockManagerV1, SeenBy>
            + Dispatch<ExtSessionLockManagerV1, ()>
            + Dispatch<ExtSessionLockV1, LockData>
            + Dispatch<ExtSessionLockSurfaceV1, LockSurfaceData>
            + 'static,
    {
        display.create_global::<D, ExtSessionLockManagerV1, SeenBy>(1, seen_by);
        Self
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`SessionLockHandler`].
#[macro_export]
macro_rules! delegate_session_lock {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::session_lock::manager::ExtSessionLockManagerV1: $crate::SeenBy
        ] => $crate::session_lock::SessionLockState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::session_lock::manager::ExtSessionLockManagerV1: ()
        ] => $crate::session_lock::SessionLockState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::session_lock::lock::ExtSessionLockV1: $crate::session_lock::LockData
        ] => $crate::session_lock::SessionLockState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::session_lock::surface::ExtSessionLockSurfaceV1: $crate::session_lock::LockSurfaceData
        ] => $crate::session_lock::SessionLockState);
    };
}
