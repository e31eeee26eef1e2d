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
//! | `surface.rs` | `wl_surface` |
//! | `regions.rs` | `wl_region`, and the damage of `wl_surface` |
//! | `xdg.rs` | xdg-shell |
//! | `links.rs` | xdg-shell: what is remembered with a surface |
//! | `first_buffer.rs` | xdg-shell: buffers before the first configure |
//! | `cursor_shape.rs` | `wp_cursor_shape_device_v1` |
//! | `output.rs` | `zxdg_output_manager_v1` |
//! | `seat.rs` | `wl_seat` |
//!
//! Protocols that Smithay does not answer at all are in the crate `protocols`, with their checks.
//! Trees of surfaces are checked in [`crate::session::windows::subsurfaces`]. Nothing here changes a
//! window or the seat, and only `regions.rs` a surface. Errors without a test are listed in
//! `compositor/src/session/fixture/tests/errors/unraised.rs`.

use protocols::{layer_shell, session_lock, viewporter};
use smithay::wayland::compositor::with_states;
use wayland_server::protocol::wl_surface::WlSurface;

use crate::session::Syncline;

pub mod cursor_shape;
mod door;
pub mod first_buffer;
pub mod links;
mod output;
pub mod regions;
pub mod seat;
pub mod surface;
pub mod xdg;

/// Checks a commit that is being made. Returns false if an error has been posted.
#[must_use]
pub fn check_commit(state: &mut Syncline, surface: &WlSurface) -> bool {
    xdg::check_commit(state, surface)
        && layer_shell::check_commit(surface)
        && session_lock::check_commit(surface, || surface::size_after(surface))
        && surface::check_memory(surface)
        && surface::check_size(surface)
        && with_states(surface, viewporter::check_size)
}
