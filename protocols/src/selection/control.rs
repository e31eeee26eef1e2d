//! The requests of data control, which has two protocols that differ in their names.
//!
//! Its clients change what is selected without a press or the keyboard, and hear of every change. Nothing here
//! says who may be such a client.

use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId};

use crate::selection::{
    device::{Device, Target},
    handler::SelectionHandler,
    offer::OfferData,
    source::{Source, SourceData, Use},
    state::Selections,
    told,
};

/// Answers the requests of one protocol, whose modules are called `manager`, `device`, `source` and `offer`.
macro_rules! data_control {
    ($variant:ident: $manager:ident, $device:ident, $source:ident, $offer:ident) => {
        impl<D: SelectionHandler> Dispatch<manager::$manager, (), D> for Selections {
            fn request(
                state: &mut D,
                client: &Client,
                _: &manager::$manager,
                request: manager::Request,
                _: &(),
                _: &DisplayHandle,
                data_init: &mut DataInit<'_, D>,
            ) {
                match request {
                    manager::Request::CreateDataSource { id } => drop(data_init.init(id, SourceData::default())),
                    manager::Request::GetDataDevice { id, .. } => {
                        let device = Device::$variant(data_init.init(id, ()));
                        told::add(state, client.id(), device);
                    }
                    _ => {}
                }
            }
        }

        impl<D: SelectionHandler> Dispatch<device::$device, (), D> for Selections {
            fn request(
                state: &mut D,
                _: &Client,
                resource: &device::$device,
                request: device::Request,
                _: &(),
                _: &DisplayHandle,
                _: &mut DataInit<'_, D>,
            ) {
                let (name, target, source) = match request {
                    device::Request::SetSelection { source } => ("set_selection", Target::Clipboard, source),
                    device::Request::SetPrimarySelection { source } => {
                        ("set_primary_selection", Target::Primary, source)
                    }
                    _ => return,
                };
                if let Some(source) = &source
                    && !source.data::<SourceData>().is_some_and(|data| data.begin(Use::Selected))
                {
                    let message = format!("{name}: {} has been used before", source.id());
                    return resource.post_error(device::Error::UsedSource, message);
                }
                let may = target == Target::Clipboard || state.selections().has_primary;
                told::wish(state, target, source.map(Source::$variant), may);
            }

            fn destroyed(state: &mut D, client: ClientId, device: &device::$device, _: &()) {
                told::remove(state, &client, &Device::$variant(device.clone()));
            }
        }

        impl<D: SelectionHandler> Dispatch<source::$source, SourceData, D> for Selections {
            fn request(
                state: &mut D,
                client: &Client,
                resource: &source::$source,
                request: source::Request,
                data: &SourceData,
                _: &DisplayHandle,
                _: &mut DataInit<'_, D>,
            ) {
                if let source::Request::Offer { mime_type } = request
                    && !told::offer_type(state, client, data, &mime_type)
                {
                    let message = "offer: the source is a selection, or was one";
                    resource.post_error(source::Error::InvalidOffer, message);
                }
            }

            fn destroyed(state: &mut D, client: ClientId, source: &source::$source, data: &SourceData) {
                told::forget_types(state, &client, data);
                told::source_destroyed(state, &Source::$variant(source.clone()));
            }
        }

        impl<D: SelectionHandler> Dispatch<offer::$offer, OfferData, D> for Selections {
            fn request(
                state: &mut D,
                _: &Client,
                _: &offer::$offer,
                request: offer::Request,
                data: &OfferData,
                _: &DisplayHandle,
                _: &mut DataInit<'_, D>,
            ) {
                if let offer::Request::Receive { mime_type, fd } = request {
                    told::receive(state, data, &mime_type, fd);
                }
            }

            fn destroyed(state: &mut D, client: ClientId, _: &offer::$offer, _: &OfferData) {
                told::offer_destroyed(state, &client);
            }
        }
    };
}

mod ext {
    use wayland_protocols::ext::data_control::v1::server::{
        ext_data_control_device_v1 as device, ext_data_control_manager_v1 as manager,
        ext_data_control_offer_v1 as offer, ext_data_control_source_v1 as source,
    };

    use super::*;

    data_control!(Ext: ExtDataControlManagerV1, ExtDataControlDeviceV1, ExtDataControlSourceV1, ExtDataControlOfferV1);
}

mod wlr {
    use wayland_protocols_wlr::data_control::v1::server::{
        zwlr_data_control_device_v1 as device, zwlr_data_control_manager_v1 as manager,
        zwlr_data_control_offer_v1 as offer, zwlr_data_control_source_v1 as source,
    };

    use super::*;

    data_control!(Wlr: ZwlrDataControlManagerV1, ZwlrDataControlDeviceV1, ZwlrDataControlSourceV1, ZwlrDataControlOfferV1);
}
