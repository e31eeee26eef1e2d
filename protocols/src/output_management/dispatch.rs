//! Requests of the manager, and the ends of heads and modes.

use std::sync::Mutex;

use wayland_protocols_wlr::output_management::v1::server::{
    zwlr_output_configuration_v1::ZwlrOutputConfigurationV1,
    zwlr_output_head_v1::{self as head, ZwlrOutputHeadV1},
    zwlr_output_manager_v1::{self as manager, ZwlrOutputManagerV1},
    zwlr_output_mode_v1::{self as mode, ZwlrOutputModeV1},
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, backend::ClientId};

use crate::{
    output_management::{
        ConfigurationData, HeadData, ModeData, OutputManagementHandler, OutputManagementState,
        collected::Configuration, told::Manager,
    },
    seen_by::SeenBy,
};

impl<D> GlobalDispatch<ZwlrOutputManagerV1, SeenBy, D> for OutputManagementState
where
    D: Dispatch<ZwlrOutputManagerV1, ()>
        + Dispatch<ZwlrOutputHeadV1, HeadData>
        + Dispatch<ZwlrOutputModeV1, ModeData>
        + OutputManagementHandler
        + 'static,
{
    fn bind(
        state: &mut D,
        display: &DisplayHandle,
        _: &Client,
        resource: New<ZwlrOutputManagerV1>,
        _: &SeenBy,
        data_init: &mut DataInit<'_, D>,
    ) {
        let object = data_init.init(resource, ());
        let now = state.heads();
        let known = state.output_management();
        known.managers.push(Manager::new(object));
        known.send::<D>(display, now);
    }

    fn can_view(client: Client, seen_by: &SeenBy) -> bool {
        seen_by.holds(&client)
    }
}

impl<D> Dispatch<ZwlrOutputManagerV1, (), D> for OutputManagementState
where
    D: Dispatch<ZwlrOutputManagerV1, ()>
        + Dispatch<ZwlrOutputConfigurationV1, ConfigurationData>
        + OutputManagementHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrOutputManagerV1,
        request: manager::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            manager::Request::CreateConfiguration { id, serial } => {
                data_init.init(id, ConfigurationData(Mutex::new(Configuration::new(serial))));
            }
            manager::Request::Stop => {
                state.output_management().stop(resource);
                // It destroys the manager.
                resource.finished();
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwlrOutputManagerV1, _: &()) {
        state.output_management().stop(resource);
    }
}

impl<D> Dispatch<ZwlrOutputHeadV1, HeadData, D> for OutputManagementState
where
    D: Dispatch<ZwlrOutputHeadV1, HeadData> + OutputManagementHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwlrOutputHeadV1,
        _: head::Request,
        _: &HeadData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ZwlrOutputHeadV1, data: &HeadData) {
        let known = state.output_management();
        let again = known.left.destroyed(&client, &data.left);
        known.managers.iter_mut().for_each(|manager| manager.forget_head(resource));
        if again {
            state.heads_stale();
        }
    }
}

impl<D> Dispatch<ZwlrOutputModeV1, ModeData, D> for OutputManagementState
where
    D: Dispatch<ZwlrOutputModeV1, ModeData> + OutputManagementHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwlrOutputModeV1,
        _: mode::Request,
        _: &ModeData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &ZwlrOutputModeV1, data: &ModeData) {
        let known = state.output_management();
        let again = known.left.destroyed(&client, &data.left);
        known.managers.iter_mut().for_each(|manager| manager.forget_mode(resource));
        if again {
            state.heads_stale();
        }
    }
}
