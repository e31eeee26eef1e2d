//! `pointer-warp-v1`: a client moves the pointer on its own surface.
//!
//! The protocol defines no errors: what the compositor does not do is not said. Nothing here moves a pointer.
//!
//! Source: `wayland-protocols/staging/pointer-warp`.

use smithay::utils::{Logical, Point, Serial};
use wayland_protocols::wp::pointer_warp::v1::server::wp_pointer_warp_v1::{Request, WpPointerWarpV1};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, protocol::wl_surface::WlSurface,
};

use crate::surface_object::bind_manager;

/// What the protocol needs from the compositor's state.
pub trait PointerWarpHandler {
    /// A client wants the pointer at a position on its surface; the serial is that of the `enter` with which it
    /// got it.
    fn warp_pointer(&mut self, surface: &WlSurface, to: Point<f64, Logical>, entered: Serial);
}

/// The `wp_pointer_warp_v1` global.
#[derive(Debug)]
pub struct PointerWarpState;

impl PointerWarpState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpPointerWarpV1, ()> + Dispatch<WpPointerWarpV1, ()> + PointerWarpHandler + 'static,
    {
        display.create_global::<D, WpPointerWarpV1, ()>(1, ());
        Self
    }
}

bind_manager!(PointerWarpState, WpPointerWarpV1);

impl<D> Dispatch<WpPointerWarpV1, (), D> for PointerWarpState
where
    D: Dispatch<WpPointerWarpV1, ()> + PointerWarpHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &WpPointerWarpV1,
        request: Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let Request::WarpPointer { surface, x, y, serial, .. } = request
            && surface.is_alive()
        {
            state.warp_pointer(&surface, (x, y).into(), serial.into());
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_pointer_warp {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::pointer_warp::WpPointerWarpV1: ()
        ] => $crate::pointer_warp::PointerWarpState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::pointer_warp::WpPointerWarpV1: ()
        ] => $crate::pointer_warp::PointerWarpState);
    };
}
