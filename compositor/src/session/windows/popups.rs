//! Chains of popups are checked before Smithay acts on them.
//!
//! Smithay 0.7 follows a popup's parents for ever if they form a cycle, and recursively. Here a
//! cycle ends the client with the protocol's own error (`invalid_popup_parent`). No protocol limits
//! the depth; exceeding it ends the client with `wl_display.implementation`.
//!
//! Nothing here draws, moves or focuses a surface.

use std::{
    ffi::CString,
    sync::{Mutex, MutexGuard},
};

use smithay::wayland::{
    compositor::{SurfaceData, with_states},
    shell::xdg::{PopupSurface, XdgPopupSurfaceData},
};
use wayland_protocols::xdg::shell::server::xdg_wm_base;
use wayland_server::{Client, DisplayHandle, Resource, Weak, backend::ClientId, protocol::wl_surface::WlSurface};

use crate::surface::limits::{LIMITS, LivePopups, PopupFault};

/// `wl_display.error.implementation`.
const IMPLEMENTATION: u32 = 3;

/// A surface's place in a chain of popups, in its data map.
#[derive(Debug, Default)]
struct PopupLinks {
    /// The parent of the surface's live popup.
    parent: Option<Weak<WlSurface>>,
    /// Live popups whose parent the surface is.
    children: usize,
    /// The client has asked for the seat for the surface's live popup.
    asked: bool,
}

impl PopupLinks {
    fn of(states: &SurfaceData) -> MutexGuard<'_, Self> {
        states.data_map.get_or_insert_threadsafe(Mutex::<Self>::default).lock().expect("no panic while locked")
    }
}

/// Admits a new popup, or ends its client. Returns false in that case; the popup must not be used
/// then.
#[must_use]
pub fn admit_popup(display: &DisplayHandle, popup: &PopupSurface) -> bool {
    let surface = popup.wl_surface();
    // A popup without a parent waits for another protocol to name one.
    let Some(parent) = popup.get_parent_surface() else { return true };
    let Some(client) = surface.client() else { return false };
    let live = with_states(surface, |states| {
        let links = PopupLinks::of(states);
        LivePopups { itself: links.parent.is_some(), children: links.children }
    });
    let id = surface.id();
    let (error, message) = match LIMITS.check_popup(surface, &parent, live, popup_parent) {
        Ok(()) => {
            with_states(surface, |states| PopupLinks::of(states).parent = Some(parent.downgrade()));
            with_states(&parent, |states| PopupLinks::of(states).children += 1);
            return true;
        }
        Err(PopupFault::TooDeep) => {
            let message = format!("get_popup: popups are nested more than {} deep", LIMITS.depth);
            implementation_limit(display, &client, message);
            return false;
        }
        Err(PopupFault::Cycle) => (
            xdg_wm_base::Error::InvalidPopupParent,
            format!("get_popup: the parent {} is {id} itself or one of its popups", parent.id()),
        ),
        Err(PopupFault::HasPopup) => (xdg_wm_base::Error::Role, format!("get_popup: {id} already has an xdg_popup")),
        Err(PopupFault::HasChildren) => {
            (xdg_wm_base::Error::NotTheTopmostPopup, format!("get_popup: {id} is the parent of other popups already"))
        }
    };
    post_error_on(display, client.id(), xdg_wm_base::XdgWmBase::interface().name, error.into(), message);
    false
}

/// A popup is gone.
pub fn forget_popup(popup: &PopupSurface) {
    let parent = with_states(popup.wl_surface(), |states| {
        let mut links = PopupLinks::of(states);
        links.asked = false;
        links.parent.take()
    });
    if let Some(parent) = parent.and_then(|parent| parent.upgrade().ok()) {
        with_states(&parent, |states| {
            let mut links = PopupLinks::of(states);
            links.children = links.children.saturating_sub(1);
        });
    }
}

/// Whether there are live popups whose parent is this surface.
pub fn has_popups(surface: &WlSurface) -> bool {
    with_states(surface, |states| PopupLinks::of(states).children > 0)
}

/// The client asks for the seat for a popup, whether or not it gets it.
pub fn note_grab(surface: &WlSurface) {
    with_states(surface, |states| PopupLinks::of(states).asked = true);
}

/// Whether the client has asked for the seat for the surface's popup.
pub fn asked_for_grab(surface: &WlSurface) -> bool {
    with_states(surface, |states| PopupLinks::of(states).asked)
}

/// Whether a popup is one of `of`, directly or through others.
pub fn is_popup_of(popup: &WlSurface, of: &WlSurface) -> bool {
    // No chain is longer.
    std::iter::successors(popup_parent(popup), popup_parent).take(LIMITS.depth).any(|parent| parent == *of)
}

/// The parent of a popup's surface, as Smithay follows it.
pub fn popup_parent(surface: &WlSurface) -> Option<WlSurface> {
    with_states(surface, |states| {
        let popup = states.data_map.get::<XdgPopupSurfaceData>()?;
        popup.lock().expect("no panic while locked").parent.clone()
    })
}

/// Ends a client that exceeds a limit of this compositor.
pub fn implementation_limit(display: &DisplayHandle, client: &Client, message: String) {
    post_error_on(display, client.id(), "wl_display", IMPLEMENTATION, message);
}

/// Posts an error on a client's first object of an interface, for which there is no handle.
pub fn post_error_on(display: &DisplayHandle, client: ClientId, interface: &str, code: u32, message: String) {
    let backend = display.backend_handle();
    let mut object = None;
    let listed = backend.with_all_objects_for(client, |id| {
        if object.is_none() && id.interface().name == interface {
            object = Some(id);
        }
    });
    match (listed, object, CString::new(message)) {
        (Ok(()), Some(object), Ok(message)) => backend.post_error(object, code, message),
        (listed, object, _) => {
            tracing::warn!("cannot post a protocol error on {interface} of a client: {listed:?}, {object:?}")
        }
    }
}
