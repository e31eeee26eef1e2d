//! `fifo-v1`: a client asks that a content update stays on the screen for at least one refresh
//! cycle.
//!
//! The requests since the last commit become one [`Request`], which [`take`] returns to the
//! compositor's pre-commit hook. The compositor decides what a barrier is and when it is cleared.
//! (Smithay's module reports `already_exists` on the `wl_surface`, where the number means another
//! error, and knows no commits that overtake each other.)
//!
//! Source: `wayland-protocols/staging/fifo/fifo-v1.xml`.

use smithay::wayland::compositor::{SurfaceData, with_states};
use wayland_protocols::wp::fifo::v1::server::{
    wp_fifo_manager_v1::{self as manager, WpFifoManagerV1},
    wp_fifo_v1::{self as object, WpFifoV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::ClientId};

use crate::surface_object::{SurfaceExtension, SurfaceObject, SurfaceRef, bind_manager};

/// The `wp_fifo_manager_v1` global.
#[derive(Debug)]
pub struct FifoState;

/// What the client asked for since the last commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    /// The update sets a barrier when it is applied.
    pub set: bool,
    /// The update is not applied while there is a barrier.
    pub wait: bool,
}

impl SurfaceExtension for WpFifoV1 {
    type State = Request;
}

/// Takes the requests for the commit that is being made; to be called once in the pre-commit hook
/// of every surface.
pub fn take(states: &SurfaceData) -> Request {
    SurfaceObject::<WpFifoV1>::find(states).map_or_else(Request::default, |mut fifo| std::mem::take(&mut fifo.state))
}

impl FifoState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpFifoManagerV1, ()>
            + Dispatch<WpFifoManagerV1, ()>
            + Dispatch<WpFifoV1, SurfaceRef>
            + 'static,
    {
        display.create_global::<D, WpFifoManagerV1, ()>(1, ());
        Self
    }
}

bind_manager!(FifoState, WpFifoManagerV1);

impl<D> Dispatch<WpFifoManagerV1, (), D> for FifoState
where
    D: Dispatch<WpFifoManagerV1, ()> + Dispatch<WpFifoV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpFifoManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let manager::Request::GetFifo { id, surface } = request {
            let exists = manager::Error::AlreadyExists;
            SurfaceObject::create(resource, "get_fifo", exists, id, &surface, data_init);
        }
    }
}

impl<D> Dispatch<WpFifoV1, SurfaceRef, D> for FifoState
where
    D: Dispatch<WpFifoV1, SurfaceRef> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpFifoV1,
        request: object::Request,
        data: &SurfaceRef,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let (name, asked) = match request {
            object::Request::SetBarrier => ("set_barrier", Request { set: true, wait: false }),
            object::Request::WaitBarrier => ("wait_barrier", Request { set: false, wait: true }),
            // Destroying the object leaves what was asked for.
            _ => return,
        };
        match data.get(name) {
            Ok(surface) => with_states(&surface, |states| {
                let pending = &mut SurfaceObject::<WpFifoV1>::of(states).state;
                pending.set |= asked.set;
                pending.wait |= asked.wait;
            }),
            Err(message) => resource.post_error(object::Error::SurfaceDestroyed, message),
        }
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpFifoV1, data: &SurfaceRef) {
        SurfaceObject::destroyed(resource, data, |_| ());
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_fifo {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::fifo::manager::WpFifoManagerV1: ()
        ] => $crate::fifo::FifoState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::fifo::manager::WpFifoManagerV1: ()
        ] => $crate::fifo::FifoState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::fifo::object::WpFifoV1: $crate::SurfaceRef
        ] => $crate::fifo::FifoState);
    };
}
