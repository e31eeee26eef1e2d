//! `wl_seat`, `wl_data_device` and `wl_data_source`.
//!
//! It never touches the focus, a selection or a drag.

use protocols::ObjectObserver;
use smithay::{
    input::{Seat, SeatState},
    wayland::{
        seat::SeatUserData,
        selection::data_device::{DataDeviceState, DataDeviceUserData, DataSourceUserData},
    },
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum,
    backend::ClientId,
    protocol::{
        wl_data_device::{self, WlDataDevice},
        wl_data_source::{self, WlDataSource},
        wl_seat::{self, WlSeat},
    },
};

use crate::{
    config::limits::Kind,
    session::{
        Syncline,
        checks::door::{checked, refuse},
        touch::had_touch,
    },
};

/// What the name of a type costs beside its bytes.
const MIME_TYPE: usize = 16;

checked!(WlSeat, SeatUserData<Syncline>, SeatState<Syncline>, seat_request);
checked!(WlDataDevice, DataDeviceUserData, DataDeviceState, device_request);

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

fn device_request(state: &mut Syncline, device: &WlDataDevice, request: &wl_data_device::Request) -> bool {
    use wl_data_device::{Error, Request};
    let (name, source) = match request {
        Request::StartDrag { source: Some(source), .. } => ("start_drag", source),
        Request::SetSelection { source: Some(source), .. } => ("set_selection", source),
        _ => return true,
    };
    let known = state.globals.source_uses.0.entry(source.id()).or_default();
    if std::mem::replace(&mut known.used, true) {
        return refuse(device, Error::UsedSource, format!("{name}: {} has been used before", source.id()));
    }
    if known.actions && matches!(request, Request::SetSelection { .. }) {
        let message = "set_selection: a source with drag-and-drop actions is no selection";
        return refuse(source, wl_data_source::Error::InvalidSource, message);
    }
    true
}

fn source_request(
    state: &mut Syncline,
    client: &Client,
    source: &WlDataSource,
    request: &wl_data_source::Request,
) -> bool {
    use wl_data_source::{Error, Request};
    if let Request::Offer { mime_type } = request {
        let bytes = u32::try_from(mime_type.len() + MIME_TYPE).unwrap_or(u32::MAX);
        state.globals.source_uses.0.entry(source.id()).or_default().mime_type_bytes += bytes;
        let taken = state.client_state(client).budget.take(Kind::MimeTypeBytes, bytes);
        state.restrain(client, taken);
    }
    let Request::SetActions { dnd_actions } = request else { return true };
    if let WEnum::Unknown(actions) = dnd_actions {
        return refuse(source, Error::InvalidActionMask, format!("set_actions: {actions:#x} has unknown bits"));
    }
    let known = state.globals.source_uses.0.entry(source.id()).or_default();
    if known.used || std::mem::replace(&mut known.actions, true) {
        let message = "set_actions: only once, and before the source is used";
        return refuse(source, Error::InvalidSource, message);
    }
    true
}

impl Dispatch<WlDataSource, DataSourceUserData> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        source: &WlDataSource,
        request: wl_data_source::Request,
        data: &DataSourceUserData,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, WlDataSource::interface(), request.opcode());
        if source_request(state, client, source, &request) {
            <DataDeviceState as Dispatch<_, _, Self>>::request(
                state, client, source, request, data, display, data_init,
            );
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, source: &WlDataSource, data: &DataSourceUserData) {
        state.note_destroyed(&client, &source.id());
        if let Some(known) = state.globals.source_uses.0.remove(&source.id()) {
            state.give_back(&client, Kind::MimeTypeBytes, known.mime_type_bytes);
        }
        <DataDeviceState as Dispatch<_, _, Self>>::destroyed(state, client, source, data);
    }
}
