//! How a request comes to its check, and how a check refuses it. It knows no protocol.

/// Implements `Dispatch` for an interface: `check` sees each request first and says whether Smithay
/// is to see it, too. Where not, it has mostly posted an error.
macro_rules! checked {
    ($interface:ty, $data:ty, $smithay:ty, $check:path) => {
        impl wayland_server::Dispatch<$interface, $data> for $crate::session::Syncline {
            fn request(
                state: &mut Self,
                client: &wayland_server::Client,
                resource: &$interface,
                request: <$interface as wayland_server::Resource>::Request,
                data: &$data,
                display: &wayland_server::DisplayHandle,
                data_init: &mut wayland_server::DataInit<'_, Self>,
            ) {
                protocols::ObjectObserver::note_creation(
                    state,
                    client,
                    <$interface as wayland_server::Resource>::interface(),
                    request.opcode(),
                );
                if $check(state, resource, &request) {
                    <$smithay as wayland_server::Dispatch<$interface, $data, Self>>::request(
                        state, client, resource, request, data, display, data_init,
                    );
                }
            }

            fn destroyed(
                state: &mut Self,
                client: wayland_server::backend::ClientId,
                resource: &$interface,
                data: &$data,
            ) {
                protocols::ObjectObserver::note_destroyed(state, &client, &wayland_server::Resource::id(resource));
                <$smithay as wayland_server::Dispatch<$interface, $data, Self>>::destroyed(
                    state, client, resource, data,
                );
            }
        }
    };
}

pub(super) use checked;

/// Posts an error and returns false, for the end of a check.
pub fn refuse(on: &impl wayland_server::Resource, error: impl Into<u32>, message: impl Into<String>) -> bool {
    on.post_error(error, message);
    false
}
