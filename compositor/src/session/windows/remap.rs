//! A window or popup that is hidden by a commit without a buffer: it begins anew.
//!
//! xdg-shell: it "returns to the state it had right after xdg_surface.get_toplevel", so the next
//! commit without a buffer gets a fresh configure. What the client acknowledges of the time before
//! is not wrong, since it may have been on its way; it counts for nothing. The place of a window
//! stays. Nothing here sends anything.

use protocols::toplevel_icon;
use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel::WmCapabilities,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    wayland::{
        compositor::{SurfaceData, with_states},
        shell::xdg::{SurfaceCachedState, ToplevelState, XdgPopupSurfaceData, XdgToplevelSurfaceData},
    },
};

use crate::{
    desktop::windows::{Told, Window},
    session::checks,
};

/// The state of a window that has heard nothing yet.
pub fn initial_state() -> ToplevelState {
    let mut state = ToplevelState::default();
    for capability in [WmCapabilities::Maximize, WmCapabilities::Fullscreen, WmCapabilities::Minimize] {
        state.capabilities.set(capability);
    }
    state
}

/// A window has no buffer any more.
pub fn reset_window(window: &mut Window) {
    (window.mapped, window.shown, window.area, window.told) = (false, false, None, Told::default());
    (window.icon, window.tag) = (None, None);
    with_states(window.surface(), |states| {
        if let Some(data) = states.data_map.get::<XdgToplevelSurfaceData>() {
            let mut data = data.lock().expect("no panic while locked");
            (data.configured, data.initial_configure_sent, data.initial_decoration_configure_sent) =
                (false, false, false);
            (data.last_acked, data.current, data.server_pending) = (None, initial_state(), Some(initial_state()));
            (data.title, data.app_id, data.parent, data.modal) = (None, None, None, false);
        }
        forget_limits(states);
        toplevel_icon::forget_current(states);
        checks::links::begin_anew(states);
    });
}

/// The limits of the size are attributes, too; the geometry is that of the `xdg_surface`.
fn forget_limits(states: &SurfaceData) {
    let mut cached = states.cached_state.get::<SurfaceCachedState>();
    let shown = *cached.current();
    let forget = |state: &mut SurfaceCachedState| {
        // The client may have asked for others since.
        if (state.min_size, state.max_size) == (shown.min_size, shown.max_size) {
            (state.min_size, state.max_size) = Default::default();
        }
    };
    forget(cached.pending());
    forget(cached.current());
}

/// A popup has no buffer any more. It keeps its positioner.
pub fn reset_popup(surface: &WlSurface) {
    with_states(surface, |states| {
        if let Some(data) = states.data_map.get::<XdgPopupSurfaceData>() {
            let mut data = data.lock().expect("no panic while locked");
            let state = *data.current_server_state();
            (data.configured, data.initial_configure_sent, data.committed) = (false, false, false);
            (data.last_acked, data.server_pending) = (None, Some(state));
        }
        checks::links::begin_anew(states);
    });
}
