//! `ext-background-effect-v1`: clients name the part of a surface whose background is to be blurred.
//!
//! Nothing blurs, and [`BackgroundEffectState`] says so: the capabilities of the manager are none, with which the
//! protocol lets a compositor apply no effect whatever is set. So a client knows that it has to be readable on what
//! is behind it. Regions are checked for their errors and not kept: nothing would read them. A compositor that
//! blurs has to keep them, double-buffered with the surface.
//!
//! Source: `wayland-protocols/staging/ext-background-effect/ext-background-effect-v1.xml`.

use wayland_protocols::ext::background_effect::v1::server::{
    ext_background_effect_manager_v1::{self as manager, Capability, ExtBackgroundEffectManagerV1},
    ext_background_effect_surface_v1::{self as object, ExtBackgroundEffectSurfaceV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef};

impl SurfaceExtension for ExtBackgroundEffectSurfaceV1 {
    type State = ();
}

/// The `ext_background_effect_manager_v1` global.
#[derive(Debug)]
pub struct BackgroundEffectState;

impl BackgroundEffectState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ExtBackgroundEffectManagerV1, ()>
            + Dispatch<ExtBackgroundEffectManagerV1, ()>
            + Dispatch<ExtBackgroundEffectSurfaceV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, ExtBackgroundEffectManagerV1, ()>(1, ());
        Self
    }
}

impl<D> GlobalDispatch<ExtBackgroundEffectManagerV1, (), D> for BackgroundEffectState
where
    D: Dispatch<ExtBackgroundEffectManagerV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ExtBackgroundEffectManagerV1>,
        (): &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init.init(resource, ()).capabilities(Capability::empty());
    }
}

impl<D> Dispatch<ExtBackgroundEffectManagerV1, (), D> for BackgroundEffectState
where
    D: Dispatch<ExtBackgroundEffectManagerV1, ()> + Dispatch<ExtBackgroundEffectSurfaceV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ExtBackgroundEffectManagerV1,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetBackgroundEffect { id, surface } = request {
            let exists = manager::Error::BackgroundEffectExists;
            SurfaceObject::create(resource, "get_background_effect", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<ExtBackgroundEffectSurfaceV1, SurfaceRef, D> for BackgroundEffectState
where
    D: Dispatch<ExtBackgroundEffectSurfaceV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &ExtBackgroundEffectSurfaceV1,
        request: object::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let object::Request::SetBlurRegion { .. } = request
            && let Err(message) = data.get("set_blur_region")
        {
            resource.post_error(object::Error::SurfaceDestroyed, message);
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &ExtBackgroundEffectSurfaceV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |_| ());
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_background_effect {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::background_effect::manager::ExtBackgroundEffectManagerV1: ()
        ] => $crate::background_effect::BackgroundEffectState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::background_effect::manager::ExtBackgroundEffectManagerV1: ()
        ] => $crate::background_effect::BackgroundEffectState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::background_effect::object::ExtBackgroundEffectSurfaceV1: $crate::SurfaceRef
        ] => $crate::background_effect::BackgroundEffectState);
    };
}
