//! The first buffer of an `xdg_surface`: not before its first configure, and not before that is
//! acknowledged.
//!
//! An `attach` before the first configure is an error by itself, the commit of one that is attached
//! later but not acknowledged too. An `xdg_surface` without a role object cannot be found from its
//! `wl_surface`, since Smithay keeps both to itself; [`Roleless`] knows the `wl_surface` of a
//! client's only one. Where a client has several, only their commits are checked.
//!
//! Nothing here changes a surface.

use smithay::wayland::{
    compositor::{BufferAssignment, SurfaceAttributes, SurfaceData, get_role, with_states},
    shell::xdg::{XDG_POPUP_ROLE, XdgPopupSurfaceData, XdgToplevelSurfaceData},
};
use wayland_protocols::xdg::shell::server::xdg_surface::{self, XdgSurface};
use wayland_server::{Resource, protocol::wl_surface::WlSurface};

use crate::{
    session::{
        Syncline,
        checks::{door::refuse, links::Links},
    },
    surface::SurfaceState,
};

/// Whether a buffer is attached to a surface, committed or not.
pub fn has_buffer(surface: &WlSurface) -> bool {
    with_states(surface, |states| {
        let state = SurfaceState::of(states);
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let attaches = matches!(attributes.pending().buffer, Some(BufferAssignment::NewBuffer(_)));
        attaches || state.current.is_some() || !state.pending.is_empty()
    })
}

/// The state of a role object that counts here.
struct Configures {
    sent: bool,
    acknowledged: bool,
}

fn configures(states: &SurfaceData) -> Option<Configures> {
    macro_rules! of {
        ($data:ty) => {{
            let data = states.data_map.get::<$data>()?.lock().expect("no panic while locked");
            Some(Configures { sent: data.initial_configure_sent, acknowledged: data.configured })
        }};
    }
    match states.role {
        Some(XDG_POPUP_ROLE) => of!(XdgPopupSurfaceData),
        _ => of!(XdgToplevelSurfaceData),
    }
}

/// Checks an `attach` of a buffer. Returns false if an error has been posted.
#[must_use]
pub fn check_attach(state: &Syncline, surface: &WlSurface) -> bool {
    let xdg = match Links::xdg(surface) {
        Some(_) if with_states(surface, configures).is_some_and(|configures| configures.sent) => return true,
        Some(xdg) => xdg,
        None => match roleless(state, surface) {
            Some(xdg) => xdg,
            None => return true,
        },
    };
    let message = format!("wl_surface.attach: a buffer for {} before its first configure", surface.id());
    refuse(&xdg, xdg_surface::Error::UnconfiguredBuffer, message)
}

/// Checks the commit of an attached buffer. Returns false if an error has been posted.
#[must_use]
pub fn check_commit(surface: &WlSurface, xdg: &XdgSurface) -> bool {
    if with_states(surface, configures).is_some_and(|configures| configures.acknowledged) {
        return true;
    }
    let message = "wl_surface.commit: a buffer is attached before the first configure is acknowledged";
    refuse(xdg, xdg_surface::Error::UnconfiguredBuffer, message)
}

/// The `xdg_surface` of a surface without a role, if it is its client's only one without a role
/// object.
fn roleless(state: &Syncline, surface: &WlSurface) -> Option<XdgSurface> {
    let client = surface.client()?;
    let sole = state.globals.xdg_roleless.0.get(&client.id())?.sole.as_ref()?;
    if *sole != *surface || get_role(surface).is_some() {
        return None;
    }
    // The client ends with this: it is searched for once.
    let mut found = None;
    let constructed = &state.globals.xdg_constructed.0;
    let search = |id: wayland_server::backend::ObjectId| {
        if id.interface().name == XdgSurface::interface().name && !constructed.contains_key(&id) {
            found = Some(id);
        }
    };
    state.display.backend_handle().with_all_objects_for(client.id(), search).ok()?;
    XdgSurface::from_id(&state.display, found?).ok()
}

/// An `xdg_surface` without a role object has come: a new one, or one that had one.
pub fn note_roleless(state: &mut Syncline, surface: &WlSurface) {
    let Some(client) = surface.client() else { return };
    let roleless = state.globals.xdg_roleless.0.entry(client.id()).or_default();
    roleless.count += 1;
    roleless.sole = (roleless.count == 1).then(|| surface.downgrade());
}

/// An `xdg_surface` has got a role object, or was destroyed without one.
pub fn forget_roleless(state: &mut Syncline, client: &wayland_server::backend::ClientId) {
    let Some(roleless) = state.globals.xdg_roleless.0.get_mut(client) else { return };
    roleless.count = roleless.count.saturating_sub(1);
    // Which of several it was is not known.
    roleless.sole = None;
    if roleless.count == 0 {
        state.globals.xdg_roleless.0.remove(client);
    }
}
