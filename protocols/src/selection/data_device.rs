//! The requests of `wl_data_device_manager`: the clipboard, and drags.
//!
//! A client copies while it has the keyboard, and drags with a press that is held; what comes otherwise is
//! cancelled. Nothing here follows a drag: `drag.rs` does.

use smithay::wayland::compositor::give_role;
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum,
    backend::ClientId,
    protocol::{
        wl_data_device::{self, WlDataDevice},
        wl_data_device_manager::{self, WlDataDeviceManager},
        wl_data_offer::{self, WlDataOffer},
        wl_data_source::{self, WlDataSource},
        wl_surface::WlSurface,
    },
};

use crate::selection::{
    device::{Device, Target},
    drag,
    handler::SelectionHandler,
    offer::{Offer, OfferData},
    source::{Source, SourceData, Use},
    state::Selections,
    told,
};

/// The role of a surface that is dragged along.
const ICON: &str = "dnd_icon";

impl<D: SelectionHandler> Dispatch<WlDataDeviceManager, (), D> for Selections {
    fn request(
        state: &mut D,
        client: &Client,
        _: &WlDataDeviceManager,
        request: wl_data_device_manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            wl_data_device_manager::Request::CreateDataSource { id } => drop(data_init.init(id, SourceData::default())),
            wl_data_device_manager::Request::GetDataDevice { id, .. } => {
                let device = Device::Data(data_init.init(id, ()));
                told::add(state, client.id(), device);
            }
            _ => {}
        }
    }
}

impl<D: SelectionHandler> Dispatch<WlDataDevice, (), D> for Selections {
    fn request(
        state: &mut D,
        client: &Client,
        device: &WlDataDevice,
        request: wl_data_device::Request,
        _: &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        match request {
            wl_data_device::Request::StartDrag { source, origin, icon, serial } => {
                start_drag(state, (client, device), source, (&origin, icon.as_ref()), serial);
            }
            wl_data_device::Request::SetSelection { source, .. } => set_selection(state, client, device, source),
            _ => {}
        }
    }

    fn destroyed(state: &mut D, client: ClientId, device: &WlDataDevice, _: &()) {
        told::remove(state, &client, &Device::Data(device.clone()));
    }
}

/// Whether a source may be used for this, which it is from now on; else the device's client is told.
fn begin(device: &WlDataDevice, source: &WlDataSource, request: &str, used: Use) -> bool {
    let begins = source.data::<SourceData>().is_some_and(|data| data.begin(used));
    if !begins {
        let message = format!("{request}: {} has been used before", source.id());
        device.post_error(wl_data_device::Error::UsedSource, message);
    }
    begins
}

fn set_selection<D: SelectionHandler>(
    state: &mut D,
    client: &Client,
    device: &WlDataDevice,
    source: Option<WlDataSource>,
) {
    if let Some(source) = &source {
        if !begin(device, source, "set_selection", Use::Selected) {
            return;
        }
        if source.data::<SourceData>().is_some_and(|data| data.get().actions.is_some()) {
            let message = "set_selection: a source with drag-and-drop actions is no selection";
            return source.post_error(wl_data_source::Error::InvalidSource, message);
        }
        if source.data::<SourceData>().is_some_and(|data| data.get().takes_window) {
            let message = "set_selection: a source of a drag that takes a window along is no selection";
            return source.post_error(wl_data_source::Error::InvalidSource, message);
        }
    }
    let may = state.may_select(client);
    told::wish(state, Target::Clipboard, source.map(Source::Data), may);
}

fn start_drag<D: SelectionHandler>(
    state: &mut D,
    (client, device): (&Client, &WlDataDevice),
    source: Option<WlDataSource>,
    (origin, icon): (&WlSurface, Option<&WlSurface>),
    serial: u32,
) {
    if source.as_ref().is_some_and(|source| !begin(device, source, "start_drag", Use::Dragged)) {
        return;
    }
    let is_free = !state.selections().is_dragging();
    if let Some(icon) = icon
        && give_role(icon, ICON).is_err()
    {
        let message = format!("start_drag: {} has another role", icon.id());
        return device.post_error(wl_data_device::Error::Role, message);
    }
    if is_free && state.begin_drag(client, icon, serial) {
        drag::begin(state, client.id(), source, origin);
    } else if let Some(source) = source {
        drag::cancel_source(&source);
    }
}

impl<D: SelectionHandler> Dispatch<WlDataSource, SourceData, D> for Selections {
    fn request(
        state: &mut D,
        client: &Client,
        source: &WlDataSource,
        request: wl_data_source::Request,
        data: &SourceData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        match request {
            // What is offered too late is offered to nobody: there is no error for it.
            wl_data_source::Request::Offer { mime_type } => _ = told::offer_type(state, client, data, &mime_type),
            wl_data_source::Request::SetActions { dnd_actions: WEnum::Value(actions) } => {
                let mut offered = data.get();
                if offered.used != Use::New || offered.actions.replace(actions).is_some() {
                    let message = "set_actions: only once, and before the source is used";
                    source.post_error(wl_data_source::Error::InvalidSource, message);
                }
            }
            wl_data_source::Request::SetActions { dnd_actions: WEnum::Unknown(actions) } => {
                let message = format!("set_actions: {actions:#x} has unknown bits");
                source.post_error(wl_data_source::Error::InvalidActionMask, message);
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, client: ClientId, source: &WlDataSource, data: &SourceData) {
        told::forget_types(state, &client, data);
        drag::source_destroyed(state, source);
    }
}

impl<D: SelectionHandler> Dispatch<WlDataOffer, OfferData, D> for Selections {
    fn request(
        state: &mut D,
        _: &Client,
        offer: &WlDataOffer,
        request: wl_data_offer::Request,
        data: &OfferData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        use wl_data_offer::{Error, Request};
        let done = match (request, &data.0) {
            (Request::Receive { mime_type, fd }, _) => return told::receive(state, data, &mime_type, fd),
            (Request::Accept { mime_type, .. }, Offer::Drag(dragged)) => return dragged.accept(mime_type),
            (Request::Finish, Offer::Drag(dragged)) => dragged.finish(),
            (Request::SetActions { dnd_actions, preferred_action }, Offer::Drag(dragged)) => {
                dragged.set_actions(offer, dnd_actions, preferred_action)
            }
            // One that is of no use any more answers nothing.
            (Request::Finish | Request::SetActions { .. }, _) if !data.may_be_asked() => Ok(()),
            (Request::Finish, _) => Err((Error::InvalidFinish, "finish: a selection is not dropped")),
            (Request::SetActions { .. }, _) => Err((Error::InvalidOffer, "set_actions: a selection has no actions")),
            _ => Ok(()),
        };
        if let Err((error, message)) = done {
            offer.post_error(error, message);
        }
    }

    fn destroyed(state: &mut D, client: ClientId, _: &WlDataOffer, data: &OfferData) {
        if let Offer::Drag(dragged) = &data.0 {
            dragged.offer_destroyed();
        }
        told::offer_destroyed(state, &client);
    }
}
