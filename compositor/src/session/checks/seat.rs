//! `wl_seat`.
//!
//! It never touches the focus.

use smithay::{
    input::{Seat, SeatState},
    wayland::seat::SeatUserData,
};
use wayland_server::protocol::wl_seat::{self, WlSeat};

use crate::session::{
    Syncline,
    checks::door::{checked, refuse},
    touch::had_touch,
};

checked!(WlSeat, SeatUserData<Syncline>, SeatState<Syncline>, seat_request);

fn seat_request(_: &mut Syncline, wl: &WlSeat, request: &wl_seat::Request) -> bool {
    let Some(seat) = Seat::<Syncline>::from_resource(wl) else { return true };
    let (name, has) = match request {
        wl_seat::Request::GetPointer { .. } => ("get_pointer", seat.get_pointer().is_some()),
        wl_seat::Request::GetKeyboard { .. } => ("get_keyboard", seat.get_keyboard().is_some()),
        wl_seat::Request::GetTouch { .. } => ("get_touch", had_touch(&seat)),
        _ => return true,
    };
    has || refuse(wl, wl_seat::Error::MissingCapability, format!("{name}: the seat has never had that capability"))
}
