//! `fractional-scale-v1`: which scale a client should draw its surface for.
//!
//! The scale is told with the first object of a surface as soon as it is known, and whenever it is another
//! one. Smithay has a module for the protocol, which reports the manager's error on the `wl_surface`.
//! Which scale a surface should have is the compositor's decision.
//!
//! Source: `wayland-protocols/staging/fractional-scale/fractional-scale-v1.xml`.

use smithay::wayland::compositor::SurfaceData;
use wayland_protocols::wp::fractional_scale::v1::server::{
    wp_fractional_scale_manager_v1::{self as manager, WpFractionalScaleManagerV1},
    wp_fractional_scale_v1::{self as object, WpFractionalScaleV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, backend::ClientId, protocol::wl_surface::WlSurface,
};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef, bind_manager};

/// What the compositor hears of.
pub trait FractionalScaleHandler {
    /// A surface has an object: it is to be told the scale ([`tell`]), if that is known.
    fn new_fractional_scale(&mut self, surface: &WlSurface);
}

/// The `wp_fractional_scale_manager_v1` global.
#[derive(Debug)]
pub struct FractionalScaleState;

impl SurfaceExtension for WpFractionalScaleV1 {
    /// What the object was told last.
    type State = Option<u32>;
}

/// A surface should be drawn for this scale, in parts of 120. Its client is told, if it has an object and
/// does not know.
pub fn tell(states: &SurfaceData, steps: u32) {
    let Some(mut known) = SurfaceObject::<WpFractionalScaleV1>::find(states) else { return };
    let SurfaceObject { object: Some(object), state: told } = &mut *known else { return };
    if told.replace(steps) != Some(steps) {
        object.preferred_scale(steps);
    }
}

impl FractionalScaleState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpFractionalScaleManagerV1, ()>
            + Dispatch<WpFractionalScaleManagerV1, ()>
            + Dispatch<WpFractionalScaleV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, WpFractionalScaleManagerV1, ()>(1, ());
        Self
    }
}

bind_manager!(FractionalScaleState, WpFractionalScaleManagerV1);

impl<D> Dispatch<WpFractionalScaleManagerV1, (), D> for FractionalScaleState
where
    D: Dispatch<WpFractionalScaleManagerV1, ()>
        + Dispatch<WpFractionalScaleV1, SurfaceRef>
        + FractionalScaleHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &WpFractionalScaleManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetFractionalScale { id, surface } = request {
            let exists = manager::Error::FractionalScaleExists;
            SurfaceObject::create(resource, "get_fractional_scale", exists, id, &surface, data_init);
            state.new_fractional_scale(&surface);
        }
    }
}

impl<D> Dispatch<WpFractionalScaleV1, SurfaceRef, D> for FractionalScaleState
where
    D: Dispatch<WpFractionalScaleV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &WpFractionalScaleV1,
        _: object::Request,
        _: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // It has a destructor and nothing else.
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpFractionalScaleV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |states| {
            // The next object knows nothing.
            SurfaceObject::<WpFractionalScaleV1>::of(states).state = None;
        });
    }
}

/// Implements the protocol's dispatch for the compositor's state type, a [`FractionalScaleHandler`].
#[macro_export]
macro_rules! delegate_fractional_scale {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::fractional_scale::manager::WpFractionalScaleManagerV1: ()
        ] => $crate::fractional_scale::FractionalScaleState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::fractional_scale::manager::WpFractionalScaleManagerV1: ()
        ] => $crate::fractional_scale::FractionalScaleState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::fractional_scale::object::WpFractionalScaleV1: $crate::SurfaceRef
        ] => $crate::fractional_scale::FractionalScaleState);
    };
}
