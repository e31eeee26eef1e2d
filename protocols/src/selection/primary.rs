//! The requests of `primary-selection-unstable-v1`, which defines no errors.
//!
//! A source that is used a second time is ignored. Nothing here knows the clipboard.

use wayland_protocols::wp::primary_selection::zv1::server::{
    zwp_primary_selection_device_manager_v1::{self as manager, ZwpPrimarySelectionDeviceManagerV1},
    zwp_primary_selection_device_v1::{self as device, ZwpPrimarySelectionDeviceV1},
    zwp_primary_selection_offer_v1::{self as offer, ZwpPrimarySelectionOfferV1},
    zwp_primary_selection_source_v1::{self as source, ZwpPrimarySelectionSourceV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, backend::ClientId};

use crate::selection::{
    device::{Device, Target},
    handler::SelectionHandler,
    offer::OfferData,
    source::{Source, SourceData},
    state::Selections,
    told,
};

impl<D> Dispatch<ZwpPrimarySelectionDeviceManagerV1, (), D> for Selections
where
    D: SelectionHandler,
{
    fn request(
        state: &mut D,
        client: &Client,
        _: &ZwpPrimarySelectionDeviceManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            manager::Request::CreateSource { id } => drop(data_init.init(id, SourceData::default())),
            manager::Request::GetDevice { id, .. } => {
                let device = Device::Primary(data_init.init(id, ()));
                told::add(state, client.id(), device);
            }
            _ => {}
        }
    }
}

impl<D: SelectionHandler> Dispatch<ZwpPrimarySelectionDeviceV1, (), D> for Selections {
    fn request(
        state: &mut D,
        client: &Client,
        _: &ZwpPrimarySelectionDeviceV1,
        request: device::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let device::Request::SetSelection { source, .. } = request else { return };
        let source = source.map(Source::Primary);
        if told::is_first_use(source.as_ref()) {
            let may = state.may_select(client);
            told::wish(state, Target::Primary, source, may);
        }
    }

    fn destroyed(state: &mut D, client: ClientId, device: &ZwpPrimarySelectionDeviceV1, _: &()) {
        told::remove(state, &client, &Device::Primary(device.clone()));
    }
}

impl<D: SelectionHandler> Dispatch<ZwpPrimarySelectionSourceV1, SourceData, D> for Selections {
    fn request(
        state: &mut D,
        client: &Client,
        _: &ZwpPrimarySelectionSourceV1,
        request: source::Request,
        data: &SourceData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let source::Request::Offer { mime_type } = request {
            told::offer_type(state, client, data, &mime_type);
        }
    }

    fn destroyed(state: &mut D, client: ClientId, source: &ZwpPrimarySelectionSourceV1, data: &SourceData) {
        told::forget_types(state, &client, data);
        told::source_destroyed(state, &Source::Primary(source.clone()));
    }
}

impl<D: SelectionHandler> Dispatch<ZwpPrimarySelectionOfferV1, OfferData, D> for Selections {
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwpPrimarySelectionOfferV1,
        request: offer::Request,
        data: &OfferData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let offer::Request::Receive { mime_type, fd } = request {
            told::receive(state, data, &mime_type, fd);
        }
    }

    fn destroyed(state: &mut D, client: ClientId, _: &ZwpPrimarySelectionOfferV1, _: &OfferData) {
        told::offer_destroyed(state, &client);
    }
}
