//! How a client gets its objects of tablets, tools and pads: one of each for each of its tablet seats.
//!
//! It keeps none of them.

use wayland_protocols::wp::tablet::zv2::server::{
    zwp_tablet_pad_group_v2::ZwpTabletPadGroupV2, zwp_tablet_pad_ring_v2::ZwpTabletPadRingV2,
    zwp_tablet_pad_strip_v2::ZwpTabletPadStripV2, zwp_tablet_pad_v2::ZwpTabletPadV2,
    zwp_tablet_seat_v2::ZwpTabletSeatV2, zwp_tablet_tool_v2::ZwpTabletToolV2, zwp_tablet_v2::ZwpTabletV2,
};
use wayland_server::{Dispatch, DisplayHandle, Resource};

/// User data of the objects that a tablet seat was told of.
#[derive(Debug)]
pub struct Member {
    /// The number of the tablet seat.
    pub(super) seat: u32,
}

/// Makes objects of the session's own.
pub(super) struct Make {
    pub(super) display: DisplayHandle,
    pub(super) tablet: Maker<ZwpTabletV2>,
    pub(super) tool: Maker<ZwpTabletToolV2>,
    pub(super) pad: Maker<ZwpTabletPadV2>,
    pub(super) group: Maker<ZwpTabletPadGroupV2>,
    pub(super) ring: Maker<ZwpTabletPadRingV2>,
    pub(super) strip: Maker<ZwpTabletPadStripV2>,
}

pub(super) type Maker<I> = fn(&DisplayHandle, &ZwpTabletSeatV2, Member) -> Option<I>;

pub(super) fn make<I, D>(display: &DisplayHandle, seat: &ZwpTabletSeatV2, data: Member) -> Option<I>
where
    I: Resource + 'static,
    D: Dispatch<I, Member> + 'static,
{
    // `None`: the client is going.
    seat.client()?.create_resource::<I, _, D>(display, seat.version(), data).ok()
}

/// A tablet seat. Its number is that of all objects that it was told of.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) object: ZwpTabletSeatV2,
    pub(super) number: u32,
}

/// The number of the tablet seat that an object belongs to.
pub(super) fn number_of(object: &impl Resource) -> Option<u32> {
    object.data::<Member>().map(|member| member.seat)
}
