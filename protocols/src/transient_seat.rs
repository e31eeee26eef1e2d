//! `ext-transient-seat-v1`: a client gets a `wl_seat` of its own, to make virtual devices on.
//!
//! The seat is a name for them and nothing more: it never has a capability, and only the client that asked for it
//! sees its global, since nobody else could do anything with it. What devices that are made on it do is for the
//! compositor, which has one pointer and one focus of the keyboard.
//!
//! Source: `wayland-protocols/staging/ext-transient-seat/ext-transient-seat-v1.xml`.

use std::sync::Mutex;

use wayland_protocols::ext::transient_seat::v1::server::{
    ext_transient_seat_manager_v1::{self as manager, ExtTransientSeatManagerV1},
    ext_transient_seat_v1::{self as object, ExtTransientSeatV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
    backend::{ClientId, GlobalId},
    protocol::wl_seat::{self, Capability, WlSeat},
};

use crate::{seen_by::SeenBy, surface_object::bind_manager};

/// The version of the seats, as that of the session's own.
const SEAT: u32 = 9;

/// What the protocol needs from the compositor's state.
pub trait TransientSeatHandler {
    /// A client asks for a seat. False: there are too many.
    fn may_make_seat(&mut self) -> bool;

    /// The seat with this global, and the registry's name for it, is gone: its client has destroyed it, or is gone
    /// itself. The compositor removes the global.
    fn transient_seat_went(&mut self, seat: GlobalId, name: u32);
}

/// User data of an `ext_transient_seat_v1`: the global of its seat, and its name; `None`: it was denied.
#[derive(Debug, Default)]
pub struct MadeSeat(Mutex<Option<(GlobalId, u32)>>);

/// Data of the global of a seat, and of its objects.
#[derive(Debug, Clone)]
pub struct TransientSeat {
    client: ClientId,
    name: String,
}

/// The `ext_transient_seat_manager_v1` global.
#[derive(Debug)]
pub struct TransientSeatState;

impl TransientSeatState {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ExtTransientSeatManagerV1, SeenBy>
            + Dispatch<ExtTransientSeatManagerV1, ()>
            + Dispatch<ExtTransientSeatV1, MadeSeat>
            + 'static,
    {
        display.create_global::<D, ExtTransientSeatManagerV1, SeenBy>(1, seen_by);
        Self
    }
}

bind_manager!(TransientSeatState, ExtTransientSeatManagerV1, SeenBy);

impl<D> Dispatch<ExtTransientSeatManagerV1, (), D> for TransientSeatState
where
    D: Dispatch<ExtTransientSeatManagerV1, ()>
        + Dispatch<ExtTransientSeatV1, MadeSeat>
        + GlobalDispatch<WlSeat, TransientSeat>
        + TransientSeatHandler
        + 'static,
{
    fn request(
        state: &mut D,
        client: &Client,
        _: &ExtTransientSeatManagerV1,
        request: manager::Request,
        (): &(),
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let manager::Request::Create { seat } = request else { return };
        let object = data_init.init(seat, MadeSeat::default());
        if !state.may_make_seat() {
            return object.denied();
        }
        let data = TransientSeat { client: client.id(), name: format!("transient-{}", object.id().protocol_id()) };
        let global = display.create_global::<D, WlSeat, TransientSeat>(SEAT, data);
        let name = display.backend_handle().global_name(global.clone(), client.id());
        if let Some(made) = object.data::<MadeSeat>() {
            made.0.lock().expect("no panic while locked").replace((global, name.unwrap_or_default()));
        }
        match name {
            Some(name) => object.ready(name),
            None => object.denied(),
        }
    }
}

impl<D> Dispatch<ExtTransientSeatV1, MadeSeat, D> for TransientSeatState
where
    D: Dispatch<ExtTransientSeatV1, MadeSeat> + TransientSeatHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ExtTransientSeatV1,
        _: object::Request,
        _: &MadeSeat,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // See `destroyed`.
    }

    fn destroyed(state: &mut D, _: ClientId, _: &ExtTransientSeatV1, made: &MadeSeat) {
        let global = made.0.lock().expect("no panic while locked").take();
        if let Some((global, name)) = global {
            state.transient_seat_went(global, name);
        }
    }
}

impl<D> GlobalDispatch<WlSeat, TransientSeat, D> for TransientSeatState
where
    D: Dispatch<WlSeat, TransientSeat> + 'static,
{
    fn bind(
        _: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<WlSeat>,
        data: &TransientSeat,
        data_init: &mut DataInit<'_, D>,
    ) {
        let seat = data_init.init(resource, data.clone());
        if seat.version() >= 2 {
            seat.name(data.name.clone());
        }
        seat.capabilities(Capability::empty());
    }

    fn can_view(client: Client, data: &TransientSeat) -> bool {
        client.id() == data.client
    }
}

impl<D> Dispatch<WlSeat, TransientSeat, D> for TransientSeatState
where
    D: Dispatch<WlSeat, TransientSeat> + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        resource: &WlSeat,
        request: wl_seat::Request,
        _: &TransientSeat,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let name = match request {
            wl_seat::Request::GetPointer { .. } => "get_pointer",
            wl_seat::Request::GetKeyboard { .. } => "get_keyboard",
            wl_seat::Request::GetTouch { .. } => "get_touch",
            _ => return,
        };
        let message = format!("{name}: a transient seat never has a capability; the session's own seat has them");
        resource.post_error(wl_seat::Error::MissingCapability, message);
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`TransientSeatHandler`].
#[macro_export]
macro_rules! delegate_transient_seat {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::transient_seat::manager::ExtTransientSeatManagerV1: $crate::SeenBy
        ] => $crate::transient_seat::TransientSeatState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::transient_seat::manager::ExtTransientSeatManagerV1: ()
        ] => $crate::transient_seat::TransientSeatState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::transient_seat::object::ExtTransientSeatV1: $crate::transient_seat::MadeSeat
        ] => $crate::transient_seat::TransientSeatState);
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_seat::WlSeat: $crate::transient_seat::TransientSeat
        ] => $crate::transient_seat::TransientSeatState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::wayland_server::protocol::wl_seat::WlSeat: $crate::transient_seat::TransientSeat
        ] => $crate::transient_seat::TransientSeatState);
    };
}
