//! `fifo-v1`: a client asks that a content update stays on the screen for at least one refresh.
//!
//! Requests become one [`Request`] a commit, taken by [`take`] in the compositor's pre-commit hook. What a barrier is and
//! when it goes is the compositor's. (Smithay's module of that name reports `already_exists` on the `wl_surface`, where
//! the number means another error, and knows nothing of commits that overtake each other.)
//!
//! Source: `wayland-protocols/staging/fifo/fifo-v1.xml`.

use std::sync::Mutex;

use smithay::wayland::compositor::{SurfaceData, with_states};
use wayland_protocols::wp::fifo::v1::server::{
    wp_fifo_manager_v1::{self as manager, WpFifoManagerV1},
    wp_fifo_v1::{self as object, WpFifoV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, Weak, backend::ClientId,
    protocol::wl_surface::WlSurface,
};

/// User data of `wp_fifo_v1`: its surface.
#[derive(Debug)]
pub struct FifoData {
    surface: Weak<WlSurface>,
}

/// The `wp_fifo_manager_v1` global.
#[derive(Debug)]
pub struct FifoState;

/// What the client asked for since the last commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    /// The update sets a barrier when it is applied.
    pub set: bool,
    /// The update is not ready while a barrier is there.
    pub wait: bool,
}

#[derive(Debug, Default)]
struct Pending {
    object: Option<WpFifoV1>,
    request: Request,
}

/// Takes the requests for the commit that is being made; call it once in the pre-commit hook of every surface.
pub fn take(states: &SurfaceData) -> Request {
    let Some(pending) = states.data_map.get::<Mutex<Pending>>() else { return Request::default() };
    std::mem::take(&mut pending.lock().expect("no panic while locked").request)
}

impl FifoState {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<WpFifoManagerV1, ()> + Dispatch<WpFifoManagerV1, ()> + Dispatch<WpFifoV1, FifoData> + 'static,
    {
        display.create_global::<D, WpFifoManagerV1, ()>(1, ());
        Self
    }
}

impl<D> GlobalDispatch<WpFifoManagerV1, (), D> for FifoState
where
    D: Dispatch<WpFifoManagerV1, ()> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WpFifoManagerV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        data_init.init(resource, ());
    }
}

impl<D> Dispatch<WpFifoManagerV1, (), D> for FifoState
where
    D: Dispatch<WpFifoManagerV1, ()> + Dispatch<WpFifoV1, FifoData> + 'static,
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
        let manager::Request::GetFifo { id, surface } = request else { return };
        // The object is made in either case: a new_id that is never initialised is a bug of the server.
        let object = data_init.init(id, FifoData { surface: surface.downgrade() });
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
                manager::Error::AlreadyExists,
                format!("get_fifo: {} already has a wp_fifo_v1", surface.id()),
            );
        }
    }
}

impl<D> Dispatch<WpFifoV1, FifoData, D> for FifoState
where
    D: Dispatch<WpFifoV1, FifoData> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WpFifoV1,
        request: object::Request,
        data: &FifoData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let name = match request {
            object::Request::SetBarrier => "set_barrier",
            object::Request::WaitBarrier => "wait_barrier",
            // What was asked for before stays asked for.
            _ => return,
        };
        let Ok(surface) = data.surface.upgrade() else {
            let message = format!("{name}: the wl_surface was destroyed before");
            return resource.post_error(object::Error::SurfaceDestroyed, message);
        };
        with_states(&surface, |states| {
            let request = &mut pending(states).request;
            match name {
                "set_barrier" => request.set = true,
                _ => request.wait = true,
            }
        });
    }

    fn destroyed(_: &mut D, _: ClientId, resource: &WpFifoV1, data: &FifoData) {
        let Ok(surface) = data.surface.upgrade() else { return };
        with_states(&surface, |states| {
            let mut pending = pending(states);
            // A second object that was refused must not take the first one's place with it.
            if pending.object.as_ref() == Some(resource) {
                pending.object = None;
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
macro_rules! delegate_fifo {
    ($ty:ty) => {
        $crate::reexports::wayland_server::delegate_global_dispatch!($ty: [
            $crate::reexports::fifo::manager::WpFifoManagerV1: ()
        ] => $crate::fifo::FifoState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::fifo::manager::WpFifoManagerV1: ()
        ] => $crate::fifo::FifoState);
        $crate::reexports::wayland_server::delegate_dispatch!($ty: [
            $crate::reexports::fifo::object::WpFifoV1: $crate::fifo::FifoData
        ] => $crate::fifo::FifoState);
    };
}
