//! Request handlers of the three `linux-drm-syncobj-v1` interfaces.
//!
//! They store what the client says; the checks that need the whole commit are in [`super::validate`].

use std::os::fd::AsFd;

use fence::Point;
use smithay::wayland::compositor::with_states;
use wayland_protocols::wp::linux_drm_syncobj::v1::server::{
    wp_linux_drm_syncobj_manager_v1::{self as manager, WpLinuxDrmSyncobjManagerV1},
    wp_linux_drm_syncobj_surface_v1::{self as surface, WpLinuxDrmSyncobjSurfaceV1},
    wp_linux_drm_syncobj_timeline_v1::{self as timeline, WpLinuxDrmSyncobjTimelineV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

use super::{Pending, PendingCell, SyncobjHandler, SyncobjState, SyncobjSurfaceData, SyncobjTimelineData};

impl<D> GlobalDispatch<WpLinuxDrmSyncobjManagerV1, (), D> for SyncobjState
where
    D: Dispatch<WpLinuxDrmSyncobjManagerV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpLinuxDrmSyncobjManagerV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init.init(resource, ());
    }
}

impl<D> Dispatch<WpLinuxDrmSyncobjManagerV1, (), D> for SyncobjState
where
    D: Dispatch<WpLinuxDrmSyncobjManagerV1, ()>
        + Dispatch<WpLinuxDrmSyncobjSurfaceV1, SyncobjSurfaceData>
        + Dispatch<WpLinuxDrmSyncobjTimelineV1, SyncobjTimelineData>
        + SyncobjHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &WpLinuxDrmSyncobjManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            manager::Request::GetSurface { id, surface } => {
                let taken = with_states(&surface, |states| {
                    states.data_map.insert_if_missing_threadsafe(PendingCell::default);
                    crate::has_sync_object(states)
                });
                // The object is made in either case: a new_id that is never initialised is a bug of the server.
                let object = data_init.init(id, SyncobjSurfaceData { surface: surface.downgrade() });
                if let Some(interface) = taken {
                    resource.post_error(
                        manager::Error::SurfaceExists,
                        format!("get_surface: {} already has a {interface}", surface.id()),
                    );
                    return;
                }
                with_states(&surface, |states| {
                    let cell = states.data_map.get::<PendingCell>().expect("inserted above");
                    *cell.lock().expect("not poisoned") = Pending { object: Some(object), ..Default::default() };
                });
            }
            manager::Request::ImportTimeline { id, fd } => {
                let imported = match state.syncobj_state() {
                    Some(syncobj) => syncobj.device.import_timeline(fd.as_fd()).map_err(|e| e.to_string()),
                    None => Err("no device of this compositor can import timelines now".to_owned()),
                };
                match imported {
                    Ok(timeline) => {
                        data_init.init(id, SyncobjTimelineData { timeline });
                    }
                    Err(reason) => resource.post_error(
                        manager::Error::InvalidTimeline,
                        format!("import_timeline: the file descriptor is no usable drm_syncobj: {reason}"),
                    ),
                }
            }
            manager::Request::Destroy => {}
            _ => {}
        }
    }
}

impl<D> Dispatch<WpLinuxDrmSyncobjSurfaceV1, SyncobjSurfaceData, D> for SyncobjState
where
    D: Dispatch<WpLinuxDrmSyncobjSurfaceV1, SyncobjSurfaceData> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpLinuxDrmSyncobjSurfaceV1,
        request: surface::Request,
        data: &SyncobjSurfaceData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let (request, timeline, hi, lo) = match request {
            surface::Request::SetAcquirePoint { timeline, point_hi, point_lo } => {
                ("set_acquire_point", timeline, point_hi, point_lo)
            }
            surface::Request::SetReleasePoint { timeline, point_hi, point_lo } => {
                ("set_release_point", timeline, point_hi, point_lo)
            }
            // Points set since the last commit go with the object, see `destroyed`; committed ones are the commit's.
            _ => return,
        };
        let Ok(wl_surface) = data.surface.upgrade() else {
            let message = format!("{request}: the wl_surface was destroyed before");
            resource.post_error(surface::Error::NoSurface, message);
            return;
        };
        let Some(timeline) = timeline.data::<SyncobjTimelineData>() else { return };
        let point: Point = timeline.timeline.point((u64::from(hi) << 32) | u64::from(lo));
        with_states(&wl_surface, |states| {
            let Some(cell) = states.data_map.get::<PendingCell>() else { return };
            let mut pending = cell.lock().expect("not poisoned");
            match request {
                "set_acquire_point" => pending.acquire = Some(point),
                _ => pending.release = Some(point),
            }
        });
    }

    fn destroyed(
        _: &mut D,
        _: wayland_server::backend::ClientId,
        resource: &WpLinuxDrmSyncobjSurfaceV1,
        data: &SyncobjSurfaceData,
    ) {
        let Ok(wl_surface) = data.surface.upgrade() else { return };
        with_states(&wl_surface, |states| {
            let Some(cell) = states.data_map.get::<PendingCell>() else { return };
            let mut pending = cell.lock().expect("not poisoned");
            // A second object that was refused with surface_exists must not take the first one's points with it.
            if pending.object.as_ref() == Some(resource) {
                *pending = Pending::default();
            }
        });
    }
}

impl<D> Dispatch<WpLinuxDrmSyncobjTimelineV1, SyncobjTimelineData, D> for SyncobjState
where
    D: Dispatch<WpLinuxDrmSyncobjTimelineV1, SyncobjTimelineData> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &WpLinuxDrmSyncobjTimelineV1,
        request: timeline::Request,
        _: &SyncobjTimelineData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // Destroying the object leaves the points set with it: they hold the timeline.
        debug_assert!(matches!(request, timeline::Request::Destroy));
    }
}
