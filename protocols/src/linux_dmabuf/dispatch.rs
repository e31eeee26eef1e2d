//! Request handlers of the factory, the feedback objects and the buffers; parameters are in
//! [`super::params`].

use dmabuf_import::Modifier;
use smithay::wayland::compositor::with_states;
use wayland_protocols::wp::linux_dmabuf::zv1::server::{
    zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1,
    zwp_linux_dmabuf_feedback_v1::{self as feedback_object, ZwpLinuxDmabufFeedbackV1},
    zwp_linux_dmabuf_v1::{self as global, ZwpLinuxDmabufV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
    backend::ClientId,
    protocol::wl_buffer::{self, WlBuffer},
};

use super::{BufferData, FeedbackData, LinuxDmabufHandler, LinuxDmabufState, ParamsData, feedback};

impl<D> GlobalDispatch<ZwpLinuxDmabufV1, (), D> for LinuxDmabufState
where
    D: Dispatch<ZwpLinuxDmabufV1, ()> + LinuxDmabufHandler + 'static,
{
    fn bind(
        state: &mut D,
        _: &DisplayHandle,
        _: &Client,
        resource: New<ZwpLinuxDmabufV1>,
        _: &(),
        data_init: &mut DataInit<'_, D>,
    ) {
        let global = data_init.init(resource, ());
        let version = global.version();
        // Feedback has replaced these events.
        if version >= global::REQ_GET_DEFAULT_FEEDBACK_SINCE {
            return;
        }
        let Some(state) = state.linux_dmabuf() else { return };
        let formats = state.default.formats();
        let mut last_code = None;
        for format in formats.iter() {
            let (code, raw) = (format.code as u32, u64::from(format.modifier));
            if version >= global::EVT_MODIFIER_SINCE {
                global.modifier(code, (raw >> 32) as u32, raw as u32);
            } else if matches!(format.modifier, Modifier::Linear | Modifier::Invalid) && last_code != Some(code) {
                global.format(code);
                last_code = Some(code);
            }
        }
    }
}

impl<D> Dispatch<ZwpLinuxDmabufV1, (), D> for LinuxDmabufState
where
    D: Dispatch<ZwpLinuxDmabufV1, ()>
        + Dispatch<ZwpLinuxBufferParamsV1, ParamsData>
        + Dispatch<ZwpLinuxDmabufFeedbackV1, FeedbackData>
        + LinuxDmabufHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwpLinuxDmabufV1,
        request: global::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            global::Request::CreateParams { params_id } => {
                data_init.init(params_id, ParamsData::default());
            }
            global::Request::GetDefaultFeedback { id } => {
                let object = data_init.init(id, FeedbackData { surface: None });
                if let Some(state) = state.linux_dmabuf() {
                    state.default.send(&object);
                    state.listeners.push(object.downgrade());
                }
            }
            global::Request::GetSurfaceFeedback { id, surface } => {
                let object = data_init.init(id, FeedbackData { surface: Some(surface.downgrade()) });
                let own = state.surface_feedback(&surface);
                let Some(state) = state.linux_dmabuf() else { return };
                let feedback = own.unwrap_or_else(|| state.default.clone());
                state.offer(&feedback);
                with_states(&surface, |states| feedback::add_object(states, &object, &feedback));
            }
            _ => {}
        }
    }
}

impl<D> Dispatch<ZwpLinuxDmabufFeedbackV1, FeedbackData, D> for LinuxDmabufState
where
    D: Dispatch<ZwpLinuxDmabufFeedbackV1, FeedbackData> + LinuxDmabufHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpLinuxDmabufFeedbackV1,
        request: feedback_object::Request,
        _: &FeedbackData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        debug_assert!(matches!(request, feedback_object::Request::Destroy));
    }

    fn destroyed(state: &mut D, _: ClientId, object: &ZwpLinuxDmabufFeedbackV1, data: &FeedbackData) {
        match &data.surface {
            None => {
                if let Some(state) = state.linux_dmabuf() {
                    state.listeners.retain(|listener| listener != object);
                }
            }
            Some(surface) => {
                let Ok(surface) = surface.upgrade() else { return };
                with_states(&surface, |states| feedback::remove_object(states, object));
            }
        }
    }
}

impl<D> Dispatch<WlBuffer, BufferData<D::Import>, D> for LinuxDmabufState
where
    D: Dispatch<WlBuffer, BufferData<<D as LinuxDmabufHandler>::Import>> + LinuxDmabufHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &WlBuffer,
        request: wl_buffer::Request,
        _: &BufferData<D::Import>,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        debug_assert!(matches!(request, wl_buffer::Request::Destroy));
    }

    fn destroyed(state: &mut D, client: ClientId, _: &WlBuffer, data: &BufferData<D::Import>) {
        state.note_closed(&client, data.descriptors.into());
        state.buffer_destroyed(&data.import);
    }
}
