//! `tearing-control-v1`: a client says that it would rather tear than wait for the vblank.
//!
//! The hint is double-buffered with the surface's other state: [`is_async`] says what the applied commit wants. Whether
//! it gets it is the compositor's decision.
//!
//! Source: `wayland-protocols/staging/tearing-control/tearing-control-v1.xml`.

use std::sync::Mutex;

use smithay::wayland::compositor::{Cacheable, SurfaceData, with_states};
use wayland_protocols::wp::tearing_control::v1::server::{
    wp_tearing_control_manager_v1::{self as manager, WpTearingControlManagerV1},
    wp_tearing_control_v1::{self as object, WpTearingControlV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, WEnum, Weak, backend::ClientId,
    protocol::wl_surface::WlSurface,
};

/// User data of `wp_tearing_control_v1`: its surface.
#[derive(Debug)]
pub struct TearingData {
    surface: Weak<WlSurface>,
}

/// The `wp_tearing_control_manager_v1` global.
#[derive(Debug)]
pub struct TearingState;

#[derive(Debug, Default)]
struct Pending {
    object: Option<WpTearingControlV1>,
}

/// The hint, as a part of the surface's double-buffered state.
#[derive(Debug, Default, Clone, Copy)]
struct Hint {
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
pub fn is_async(states: &SurfaceData) -> bool {
    states.cached_state.has::<Hint>() && states.cached_state.get::<Hint>().current().asynchronous
}

impl TearingState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpTearingControlManagerV1, ()>
            + Dispatch<WpTearingControlManagerV1, ()>
            + Dispatch<WpTearingControlV1, TearingData>
            + 'static,
    {
        display.create_global::<D, WpTearingControlManagerV1, ()>(1, ());
        Self
    }
}

impl<D> GlobalDispatch<WpTearingControlManagerV1, (), D> for TearingState
where
    D: Dispatch<WpTearingControlManagerV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpTearingControlManagerV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init.init(resource, ());
    }
}

impl<D> Dispatch<WpTearingControlManagerV1, (), D> for TearingState
where
    D: Dispatch<WpTearingControlManagerV1, ()> + Dispatch<WpTearingControlV1, TearingData> + 'static,
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
        let manager::Request::GetTearingControl { id, surface } = request else { return };
        // The object is made in either case: a new_id that is never initialised is a bug of the server.
        let object = data_init.init(id, TearingData { surface: surface.downgrade() });
        let taken = with_states(&surface, |states| {
            let mut pending = pending(states);
            let taken = pending.object.is_some();
            if !taken {
                pending.object = Some(object);
            }
            taken
        });
        if taken {
            resource.post_error(
                manager::Error::TearingControlExists,
                format!("get_tearing_control: {} already has a wp_tearing_control_v1", surface.id()),
            );
        }
    }
}

impl<D> Dispatch<WpTearingControlV1, TearingData, D> for TearingState
where
    D: Dispatch<WpTearingControlV1, TearingData> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &WpTearingControlV1,
        request: object::Request,
        data: &TearingData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let object::Request::SetPresentationHint { hint } = request else { return };
        // The protocol names no error for a surface that is gone, and none for a hint of a later version.
        let Ok(surface) = data.surface.upgrade() else { return };
        let asynchronous = match hint {
            WEnum::Value(object::PresentationHint::Async) => true,
            WEnum::Value(_) => false,
            WEnum::Unknown(_) => return,
        };
        with_states(&surface, |states| states.cached_state.get::<Hint>().pending().asynchronous = asynchronous);
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpTearingControlV1, data: &TearingData) {
        let Ok(surface) = data.surface.upgrade() else { return };
        with_states(&surface, |states| {
            let mut pending = pending(states);
            // A second object that was refused must not take the first one's place with it.
            if pending.object.as_ref() == Some(resource) {
                pending.object = None;
                drop(pending);
                // As the protocol says: back to vsync, with the next commit.
                states.cached_state.get::<Hint>().pending().asynchronous = false;
            }
        });
    }
}

fn pending(states: &SurfaceData) -> std::sync::MutexGuard<'_, Pending> {
    states.data_map.insert_if_missing_threadsafe(Mutex::<Pending>::default);
    states.data_map.get::<Mutex<Pending>>().expect("inserted above").lock().expect("no panic while locked")
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_tearing {
    ($ty:ty) => {
        $crate::reexports::wayland_server::delegate_global_dispatch!($ty: [
            $crate::reexports::tearing::manager::WpTearingControlManagerV1: ()
        ] => $crate::tearing::TearingState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::tearing::manager::WpTearingControlManagerV1: ()
        ] => $crate::tearing::TearingState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::tearing::object::WpTearingControlV1: $crate::tearing::TearingData
        ] => $crate::tearing::TearingState);
    };
}
