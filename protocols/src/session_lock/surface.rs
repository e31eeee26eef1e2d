//! Lock surfaces: their configures, and the size of what they show.
//!
//! It knows no display: the compositor says how large a surface is to be.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use smithay::{
    utils::{Logical, SERIAL_COUNTER, Serial, Size},
    wayland::compositor::{SurfaceData, with_states},
};
use wayland_protocols::ext::session_lock::v1::server::ext_session_lock_surface_v1::{
    self as object, ExtSessionLockSurfaceV1,
};
use wayland_server::{Resource, Weak, protocol::wl_surface::WlSurface};

/// The role of a lock surface.
pub const LOCK_SURFACE_ROLE: &str = "ext_session_lock_surface_v1";

/// User data of `ext_session_lock_surface_v1`: its surface.
#[derive(Debug)]
pub struct LockSurfaceData {
    pub(super) surface: Weak<WlSurface>,
}

/// The role's part of a surface, in its data map. It outlives the role object.
#[derive(Debug, Default)]
pub(super) struct Role {
    /// The live role object. Others were refused.
    pub object: Option<ExtSessionLockSurfaceV1>,
    /// Configures that were neither acknowledged nor overtaken, oldest first. There is one for each
    /// size that its display has had.
    sent: VecDeque<(Serial, Size<i32, Logical>)>,
    /// The size that was acknowledged last.
    acknowledged: Option<Size<i32, Logical>>,
    /// It was told a size; else its display was gone before, and nothing that it does is of consequence.
    told: bool,
}

impl Role {
    pub(super) fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.get_or_insert_threadsafe(Mutex::<Self>::default).lock().expect("no panic while locked")
    }

    fn find(states: &SurfaceData) -> Option<MutexGuard<'_, Self>> {
        Some(states.data_map.get::<Mutex<Self>>()?.lock().expect("no panic while locked"))
    }

    /// The surface's role begins.
    pub(super) fn begin(states: &SurfaceData, object: ExtSessionLockSurfaceV1) {
        *Self::of(states) = Self { object: Some(object), ..Self::default() };
    }

    /// The client acknowledges a configure. False: there is none with this serial.
    pub(super) fn acknowledge(&mut self, serial: Serial) -> bool {
        let Some(at) = self.sent.iter().position(|(sent, _)| *sent == serial) else { return false };
        self.acknowledged = self.sent.drain(..=at).next_back().map(|(_, size)| size);
        true
    }
}

/// A lock surface.
#[derive(Debug, Clone)]
pub struct LockSurface {
    pub(super) object: ExtSessionLockSurfaceV1,
    pub(super) surface: WlSurface,
}

impl PartialEq<ExtSessionLockSurfaceV1> for LockSurface {
    fn eq(&self, object: &ExtSessionLockSurfaceV1) -> bool {
        self.object == *object
    }
}

impl LockSurface {
    /// Its surface.
    pub fn surface(&self) -> &WlSurface {
        &self.surface
    }

    /// Tells the client the size that the surface must have.
    pub fn configure(&self, size: Size<i32, Logical>) {
        with_states(&self.surface, |states| {
            let mut role = Role::of(states);
            let serial = SERIAL_COUNTER.next_serial();
            self.object.configure(serial.into(), size.w.unsigned_abs(), size.h.unsigned_abs());
            role.sent.push_back((serial, size));
            role.told = true;
        });
    }
}

/// Whether the surface has a live role object of this protocol.
pub fn has_role_object(surface: &WlSurface) -> bool {
    with_states(surface, |states| Role::find(states).is_some_and(|role| role.object.is_some()))
}

/// Checks the commit that is being made of any surface; `size` is what a lock surface will show then, in
/// logical pixels, `None` if that is nothing. Returns false if an error has been posted.
#[must_use]
pub fn check_commit(surface: &WlSurface, size: impl FnOnce() -> Option<Size<i32, Logical>>) -> bool {
    let role = with_states(surface, |states| {
        let role = Role::find(states)?;
        Some((role.object.clone().filter(|_| role.told)?, role.acknowledged))
    });
    let Some((object, acknowledged)) = role else { return true };
    let (error, message) = match (acknowledged, size()) {
        (None, _) => {
            let message = "wl_surface.commit: the first configure is not acknowledged".to_owned();
            (object::Error::CommitBeforeFirstAck, message)
        }
        (Some(_), None) => (object::Error::NullBuffer, "wl_surface.commit: a lock surface without a buffer".to_owned()),
        (Some(exact), Some(size)) if exact != size => {
            let (w, h) = (exact.w, exact.h);
            let message = format!("wl_surface.commit: {}x{}, but {w}x{h} was acknowledged", size.w, size.h);
            (object::Error::DimensionsMismatch, message)
        }
        (Some(_), Some(_)) => return true,
    };
    object.post_error(error, message);
    false
}
