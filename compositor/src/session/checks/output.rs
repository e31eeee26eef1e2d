//! `zxdg_output_manager_v1`: a display may be gone before its client knows.
//!
//! It changes no output.

use protocols::{ObjectObserver, observed_dispatch, observed_global_dispatch};
use smithay::{
    output::Output,
    wayland::output::{OutputManagerState, OutputUserData, WlOutputData, XdgOutputUserData},
};
use wayland_protocols::xdg::xdg_output::zv1::server::{
    zxdg_output_manager_v1::{self, ZxdgOutputManagerV1},
    zxdg_output_v1::{self, ZxdgOutputV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId, protocol::wl_output::WlOutput,
};

use crate::session::Syncline;

observed_global_dispatch!(Syncline: [WlOutput: WlOutputData] => OutputManagerState);
observed_global_dispatch!(Syncline: [ZxdgOutputManagerV1: ()] => OutputManagerState);
observed_dispatch!(Syncline: [WlOutput: OutputUserData] => OutputManagerState);
observed_dispatch!(Syncline: [ZxdgOutputV1: XdgOutputUserData] => OutputManagerState);

/// User data of a `zxdg_output_v1` of a display that is gone: it says nothing.
#[derive(Debug)]
pub struct Gone;

impl Dispatch<ZxdgOutputManagerV1, ()> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        manager: &ZxdgOutputManagerV1,
        request: zxdg_output_manager_v1::Request,
        data: &(),
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, ZxdgOutputManagerV1::interface(), request.opcode());
        match request {
            // Smithay 0.7 would panic.
            zxdg_output_manager_v1::Request::GetXdgOutput { id, output }
                if Output::from_resource(&output).is_none() =>
            {
                data_init.init(id, Gone);
            }
            request => <OutputManagerState as Dispatch<_, _, Self>>::request(
                state, client, manager, request, data, display, data_init,
            ),
        }
    }

    fn destroyed(state: &mut Self, client: ClientId, manager: &ZxdgOutputManagerV1, (): &()) {
        state.note_destroyed(&client, &manager.id());
    }
}

impl Dispatch<ZxdgOutputV1, Gone> for Syncline {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZxdgOutputV1,
        request: zxdg_output_v1::Request,
        _: &Gone,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        debug_assert!(matches!(request, zxdg_output_v1::Request::Destroy));
    }

    fn destroyed(state: &mut Self, client: ClientId, output: &ZxdgOutputV1, _: &Gone) {
        state.note_destroyed(&client, &output.id());
    }
}
