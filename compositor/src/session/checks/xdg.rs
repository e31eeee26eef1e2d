//! xdg-shell: what its objects may be asked, in which order, and with which values.
//!
//! Smithay keeps the `wl_surface` and the `xdg_wm_base` of an `xdg_surface` to itself. [`Links`]
//! keeps both with the `wl_surface`, and [`crate::session::parts::requests::Constructed`] finds the `wl_surface` of an
//! `xdg_surface` that has a role object.

use protocols::{ObjectObserver, observed_global_dispatch};
use smithay::{
    utils::{Rectangle, Serial},
    wayland::{
        compositor::{BufferAssignment, SurfaceAttributes, SurfaceData, get_role, with_states},
        shell::xdg::{
            PopupSurface, PositionerState, SurfaceCachedState, XDG_POPUP_ROLE, XDG_TOPLEVEL_ROLE, XdgPopupSurfaceData,
            XdgPositionerUserData, XdgShellState, XdgShellSurfaceUserData, XdgSurfaceUserData, XdgToplevelSurfaceData,
            XdgWmBaseUserData, decoration::XdgDecorationState, dialog::XdgDialogState,
        },
    },
};
use wayland_protocols::xdg::shell::server::{
    xdg_popup::{self, XdgPopup},
    xdg_positioner::{self, XdgPositioner},
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, XdgWmBase},
};
use wayland_protocols::xdg::{
    decoration::zv1::server::{
        zxdg_decoration_manager_v1::{self, ZxdgDecorationManagerV1},
        zxdg_toplevel_decoration_v1,
    },
    dialog::v1::server::xdg_wm_dialog_v1::{self, XdgWmDialogV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum, backend::ClientId, protocol::wl_surface::WlSurface,
};

use crate::session::{
    Syncline,
    checks::{
        door::{checked, refuse},
        first_buffer,
        links::{Links, is_of_before},
    },
    windows::popups,
};

/// The interface of the surface's live role object, if xdg-shell gave it one.
pub fn role_of(surface: &WlSurface) -> Option<&'static str> {
    Links::xdg(surface).and_then(|_| get_role(surface))
}

/// The role object of a surface is destroyed.
pub fn forget_role(state: &mut Syncline, surface: &WlSurface) {
    let xdg = with_states(surface, |states| Links::find(states)?.xdg.take());
    if let Some(xdg) = xdg
        && state.globals.xdg_constructed.0.remove(&xdg.id()).is_some()
    {
        first_buffer::note_roleless(state, surface);
    }
}

/// Posts an error on the `xdg_wm_base` that the surface came with, and returns false.
fn refuse_on_base(surface: &WlSurface, error: xdg_wm_base::Error, message: String) -> bool {
    match Links::base(surface) {
        Some(base) => refuse(&base, error, message),
        // A client that destroyed it had the error defunct_surfaces.
        None => false,
    }
}

checked!(XdgWmBase, XdgWmBaseUserData, XdgShellState, base_request);
checked!(XdgToplevel, XdgShellSurfaceUserData, XdgShellState, toplevel_request);
checked!(XdgPopup, XdgShellSurfaceUserData, XdgShellState, popup_request);
checked!(XdgWmDialogV1, (), XdgDialogState, dialog_request);
checked!(ZxdgDecorationManagerV1, (), XdgDecorationState, decoration_request);
observed_global_dispatch!(Syncline: [XdgWmBase: ()] => XdgShellState);
observed_global_dispatch!(Syncline: [XdgWmDialogV1: ()] => XdgDialogState);

/// Smithay would panic for a toplevel that it does not know.
fn dialog_request(state: &mut Syncline, manager: &XdgWmDialogV1, request: &xdg_wm_dialog_v1::Request) -> bool {
    let xdg_wm_dialog_v1::Request::GetXdgDialog { toplevel, .. } = request else { return true };
    if state.globals.xdg_shell.get_toplevel(toplevel).is_some() {
        return true;
    }
    refuse(manager, xdg_wm_dialog_v1::Error::AlreadyUsed, format!("get_xdg_dialog: {} has no surface", toplevel.id()))
}

fn decoration_request(
    state: &mut Syncline,
    manager: &ZxdgDecorationManagerV1,
    request: &zxdg_decoration_manager_v1::Request,
) -> bool {
    let zxdg_decoration_manager_v1::Request::GetToplevelDecoration { toplevel, .. } = request else { return true };
    let (id, get) = (toplevel.id(), "get_toplevel_decoration");
    match state.globals.xdg_shell.get_toplevel(toplevel) {
        None => {
            let message = format!("{get}: {id} has no surface");
            refuse(manager, zxdg_toplevel_decoration_v1::Error::Orphaned, message)
        }
        // Later versions allow it.
        Some(known) if manager.version() == 1 && first_buffer::has_buffer(known.wl_surface()) => {
            let message = format!("{get}: {id} has a buffer already");
            refuse(manager, zxdg_toplevel_decoration_v1::Error::UnconfiguredBuffer, message)
        }
        Some(_) => true,
    }
}

fn base_request(state: &mut Syncline, base: &XdgWmBase, request: &xdg_wm_base::Request) -> bool {
    let xdg_wm_base::Request::GetXdgSurface { surface, .. } = request else { return true };
    let id = surface.id();
    let other = get_role(surface).filter(|role| ![XDG_TOPLEVEL_ROLE, XDG_POPUP_ROLE].contains(role));
    if let Some(role) = role_of(surface).or(other) {
        return refuse(base, xdg_wm_base::Error::Role, format!("get_xdg_surface: {id} already has an {role}"));
    }
    if first_buffer::has_buffer(surface) {
        let message = format!("get_xdg_surface: {id} has a buffer; remove it first");
        return refuse(base, xdg_wm_base::Error::InvalidSurfaceState, message);
    }
    with_states(surface, |states| Links::of(states).base = Some(base.downgrade()));
    first_buffer::note_roleless(state, surface);
    true
}

/// Whether the commit that is being made attaches a buffer.
fn attaches(states: &SurfaceData) -> bool {
    let mut attributes = states.cached_state.get::<SurfaceAttributes>();
    matches!(attributes.pending().buffer, Some(BufferAssignment::NewBuffer(_)))
}

fn positioner_request(positioner: &XdgPositioner, request: &xdg_positioner::Request) -> bool {
    use xdg_positioner::Request;
    let message = match request {
        Request::SetAnchor { anchor: WEnum::Unknown(value) } => format!("set_anchor: {value} is no anchor"),
        Request::SetGravity { gravity: WEnum::Unknown(value) } => format!("set_gravity: {value} is no gravity"),
        Request::SetParentSize { parent_width, parent_height } if *parent_width < 0 || *parent_height < 0 => {
            format!("set_parent_size: {parent_width}x{parent_height} is negative")
        }
        _ => return true,
    };
    refuse(positioner, xdg_positioner::Error::InvalidInput, message)
}

fn toplevel_request(state: &mut Syncline, toplevel: &XdgToplevel, request: &xdg_toplevel::Request) -> bool {
    use xdg_toplevel::{Error, Request};
    let (name, width, height) = match request {
        Request::Resize { edges: WEnum::Unknown(edges), .. } => {
            return refuse(toplevel, Error::InvalidResizeEdge, format!("resize: {edges} is not one of the enum"));
        }
        Request::SetParent { .. } => {
            // Whatever parent it has now, it is not by an import.
            if state.globals.foreign.has_children()
                && let Some(known) = state.globals.xdg_shell.get_toplevel(toplevel)
            {
                state.globals.foreign.forget_child(known.wl_surface());
            }
            return true;
        }
        Request::SetMinSize { width, height } => ("set_min_size", *width, *height),
        Request::SetMaxSize { width, height } => ("set_max_size", *width, *height),
        _ => return true,
    };
    if width < 0 || height < 0 {
        // Smithay's sizes may not be negative: it would panic in a debug build.
        return refuse(toplevel, Error::InvalidSize, format!("{name}: {width}x{height} is negative"));
    }
    true
}

fn popup_request(state: &mut Syncline, popup: &XdgPopup, request: &xdg_popup::Request) -> bool {
    let Some(known) = state.globals.xdg_shell.get_popup(popup) else { return true };
    let surface = known.wl_surface();
    match request {
        xdg_popup::Request::Destroy if popups::has_popups(surface) => {
            let message = format!("xdg_popup.destroy: {} is the parent of another popup", popup.id());
            refuse_on_base(surface, xdg_wm_base::Error::NotTheTopmostPopup, message)
        }
        xdg_popup::Request::Reposition { positioner, .. } => {
            state.globals.xdg_anchor = state.globals.xdg_anchors.0.get(&positioner.id()).copied();
            true
        }
        xdg_popup::Request::Grab { .. } => check_grab(state, popup, surface),
        _ => true,
    }
}

/// Checks what a menu is opened on. Whether it may be opened now is not an error.
fn check_grab(state: &Syncline, popup: &XdgPopup, surface: &WlSurface) -> bool {
    if popup_data(surface, |data| data.committed) == Some(true) {
        return refuse(popup, xdg_popup::Error::InvalidGrab, "grab: the popup has been committed already");
    }
    let Some(parent) = popups::popup_parent(surface) else { return true };
    if get_role(&parent) == Some(XDG_POPUP_ROLE) && !popups::asked_for_grab(&parent) {
        let message = format!("grab: the parent {} is a popup that has not asked for the seat", parent.id());
        return refuse(popup, xdg_popup::Error::InvalidGrab, message);
    }
    match state.top_menu() {
        Some(top) if popups::is_popup_of(&top, &parent) => {
            let message = format!("xdg_popup.grab: the parent {} has an open menu, {}", parent.id(), top.id());
            refuse_on_base(surface, xdg_wm_base::Error::NotTheTopmostPopup, message)
        }
        _ => true,
    }
}

fn popup_data<T>(
    surface: &WlSurface,
    of: impl FnOnce(&smithay::wayland::shell::xdg::XdgPopupSurfaceRoleAttributes) -> T,
) -> Option<T> {
    with_states(surface, |states| {
        let data = states.data_map.get::<XdgPopupSurfaceData>()?;
        Some(of(&data.lock().expect("no panic while locked")))
    })
}

/// Smithay takes an anchor without an area for an error, which it is not: it gets one pixel, and
/// [`exact_anchor`] has the rectangle.
impl Dispatch<XdgPositioner, XdgPositionerUserData> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        positioner: &XdgPositioner,
        mut request: xdg_positioner::Request,
        data: &XdgPositionerUserData,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, XdgPositioner::interface(), request.opcode());
        if !positioner_request(positioner, &request) {
            return;
        }
        clamp_position(&mut request);
        if let xdg_positioner::Request::SetAnchorRect { x, y, width, height } = &mut request {
            let empty = (*width == 0 && *height >= 0) || (*height == 0 && *width >= 0);
            if empty {
                let exact = Rectangle::new((*x, *y).into(), (*width, *height).into());
                state.globals.xdg_anchors.0.insert(positioner.id(), exact);
                (*width, *height) = ((*width).max(1), (*height).max(1));
            } else {
                state.globals.xdg_anchors.0.remove(&positioner.id());
            }
        }
        <XdgShellState as Dispatch<_, _, Self>>::request(state, client, positioner, request, data, display, data_init);
    }

    fn destroyed(state: &mut Self, client: ClientId, positioner: &XdgPositioner, data: &XdgPositionerUserData) {
        state.note_destroyed(&client, &positioner.id());
        state.globals.xdg_anchors.0.remove(&positioner.id());
        <XdgShellState as Dispatch<_, _, Self>>::destroyed(state, client, positioner, data);
    }
}

/// The positioner that is being used, as its client described it.
pub fn exact_anchor(state: &mut Syncline, positioner: PositionerState) -> PositionerState {
    match state.globals.xdg_anchor.take() {
        Some(anchor_rect) => PositionerState { anchor_rect, ..positioner },
        None => positioner,
    }
}

/// Farther away from where it belongs, or larger, no window can be: Smithay adds and subtracts
/// several such numbers, which must not overflow.
const FAR: i32 = 1 << 24;

fn near(value: &mut i32) {
    *value = (*value).clamp(-FAR, FAR);
}

/// Brings the numbers of a positioner to where one can calculate with them.
fn clamp_position(request: &mut xdg_positioner::Request) {
    use xdg_positioner::Request;
    match request {
        Request::SetSize { width, height } => [width, height].into_iter().for_each(near),
        Request::SetAnchorRect { x, y, width, height } => [x, y, width, height].into_iter().for_each(near),
        Request::SetOffset { x, y } => [x, y].into_iter().for_each(near),
        Request::SetParentSize { parent_width, parent_height } => {
            [parent_width, parent_height].into_iter().for_each(near);
        }
        _ => {}
    }
}

/// The same for the geometry of a window.
fn clamp_geometry(request: &mut xdg_surface::Request) {
    if let xdg_surface::Request::SetWindowGeometry { x, y, width, height } = request {
        [x, y, width, height].into_iter().for_each(near);
    }
}

impl Dispatch<XdgSurface, XdgSurfaceUserData> for Syncline {
    fn request(
        state: &mut Self,
        client: &Client,
        xdg: &XdgSurface,
        mut request: xdg_surface::Request,
        data: &XdgSurfaceUserData,
        display: &DisplayHandle,
        data_init: &mut DataInit<'_, Self>,
    ) {
        state.note_creation(client, XdgSurface::interface(), request.opcode());
        if !surface_request(state, xdg, &request) {
            return;
        }
        if let xdg_surface::Request::GetPopup { positioner, .. } = &request {
            state.globals.xdg_anchor = state.globals.xdg_anchors.0.get(&positioner.id()).copied();
        }
        clamp_geometry(&mut request);
        // The role object is linked by the time Smithay's handler is called.
        state.globals.xdg_constructing = Some(xdg.clone());
        <XdgShellState as Dispatch<_, _, Self>>::request(state, client, xdg, request, data, display, data_init);
        state.globals.xdg_constructing = None;
    }

    fn destroyed(state: &mut Self, client: ClientId, xdg: &XdgSurface, data: &XdgSurfaceUserData) {
        state.note_destroyed(&client, &xdg.id());
        if state.globals.xdg_constructed.0.remove(&xdg.id()).is_none() {
            first_buffer::forget_roleless(state, &client);
        }
        <XdgShellState as Dispatch<_, _, Self>>::destroyed(state, client, xdg, data);
    }
}

fn surface_request(state: &mut Syncline, xdg: &XdgSurface, request: &xdg_surface::Request) -> bool {
    use xdg_surface::{Error, Request};
    let surface = state.globals.xdg_constructed.0.get(&xdg.id());
    match (request, surface) {
        (Request::Destroy, Some(_)) => {
            refuse(xdg, Error::DefunctRoleObject, "destroy: the role object is alive; destroy that first")
        }
        (Request::GetToplevel { .. } | Request::GetPopup { .. }, Some(surface)) => {
            let role = get_role(surface).unwrap_or("role object");
            refuse(xdg, Error::AlreadyConstructed, format!("{} already has an {role}", xdg.id()))
        }
        (Request::SetWindowGeometry { .. } | Request::AckConfigure { .. }, None) => {
            refuse(xdg, Error::NotConstructed, "set_window_geometry and ack_configure need a role object")
        }
        (Request::SetWindowGeometry { width, height, .. }, Some(_)) if *width <= 0 || *height <= 0 => {
            refuse(xdg, Error::InvalidSize, format!("set_window_geometry: {width}x{height} is no size"))
        }
        (Request::AckConfigure { serial }, Some(surface)) if !is_pending(surface, (*serial).into()) => {
            let message = format!("ack_configure: {serial} was not sent, or is acknowledged already");
            refuse(xdg, Error::InvalidSerial, message)
        }
        // It was on its way when the surface was hidden, and counts for nothing.
        (Request::AckConfigure { serial }, Some(surface)) => !is_of_before(surface, (*serial).into()),
        _ => true,
    }
}

/// Whether a configure with this serial was sent and not acknowledged.
fn is_pending(surface: &WlSurface, serial: Serial) -> bool {
    with_states(surface, |states| match states.role {
        Some(XDG_TOPLEVEL_ROLE) => states.data_map.get::<XdgToplevelSurfaceData>().is_some_and(|data| {
            let data = data.lock().expect("no panic while locked");
            data.pending_configures().iter().any(|sent| sent.serial == serial)
        }),
        _ => states.data_map.get::<XdgPopupSurfaceData>().is_some_and(|data| {
            let data = data.lock().expect("no panic while locked");
            data.pending_configures().iter().any(|sent| sent.serial == serial)
        }),
    })
}

/// A role object was made for `surface`. Returns false if the surface has one already, of another
/// `xdg_surface`; the error has been posted then.
#[must_use]
pub fn link_role(state: &mut Syncline, surface: &WlSurface) -> bool {
    if let Some(role) = role_of(surface) {
        let message = format!("{} already has an {role}, of another xdg_surface", surface.id());
        return refuse_on_base(surface, xdg_wm_base::Error::Role, message);
    }
    if let Some(xdg) = state.globals.xdg_constructing.take() {
        with_states(surface, |states| Links::of(states).xdg = Some(xdg.downgrade()));
        state.globals.xdg_constructed.0.insert(xdg.id(), surface.clone());
        if let Some(client) = surface.client() {
            first_buffer::forget_roleless(state, &client.id());
        }
    }
    true
}

/// Checks the positioner that a popup is placed with. Returns false if the error has been posted.
#[must_use]
pub fn check_positioner(popup: &PopupSurface, positioner: &PositionerState) -> bool {
    let empty = |width: i32, height: i32| width == 0 || height == 0;
    let (size, anchor) = (positioner.rect_size, positioner.anchor_rect.size);
    if !empty(size.w, size.h) && !empty(anchor.w, anchor.h) {
        return true;
    }
    let message = "the positioner is incomplete: it needs set_size and set_anchor_rect";
    refuse_on_base(popup.wl_surface(), xdg_wm_base::Error::InvalidPositioner, message.to_owned())
}

/// Checks the parent of a new popup. Returns false if the error has been posted.
#[must_use]
pub fn check_parent(popup: &PopupSurface) -> bool {
    match popup.get_parent_surface() {
        Some(parent) if role_of(&parent).is_none() => {
            let message = format!("get_popup: the parent {} is neither a toplevel nor a popup", parent.id());
            refuse_on_base(popup.wl_surface(), xdg_wm_base::Error::InvalidPopupParent, message)
        }
        _ => true,
    }
}

/// Gives a popup the parent that another protocol names. Returns false if it has one; the error has
/// been posted then.
#[must_use]
pub fn adopt(popup: &PopupSurface, parent: &WlSurface) -> bool {
    let surface = popup.wl_surface();
    if let Some(other) = popup.get_parent_surface() {
        let message = format!("zwlr_layer_surface_v1.get_popup: the popup has a parent, {}", other.id());
        return refuse_on_base(surface, xdg_wm_base::Error::InvalidPopupParent, message);
    }
    with_states(surface, |states| {
        if let Some(data) = states.data_map.get::<XdgPopupSurfaceData>() {
            data.lock().expect("no panic while locked").parent = Some(parent.clone());
        }
    });
    true
}

/// Checks a commit that is being made. Returns false if an error has been posted.
#[must_use]
pub fn check_commit(state: &mut Syncline, surface: &WlSurface) -> bool {
    let Some(xdg) = Links::xdg(surface) else { return true };
    if popup_data(surface, |data| data.parent.is_none()) == Some(true) {
        let message = "wl_surface.commit: the popup has no parent".to_owned();
        return refuse_on_base(surface, xdg_wm_base::Error::InvalidPopupParent, message);
    }
    if with_states(surface, attaches) && !first_buffer::check_commit(surface, &xdg) {
        return false;
    }
    check_limits(state, surface)
}

/// The smallest size of a window does not exceed its largest.
fn check_limits(state: &mut Syncline, surface: &WlSurface) -> bool {
    let (min, max) = with_states(surface, |states| {
        let mut cached = states.cached_state.get::<SurfaceCachedState>();
        (cached.pending().min_size, cached.pending().max_size)
    });
    let exceeds = |min: i32, max: i32| max != 0 && min > max;
    if !exceeds(min.w, max.w) && !exceeds(min.h, max.h) {
        return true;
    }
    let Some(window) = state.desktop.windows.find(surface) else { return true };
    let message = format!("wl_surface.commit: the minimum {}x{} exceeds the maximum {}x{}", min.w, min.h, max.w, max.h);
    refuse(window.toplevel.xdg_toplevel(), xdg_toplevel::Error::InvalidSize, message)
}
