//! `tearing-control-v1`: a client prefers tearing to waiting for the vblank.
//!
//! The hint is double-buffered with the surface's other state: [`wants_tearing`] is that of the
//! applied commit. Whether a frame tears is the compositor's decision.
//!
//! Source: `wayland-protocols/staging/tearing-control/tearing-control-v1.xml`.

use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use wayland_protocols::wp::tearing_control::v1::server::{
    wp_tearing_control_manager_v1::{self as manager, WpTearingControlManagerV1},
    wp_tearing_control_v1::{self as object, WpTearingControlV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, WEnum, backend::ClientId};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef, bind_manager};

/// The `wp_tearing_control_manager_v1` global.
#[derive(Debug)]
pub struct TearingState;

impl SurfaceExtension for WpTearingControlV1 {
    /// The hint is a part of the surface's double-buffered state.
    type State = ();
}

/// The hint, as a part of the surface's double-buffered state. A compositor that caches the state of
/// a surface must know the type; nobody else needs it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Hint {
    asynchronous: bool,
}

impl Cacheable for Hint {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        *self
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// Whether the surface's applied state asks for tearing.
pub fn wants_tearing(states: &SurfaceData) -> bool {
    states.cached_state.has::<Hint>() && states.cached_state.get::<Hint>().current().asynchronous
}

impl TearingState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpTearingControlManagerV1, ()>
            + Dispatch<WpTearingControlManagerV1, ()>
            + Dispatch<WpTearingControlV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, WpTearingControlManagerV1, ()>(1, ());
        Self
    }
}

bind_manager!(TearingState, WpTearingControlManagerV1);

impl<D> Dispatch<WpTearingControlManagerV1, (), D> for TearingState
where
    D: Dispatch<WpTearingControlManagerV1, ()> + Dispatch<WpTearingControlV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpTearingControlManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetTearingControl { id, surface } = request {
            let exists = manager::Error::TearingControlExists;
            SurfaceObject::create(resource, "get_tearing_control", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<WpTearingControlV1, SurfaceRef, D> for TearingState
where
    D: Dispatch<WpTearingControlV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &WpTearingControlV1,
        request: object::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let object::Request::SetPresentationHint { hint } = request else { return };
        // The protocol has no error for a surface that is destroyed, and none for an unknown hint.
        let Ok(surface) = data.get("set_presentation_hint") else { return };
        let asynchronous = match hint {
            WEnum::Value(object::PresentationHint::Async) => true,
            WEnum::Value(_) => false,
            WEnum::Unknown(_) => return,
        };
        with_states(&surface, |states| states.cached_state.get::<Hint>().pending().asynchronous = asynchronous);
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpTearingControlV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |states| {
            // The protocol: the hint reverts to vsync with the next commit.
            states.cached_state.get::<Hint>().pending().asynchronous = false;
        });
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_tearing {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::tearing::manager::WpTearingControlManagerV1: ()
        ] => $crate::tearing::TearingState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tearing::manager::WpTearingControlManagerV1: ()
        ] => $crate::tearing::TearingState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tearing::object::WpTearingControlV1: $crate::SurfaceRef
        ] => $crate::tearing::TearingState);
    };
}
