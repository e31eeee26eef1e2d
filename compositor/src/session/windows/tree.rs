//! Sub-surfaces and popups: requests that make or reorder trees of surfaces are checked before
//! Smithay acts on them.
//!
//! Smithay 0.7 panics when a sub-surface is placed relative to itself, follows a popup's parents
//! for ever if they form a cycle, and walks trees recursively. Here each of these ends the client
//! with the protocol's own error. No protocol limits depth and size; exceeding them ends the client
//! with `wl_display.implementation`.
//!
//! ```text
//!  get_subsurface            bad_parent for a cycle; the new tree must be within LIMITS
//!  place_above, place_below  bad_surface for the sub-surface itself; Smithay checks the rest
//!  get_popup                 invalid_popup_parent for a cycle; the depth must be within LIMITS
//! ```
//!
//! Nothing here draws, moves or focuses a surface.

use std::{
    ffi::CString,
    sync::{Mutex, MutexGuard},
};

use smithay::wayland::{
    compositor::{CompositorState, SubsurfaceUserData, SurfaceData, get_children, get_parent, get_role, with_states},
    shell::xdg::{PopupSurface, XdgPopupSurfaceData},
};
use wayland_protocols::xdg::shell::server::xdg_wm_base;
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, Weak,
    backend::ClientId,
    delegate_dispatch, delegate_global_dispatch,
    protocol::{
        wl_callback::WlCallback,
        wl_compositor::WlCompositor,
        wl_subcompositor::{self, WlSubcompositor},
        wl_subsurface::{self, WlSubsurface},
        wl_surface::WlSurface,
    },
};

use crate::session::Syncline;
use crate::surface::limits::{Fault, Forest, LIMITS, LivePopups, PopupFault};

/// `wl_display.error.implementation`.
const IMPLEMENTATION: u32 = 3;

/// Role of a surface with a `wl_subsurface`.
const SUBSURFACE: &str = "subsurface";

/// The surfaces and sub-surfaces that Smithay knows.
struct Subsurfaces;

impl Forest for Subsurfaces {
    type Node = WlSurface;

    fn parent(&self, surface: &WlSurface) -> Option<WlSurface> {
        get_parent(surface)
    }

    fn children(&self, surface: &WlSurface) -> Vec<WlSurface> {
        get_children(surface)
    }
}

impl Dispatch<WlSubcompositor, ()> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        subcompositor: &WlSubcompositor,
        request: wl_subcompositor::Request,
        data: &(),
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        if let wl_subcompositor::Request::GetSubsurface { surface, parent, .. } = &request
            && let Err(fault) = check_subsurface(surface, parent)
        {
            return match fault {
                Fault::Cycle => subcompositor.post_error(
                    wl_subcompositor::Error::BadParent,
                    format!(
                        "get_subsurface: the parent {} is {} itself or one of its descendants",
                        parent.id(),
                        surface.id()
                    ),
                ),
                Fault::TooDeep => implementation_limit(
                    display,
                    client,
                    format!("get_subsurface: sub-surfaces are nested more than {} deep", LIMITS.depth),
                ),
                Fault::TooManySurfaces => implementation_limit(
                    display,
                    client,
                    format!("get_subsurface: a tree has more than {} surfaces", LIMITS.surfaces),
                ),
            };
        }
        <CompositorState as Dispatch<_, _, Self>>::request(
            state,
            client,
            subcompositor,
            request,
            data,
            display,
            data_init,
        );
    }
}

/// Whether `surface` may become a sub-surface of `parent`.
fn check_subsurface(surface: &WlSurface, parent: &WlSurface) -> Result<(), Fault> {
    let is_attached = get_parent(surface).is_some();
    let has_other_role = get_role(surface).is_some_and(|role| role != SUBSURFACE);
    if is_attached || has_other_role {
        // Smithay reports this error (bad_surface), unless it is a cycle as well.
        return LIMITS.check_ancestors(surface, parent, get_parent).map(drop);
    }
    LIMITS.check_attach(&Subsurfaces, surface, parent)
}

impl Dispatch<WlSubsurface, SubsurfaceUserData> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        subsurface: &WlSubsurface,
        request: wl_subsurface::Request,
        data: &SubsurfaceUserData,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        let placed = match &request {
            wl_subsurface::Request::PlaceAbove { sibling } => Some(("place_above", sibling)),
            wl_subsurface::Request::PlaceBelow { sibling } => Some(("place_below", sibling)),
            _ => None,
        };
        if let Some((name, sibling)) = placed
            && sibling == data.surface()
        {
            let message = format!("{name}: {} is not a sibling of itself", sibling.id());
            return subsurface.post_error(wl_subsurface::Error::BadSurface, message);
        }
        <CompositorState as Dispatch<_, _, Self>>::request(
            state, client, subsurface, request, data, display, data_init,
        );
    }

    fn destroyed(state: &mut Self, client: ClientId, subsurface: &WlSubsurface, data: &SubsurfaceUserData) {
        <CompositorState as Dispatch<_, _, Self>>::destroyed(state, client, subsurface, data);
    }
}

/// A surface's place in a chain of popups, in its data map.
#[derive(Debug, Default)]
struct PopupLinks {
    /// The parent of the surface's live popup.
    parent: Option<Weak<WlSurface>>,
    /// Live popups whose parent the surface is.
    children: usize,
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
    post_error_on(display, &client, xdg_wm_base::XdgWmBase::interface().name, error.into(), message);
    false
}

/// A popup is gone.
pub fn forget_popup(popup: &PopupSurface) {
    let parent = with_states(popup.wl_surface(), |states| PopupLinks::of(states).parent.take());
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

/// The parent of a popup's surface, as Smithay follows it.
fn popup_parent(surface: &WlSurface) -> Option<WlSurface> {
    with_states(surface, |states| {
        let popup = states.data_map.get::<XdgPopupSurfaceData>()?;
        popup.lock().expect("no panic while locked").parent.clone()
    })
}

/// Ends a client that exceeds a limit of this compositor.
fn implementation_limit(display: &DisplayHandle, client: &Client, message: String) {
    post_error_on(display, client, "wl_display", IMPLEMENTATION, message);
}

/// Posts an error on a client's first object of an interface, for which there is no handle.
fn post_error_on(display: &DisplayHandle, client: &Client, interface: &str, code: u32, message: String) {
    let backend = display.backend_handle();
    let mut object = None;
    let listed = backend.with_all_objects_for(client.id(), |id| {
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

delegate_global_dispatch!(Syncline: [WlCompositor: ()] => CompositorState);
delegate_global_dispatch!(Syncline: [WlSubcompositor: ()] => CompositorState);
delegate_dispatch!(Syncline: [WlCompositor: ()] => CompositorState);
delegate_dispatch!(Syncline: [WlCallback: ()] => CompositorState);
