//! Request handlers of the three `zwp_linux_explicit_synchronization_v1` interfaces.
//!
//! They store what the client sets; the checks that need the whole commit are in
//! [`super::validate`].

use fence::SyncFile;
use smithay::wayland::compositor::with_states;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::{
    zwp_linux_buffer_release_v1::{self as buffer_release, ZwpLinuxBufferReleaseV1},
    zwp_linux_explicit_synchronization_v1::{self as global, ZwpLinuxExplicitSynchronizationV1},
    zwp_linux_surface_synchronization_v1::{self as surface, ZwpLinuxSurfaceSynchronizationV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId, protocol::wl_surface::WlSurface,
};

use super::{BufferRelease, ExplicitSyncState, Pending};
use crate::surface_object::{SurfaceObject, SurfaceRef, bind_manager};

bind_manager!(ExplicitSyncState, ZwpLinuxExplicitSynchronizationV1);

impl<D> Dispatch<ZwpLinuxExplicitSynchronizationV1, (), D> for ExplicitSyncState
where
    D: Dispatch<ZwpLinuxExplicitSynchronizationV1, ()>
        + Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceRef>
        + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ZwpLinuxExplicitSynchronizationV1,
        request: global::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let global::Request::GetSynchronization { id, surface } = request {
            let exists = global::Error::SynchronizationExists;
            SurfaceObject::create(resource, "get_synchronization", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceRef, D> for ExplicitSyncState
where
    D: Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceRef> + Dispatch<ZwpLinuxBufferReleaseV1, ()> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ZwpLinuxSurfaceSynchronizationV1,
        request: surface::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let refuse = |error, message: String| resource.post_error(error, message);
        match request {
            // On every error the descriptor is closed with the request.
            surface::Request::SetAcquireFence { fd } => {
                let wl_surface = match data.get("set_acquire_fence") {
                    Ok(surface) => surface,
                    Err(message) => return refuse(surface::Error::NoSurface, message),
                };
                let file = match SyncFile::from_fd(fd) {
                    Ok(file) => file,
                    Err(error) => {
                        let message = format!("set_acquire_fence: the file descriptor is not a usable fence: {error}");
                        return refuse(surface::Error::InvalidFence, message);
                    }
                };
                let set_before = with_pending(&wl_surface, |pending| {
                    let before = pending.acquire.is_some();
                    pending.acquire.get_or_insert(file);
                    before
                });
                if set_before {
                    let message = "set_acquire_fence: called before since the last commit".to_owned();
                    refuse(surface::Error::DuplicateFence, message);
                }
            }
            surface::Request::GetRelease { release } => {
                // It becomes a BufferRelease only once it is accepted: the event of one that is
                // dropped would end the object within the request that creates it, on which
                // wayland-backend 0.3 panics.
                let object = data_init.init(release, ());
                let wl_surface = match data.get("get_release") {
                    Ok(surface) => surface,
                    Err(message) => return refuse(surface::Error::NoSurface, message),
                };
                let asked_before = with_pending(&wl_surface, |pending| {
                    let before = pending.release.is_some();
                    pending.release.get_or_insert_with(|| BufferRelease::new(object));
                    before
                });
                if asked_before {
                    let message = "get_release: called before since the last commit".to_owned();
                    refuse(surface::Error::DuplicateRelease, message);
                }
            }
            // See `destroyed`.
            _ => {}
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &ZwpLinuxSurfaceSynchronizationV1, data: &SurfaceRef) {
        let acquire = SurfaceObject::destroyed(resource, data, |states| {
            SurfaceObject::<ZwpLinuxSurfaceSynchronizationV1>::of(states).state.acquire.take()
        });
        // Closed here, without the surface's lock.
        drop(acquire);
    }
}

impl<D> Dispatch<ZwpLinuxBufferReleaseV1, (), D> for ExplicitSyncState
where
    D: Dispatch<ZwpLinuxBufferReleaseV1, ()>,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpLinuxBufferReleaseV1,
        _: buffer_release::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // It has no requests.
    }
}

fn with_pending<T>(surface: &WlSurface, f: impl FnOnce(&mut Pending) -> T) -> T {
    with_states(surface, |states| f(&mut SurfaceObject::<ZwpLinuxSurfaceSynchronizationV1>::of(states).state))
}
