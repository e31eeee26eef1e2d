//! Request handlers of the three `linux-drm-syncobj-v1` interfaces.
//!
//! They store what the client sets; the checks that need the whole commit are in
//! [`super::validate`].

use std::os::fd::AsFd;

use fence::Point;
use smithay::wayland::compositor::with_states;
use wayland_protocols::wp::linux_drm_syncobj::v1::server::{
    wp_linux_drm_syncobj_manager_v1::{self as manager, WpLinuxDrmSyncobjManagerV1},
    wp_linux_drm_syncobj_surface_v1::{self as surface, WpLinuxDrmSyncobjSurfaceV1},
    wp_linux_drm_syncobj_timeline_v1::{self as timeline, WpLinuxDrmSyncobjTimelineV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId};

use super::{Pending, SyncobjHandler, SyncobjState, SyncobjTimelineData};
use crate::surface_object::{SurfaceObject, SurfaceRef, bind_manager};

bind_manager!(SyncobjState, WpLinuxDrmSyncobjManagerV1);

impl<D> Dispatch<WpLinuxDrmSyncobjManagerV1, (), D> for SyncobjState
where
    D: Dispatch<WpLinuxDrmSyncobjManagerV1, ()>
        + Dispatch<WpLinuxDrmSyncobjSurfaceV1, SurfaceRef>
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
                let exists = manager::Error::SurfaceExists;
                SurfaceObject::create(resource, "get_surface", exists, id, &surface, data_init);
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
                        format!("import_timeline: the file descriptor cannot be imported as a drm_syncobj: {reason}"),
                    ),
                }
            }
            manager::Request::Destroy => {}
            _ => {}
        }
    }
}

impl<D> Dispatch<WpLinuxDrmSyncobjSurfaceV1, SurfaceRef, D> for SyncobjState
where
    D: Dispatch<WpLinuxDrmSyncobjSurfaceV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpLinuxDrmSyncobjSurfaceV1,
        request: surface::Request,
        data: &SurfaceRef,
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
            // See `destroyed`. Committed points are not affected.
            _ => return,
        };
        let wl_surface = match data.get(request) {
            Ok(surface) => surface,
            Err(message) => return resource.post_error(surface::Error::NoSurface, message),
        };
        let Some(timeline) = timeline.data::<SyncobjTimelineData>() else { return };
        let point: Point = timeline.timeline.point((u64::from(hi) << 32) | u64::from(lo));
        with_states(&wl_surface, |states| {
            let pending = &mut SurfaceObject::<WpLinuxDrmSyncobjSurfaceV1>::of(states).state;
            match request {
                "set_acquire_point" => pending.acquire = Some(point),
                _ => pending.release = Some(point),
            }
        });
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpLinuxDrmSyncobjSurfaceV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |states| {
            SurfaceObject::<WpLinuxDrmSyncobjSurfaceV1>::of(states).state = Pending::default();
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
        // The points that were set with the object keep the timeline.
        debug_assert!(matches!(request, timeline::Request::Destroy));
    }
}
