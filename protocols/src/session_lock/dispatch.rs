//! The requests of the manager and of locks, and the errors of those that break a rule.

use std::sync::atomic::Ordering;

use smithay::wayland::compositor::{get_role, give_role, with_states};
use wayland_protocols::ext::session_lock::v1::server::{
    ext_session_lock_manager_v1::{self as manager, ExtSessionLockManagerV1},
    ext_session_lock_surface_v1::{self as role, ExtSessionLockSurfaceV1},
    ext_session_lock_v1::{self as object, ExtSessionLockV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, New, Resource,
    backend::ClientId,
    protocol::{wl_output::WlOutput, wl_surface::WlSurface},
};

use crate::{
    session_lock::{
        LockData, SessionLock, SessionLockHandler, SessionLockState,
        surface::{LOCK_SURFACE_ROLE, LockSurface, LockSurfaceData, Role, has_role_object},
    },
    surface_object::bind_manager,
};

bind_manager!(SessionLockState, ExtSessionLockManagerV1, SeenBy);

impl<D> Dispatch<ExtSessionLockManagerV1, (), D> for SessionLockState
where
    D: Dispatch<ExtSessionLockManagerV1, ()> + Dispatch<ExtSessionLockV1, LockData> + SessionLockHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ExtSessionLockManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::Lock { id } = request {
            let lock = SessionLock(data_init.init(id, LockData::default()));
            state.lock(lock);
        }
    }
}

fn create<D>(
    state: &mut D,
    lock: &ExtSessionLockV1,
    id: New<ExtSessionLockSurfaceV1>,
    (surface, output): (WlSurface, WlOutput),
    init: &mut DataInit<'_, D>,
) where
    D: Dispatch<ExtSessionLockSurfaceV1, LockSurfaceData> + SessionLockHandler + 'static,
{
    // Also where it is refused: a new_id that is never initialised is an error of the server.
    let object = init.init(id, LockSurfaceData { surface: surface.downgrade() });
    let name = surface.id();
    if has_role_object(&surface) || give_role(&surface, LOCK_SURFACE_ROLE).is_err() {
        let role = get_role(&surface).unwrap_or("role");
        return lock.post_error(object::Error::Role, format!("get_lock_surface: {name} already has a {role}"));
    }
    if state.has_buffer(&surface) {
        let message = format!("get_lock_surface: {name} has a buffer; remove it first");
        return lock.post_error(object::Error::AlreadyConstructed, message);
    }
    let of = SessionLock(lock.clone());
    if state.has_lock_surface(&of, &output) {
        let message = format!("get_lock_surface: {} already has a surface of this lock", output.id());
        return lock.post_error(object::Error::DuplicateOutput, message);
    }
    with_states(&surface, |states| Role::begin(states, object.clone()));
    state.new_lock_surface(&of, LockSurface { object, surface }, &output);
}

impl<D> Dispatch<ExtSessionLockV1, LockData, D> for SessionLockState
where
    D: Dispatch<ExtSessionLockV1, LockData>
        + Dispatch<ExtSessionLockSurfaceV1, LockSurfaceData>
        + SessionLockHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        lock: &ExtSessionLockV1,
        request: object::Request,
        data: &LockData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let locked = data.locked.load(Ordering::Relaxed);
        match request {
            object::Request::GetLockSurface { id, surface, output } => {
                create(state, lock, id, (surface, output), data_init);
            }
            object::Request::Destroy if locked => {
                lock.post_error(
                    object::Error::InvalidDestroy,
                    "destroy: the session is locked; use unlock_and_destroy",
                );
            }
            object::Request::UnlockAndDestroy if !locked => {
                lock.post_error(object::Error::InvalidUnlock, "unlock_and_destroy: the session was never locked");
            }
            object::Request::Destroy => {
                data.ended.store(true, Ordering::Relaxed);
                state.lock_gone(&SessionLock(lock.clone()), true);
            }
            object::Request::UnlockAndDestroy => {
                data.ended.store(true, Ordering::Relaxed);
                state.unlock(&SessionLock(lock.clone()));
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, lock: &ExtSessionLockV1, data: &LockData) {
        if !data.ended.load(Ordering::Relaxed) {
            state.lock_gone(&SessionLock(lock.clone()), false);
        }
    }
}

impl<D> Dispatch<ExtSessionLockSurfaceV1, LockSurfaceData, D> for SessionLockState
where
    D: Dispatch<ExtSessionLockSurfaceV1, LockSurfaceData> + SessionLockHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ExtSessionLockSurfaceV1,
        request: role::Request,
        data: &LockSurfaceData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let role::Request::AckConfigure { serial } = request else { return };
        let Ok(surface) = data.surface.upgrade() else { return };
        if !with_states(&surface, |states| Role::of(states).acknowledge(serial.into())) {
            let message = format!("ack_configure: {serial} was not sent, or is acknowledged already");
            resource.post_error(role::Error::InvalidSerial, message);
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ExtSessionLockSurfaceV1, data: &LockSurfaceData) {
        if let Ok(surface) = data.surface.upgrade() {
            with_states(&surface, |states| {
                let mut role = Role::of(states);
                if role.object.as_ref() == Some(resource) {
                    role.object = None;
                }
            });
        }
        state.lock_surface_destroyed(resource);
    }
}
