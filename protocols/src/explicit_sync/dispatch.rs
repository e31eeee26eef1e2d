//! Request handlers of the three `zwp_linux_explicit_synchronization_v1` interfaces.
//!
//! They store what the client says; the checks that need the whole commit are in [`super::validate`].

use fence::SyncFile;
use smithay::wayland::compositor::with_states;
use wayland_protocols::wp::linux_explicit_synchronization::zv1::server::{
    zwp_linux_buffer_release_v1::{self as buffer_release, ZwpLinuxBufferReleaseV1},
    zwp_linux_explicit_synchronization_v1::{self as global, ZwpLinuxExplicitSynchronizationV1},
    zwp_linux_surface_synchronization_v1::{self as surface, ZwpLinuxSurfaceSynchronizationV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, protocol::wl_surface::WlSurface,
};

use super::{BufferRelease, ExplicitSyncState, Pending, PendingCell, SurfaceSyncData};

impl<D> GlobalDispatch<ZwpLinuxExplicitSynchronizationV1, (), D> for ExplicitSyncState
where
    D: Dispatch<ZwpLinuxExplicitSynchronizationV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwpLinuxExplicitSynchronizationV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init.init(resource, ());
    }
}

impl<D> Dispatch<ZwpLinuxExplicitSynchronizationV1, (), D> for ExplicitSyncState
where
    D: Dispatch<ZwpLinuxExplicitSynchronizationV1, ()>
        + Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceSyncData>
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
        let global::Request::GetSynchronization { id, surface } = request else { return };
        let taken = with_states(&surface, crate::has_sync_object);
        // The object is made in either case: a new_id that is never initialised is a bug of the server.
        let object = data_init.init(id, SurfaceSyncData { surface: surface.downgrade() });
        if let Some(interface) = taken {
            resource.post_error(
                global::Error::SynchronizationExists,
                format!("get_synchronization: {} already has a {interface}", surface.id()),
            );
            return;
        }
        with_states(&surface, |states| {
            states.data_map.insert_if_missing_threadsafe(PendingCell::default);
            let cell = states.data_map.get::<PendingCell>().expect("inserted above");
            // A release that an earlier object asked for since the last commit stays asked for.
            cell.lock().expect("not poisoned").object = Some(object);
        });
    }
}

impl<D> Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceSyncData, D> for ExplicitSyncState
where
    D: Dispatch<ZwpLinuxSurfaceSynchronizationV1, SurfaceSyncData> + Dispatch<ZwpLinuxBufferReleaseV1, ()> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ZwpLinuxSurfaceSynchronizationV1,
        request: surface::Request,
        data: &SurfaceSyncData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let refuse = |error, message: String| resource.post_error(error, message);
        match request {
            // In every case of an error the descriptor is closed with the request.
            surface::Request::SetAcquireFence { fd } => {
                let Ok(wl_surface) = data.surface.upgrade() else {
                    return refuse(surface::Error::NoSurface, gone("set_acquire_fence"));
                };
                let file = match SyncFile::from_fd(fd) {
                    Ok(file) => file,
                    Err(error) => {
                        let message = format!("set_acquire_fence: the file descriptor is no usable fence: {error}");
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
                // Without a promise as long as it may be refused: its event would end the object within the request that
                // makes it, which wayland-backend 0.3 answers with a panic.
                let object = data_init.init(release, ());
                let Ok(wl_surface) = data.surface.upgrade() else {
                    return refuse(surface::Error::NoSurface, gone("get_release"));
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
            // A fence set since the last commit goes with the object, see `destroyed`; releases are not affected.
            _ => {}
        }
    }

    fn destroyed(
        _: &mut D,
        _: wayland_server::backend::ClientId,
        resource: &ZwpLinuxSurfaceSynchronizationV1,
        data: &SurfaceSyncData,
    ) {
        let Ok(wl_surface) = data.surface.upgrade() else { return };
        let fence = with_pending(&wl_surface, |pending| {
            // A second object that was refused with synchronization_exists must not take the first one's fence with it.
            if pending.object.as_ref() != Some(resource) {
                return None;
            }
            pending.object = None;
            pending.acquire.take()
        });
        drop(fence);
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

fn gone(request: &str) -> String {
    format!("{request}: the wl_surface was destroyed before")
}

fn with_pending<T>(surface: &WlSurface, f: impl FnOnce(&mut Pending) -> T) -> T {
    with_states(surface, |states| {
        states.data_map.insert_if_missing_threadsafe(PendingCell::default);
        let cell = states.data_map.get::<PendingCell>().expect("inserted above");
        f(&mut cell.lock().expect("not poisoned"))
    })
}
