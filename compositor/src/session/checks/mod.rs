//! Requests that break a rule of their protocol and that Smithay 0.7 accepts, or answers with an
//! error of another object: they are checked before Smithay acts on them.
//!
//! ```text
//!  request ─→ check ─┬─ right ─→ Smithay
//!                    └─ wrong ─→ the protocol's error; the client is closed, Smithay does not see the request
//! ```
//!
//! | file | objects |
//! | --- | --- |
//! | `surface.rs` | `wl_surface`, `wl_region` |
//! | `xdg.rs` | xdg-shell |
//! | `seat.rs` | `wl_seat`, `wl_data_device`, `wl_data_source` |
//!
//! Trees of surfaces are checked in [`crate::session::windows::tree`]. Nothing here changes a
//! surface, a window or the seat. Errors that cannot be raised are listed in
//! `compositor/src/session/fixture/tests/errors/unraised.rs`.

use protocols::viewporter;
use smithay::wayland::compositor::with_states;
use wayland_server::protocol::wl_surface::WlSurface;

use crate::session::Syncline;

pub mod seat;
pub mod surface;
pub mod xdg;

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
                <$smithay as wayland_server::Dispatch<$interface, $data, Self>>::destroyed(
                    state, client, resource, data,
                );
            }
        }
    };
}

use checked;

/// Checks a commit that is being made. Returns false if an error has been posted.
#[must_use]
pub fn check_commit(state: &mut Syncline, surface: &WlSurface) -> bool {
    xdg::check_commit(state, surface) && surface::check_size(surface) && with_states(surface, viewporter::check_size)
}

/// Posts an error and returns false, for the end of a check.
fn refuse(on: &impl wayland_server::Resource, error: impl Into<u32>, message: impl Into<String>) -> bool {
    on.post_error(error, message);
    false
}
