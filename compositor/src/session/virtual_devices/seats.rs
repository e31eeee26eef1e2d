//! Transient seats (`ext-transient-seat`): seats that a client names for the devices that it makes.
//!
//! There is one pointer and one focus of the keyboard, so such a seat is a name only: what is done on it is done on
//! the session's. Its global goes as that of a display does.

use protocols::transient_seat::TransientSeatHandler;
use smithay::reexports::wayland_server::backend::GlobalId;

use crate::session::Syncline;

/// So many of them are there at most, with those that are gone and can still be bound: a further one is denied.
pub(in crate::session) const MOST: usize = 16;

impl TransientSeatHandler for Syncline {
    fn may_make_seat(&mut self) -> bool {
        let seats = &mut self.globals.transient_seats;
        let retired = &self.globals.retired.0;
        seats.gone.retain(|gone| retired.iter().any(|retired| retired.global == *gone));
        let may = seats.there + seats.gone.len() < MOST;
        seats.there += usize::from(may);
        may
    }

    fn transient_seat_went(&mut self, seat: GlobalId, name: u32) {
        let seats = &mut self.globals.transient_seats;
        seats.there = seats.there.saturating_sub(1);
        seats.gone.push(seat.clone());
        self.retire_named(seat, Some(name));
    }
}

protocols::delegate_transient_seat!(Syncline);
