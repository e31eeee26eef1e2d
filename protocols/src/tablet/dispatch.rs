//! What clients request of tablets: an image for a tool, and the end of objects.

use std::sync::Mutex;

use smithay::{
    input::pointer::{CursorImageAttributes, CursorImageStatus, CursorImageSurfaceData},
    wayland::compositor::{get_role, give_role, with_states},
};
use wayland_protocols::wp::tablet::zv2::server::{
    zwp_tablet_manager_v2::{self as manager, ZwpTabletManagerV2},
    zwp_tablet_pad_group_v2::{self as group, ZwpTabletPadGroupV2},
    zwp_tablet_pad_ring_v2::{self as ring, ZwpTabletPadRingV2},
    zwp_tablet_pad_strip_v2::{self as strip, ZwpTabletPadStripV2},
    zwp_tablet_pad_v2::{self as pad, ZwpTabletPadV2},
    zwp_tablet_seat_v2::{self as seat, ZwpTabletSeatV2},
    zwp_tablet_tool_v2::{self as tool, ZwpTabletToolV2},
    zwp_tablet_v2::{self as tablet, ZwpTabletV2},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId, protocol::wl_surface::WlSurface,
};

use crate::{
    surface_object::bind_manager,
    tablet::{
        make::Member,
        state::{TabletHandler, Tablets},
    },
};

/// The role of the image of a tool.
const ROLE: &str = "zwp_tablet_tool_v2";

bind_manager!(Tablets, ZwpTabletManagerV2);

impl<D> Dispatch<ZwpTabletManagerV2, (), D> for Tablets
where
    D: Dispatch<ZwpTabletManagerV2, ()> + Dispatch<ZwpTabletSeatV2, ()> + TabletHandler + 'static,
{
    fn request(
        state: &mut D,
        client: &Client,
        _: &ZwpTabletManagerV2,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        // There is one seat.
        if let manager::Request::GetTabletSeat { tablet_seat, .. } = request {
            let seat = data_init.init(tablet_seat, ());
            state.tablets().seat_came(client, seat);
            state.tablet_seat_came();
        }
    }
}

impl<D> Dispatch<ZwpTabletSeatV2, (), D> for Tablets
where
    D: Dispatch<ZwpTabletSeatV2, ()> + TabletHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpTabletSeatV2,
        _: seat::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // There is only `destroy`.
    }

    fn destroyed(state: &mut D, _: ClientId, seat: &ZwpTabletSeatV2, (): &()) {
        state.tablets().seats.retain(|known| known.object != *seat);
    }
}

impl<D> Dispatch<ZwpTabletToolV2, Member, D> for Tablets
where
    D: Dispatch<ZwpTabletToolV2, Member> + TabletHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        object: &ZwpTabletToolV2,
        request: tool::Request,
        _: &Member,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let tool::Request::SetCursor { serial, surface, hotspot_x, hotspot_y } = request else { return };
        let image = match surface {
            None => CursorImageStatus::Hidden,
            Some(surface) if take_role(&surface, (hotspot_x, hotspot_y)) => CursorImageStatus::Surface(surface),
            Some(surface) => {
                let message = format!("set_cursor: {} is something else already", surface.id());
                return object.post_error(tool::Error::Role, message);
            }
        };
        if let Some(tool) = state.tablets().tool_of(object, serial) {
            state.tool_image(tool, image);
        }
    }

    fn destroyed(state: &mut D, _: ClientId, object: &ZwpTabletToolV2, _: &Member) {
        state.tablets().tools.iter_mut().for_each(|tool| tool.forget(object));
    }
}

/// A surface becomes the image of a tool, or is it already. Whether it may.
fn take_role(surface: &WlSurface, hotspot: (i32, i32)) -> bool {
    if give_role(surface, ROLE).is_err() && get_role(surface) != Some(ROLE) {
        return false;
    }
    with_states(surface, |states| {
        let hotspot = hotspot.into();
        let new = || Mutex::new(CursorImageAttributes { hotspot });
        if !states.data_map.insert_if_missing_threadsafe(new)
            && let Some(known) = states.data_map.get::<CursorImageSurfaceData>()
        {
            known.lock().expect("no panic while locked").hotspot = hotspot;
        }
    });
    true
}

impl<D> Dispatch<ZwpTabletV2, Member, D> for Tablets
where
    D: Dispatch<ZwpTabletV2, Member> + TabletHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpTabletV2,
        _: tablet::Request,
        _: &Member,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // There is only `destroy`.
    }

    fn destroyed(state: &mut D, _: ClientId, object: &ZwpTabletV2, _: &Member) {
        let tablets = &mut state.tablets().tablets;
        tablets.iter_mut().for_each(|tablet| tablet.objects.retain(|known| known != object));
    }
}

impl<D> Dispatch<ZwpTabletPadV2, Member, D> for Tablets
where
    D: Dispatch<ZwpTabletPadV2, Member> + TabletHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpTabletPadV2,
        _: pad::Request,
        _: &Member,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // What a button does is shown nowhere.
    }

    fn destroyed(state: &mut D, _: ClientId, object: &ZwpTabletPadV2, _: &Member) {
        state.tablets().pads.iter_mut().for_each(|pad| pad.forget(object));
    }
}

/// Objects of which nothing is kept, and of which no request does anything.
macro_rules! silent {
    ($($interface:ty: $request:ty;)*) => { $(
        impl<D> Dispatch<$interface, Member, D> for Tablets
        where
            D: Dispatch<$interface, Member> + 'static,
        {
            fn request(
                _: &mut D,
                _: &Client,
                _: &$interface,
                _: $request,
                _: &Member,
                _: &DisplayHandle,
                _: &mut DataInit<'_, D>,
            ) {
            }
        }
    )* };
}

silent! {
    ZwpTabletPadGroupV2: group::Request;
    ZwpTabletPadRingV2: ring::Request;
    ZwpTabletPadStripV2: strip::Request;
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`TabletHandler`].
#[macro_export]
macro_rules! delegate_tablet {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::tablet::manager::ZwpTabletManagerV2: ()
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::manager::ZwpTabletManagerV2: ()
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::seat::ZwpTabletSeatV2: ()
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::object::ZwpTabletV2: $crate::tablet::Member
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::tool::ZwpTabletToolV2: $crate::tablet::Member
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::pad::ZwpTabletPadV2: $crate::tablet::Member
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::group::ZwpTabletPadGroupV2: $crate::tablet::Member
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::ring::ZwpTabletPadRingV2: $crate::tablet::Member
        ] => $crate::tablet::Tablets);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::tablet::strip::ZwpTabletPadStripV2: $crate::tablet::Member
        ] => $crate::tablet::Tablets);
    };
}
