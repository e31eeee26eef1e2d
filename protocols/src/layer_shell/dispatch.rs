//! The requests, and the errors of those that break a rule at once.

use smithay::{
    utils::{Logical, Size},
    wayland::compositor::{get_role, give_role, with_states},
};
use wayland_protocols_wlr::layer_shell::v1::server::{
    zwlr_layer_shell_v1::{self as shell, ZwlrLayerShellV1},
    zwlr_layer_surface_v1::{self as object, ZwlrLayerSurfaceV1},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, New, Resource, WEnum,
    backend::ClientId,
    protocol::{wl_output::WlOutput, wl_surface::WlSurface},
};

use crate::{
    layer_shell::{
        LayerShellHandler, LayerShellState,
        role::{LAYER_SURFACE_ROLE, LayerData, LayerSurface, Role, has_role_object},
        wanted::{Edge, Keyboard, Margin, Wanted},
    },
    surface_object::bind_manager,
};

/// Since this version the keyboard's word is an enum; before, everything but 0 meant `exclusive`.
const ON_DEMAND_SINCE: u32 = 4;

bind_manager!(LayerShellState, ZwlrLayerShellV1, SeenBy);

/// What `get_layer_surface` says.
struct Asked {
    surface: WlSurface,
    output: Option<WlOutput>,
    layer: WEnum<shell::Layer>,
}

fn create<D>(
    state: &mut D,
    shell: &ZwlrLayerShellV1,
    id: New<ZwlrLayerSurfaceV1>,
    asked: Asked,
    init: &mut DataInit<'_, D>,
) where
    D: Dispatch<ZwlrLayerSurfaceV1, LayerData> + LayerShellHandler + 'static,
{
    let Asked { surface, output, layer } = asked;
    // Also where it is refused: a new_id that is never initialised is an error of the server.
    let object = init.init(id, LayerData { surface: surface.downgrade(), shell: shell.downgrade() });
    let name = surface.id();
    let WEnum::Value(layer) = layer else {
        let message = format!("get_layer_surface: {layer:?} is not a layer; 0 to 3 are");
        return shell.post_error(shell::Error::InvalidLayer, message);
    };
    if has_role_object(&surface) || give_role(&surface, LAYER_SURFACE_ROLE).is_err() {
        let role = get_role(&surface).unwrap_or("role");
        return shell.post_error(shell::Error::Role, format!("get_layer_surface: {name} already has a {role}"));
    }
    if state.has_buffer(&surface) {
        let message = format!("get_layer_surface: {name} has a buffer; remove it first");
        return shell.post_error(shell::Error::AlreadyConstructed, message);
    }
    with_states(&surface, |states| Role::begin(states, object.clone(), layer.into()));
    state.new_layer_surface(LayerSurface { object, surface }, output);
}

impl<D> Dispatch<ZwlrLayerShellV1, (), D> for LayerShellState
where
    D: Dispatch<ZwlrLayerShellV1, ()> + Dispatch<ZwlrLayerSurfaceV1, LayerData> + LayerShellHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        shell: &ZwlrLayerShellV1,
        request: shell::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        if let shell::Request::GetLayerSurface { id, surface, output, layer, .. } = request {
            create(state, shell, id, Asked { surface, output, layer }, data_init);
        }
    }
}

/// A size as Smithay counts; `None`: it is too large for that.
fn size(width: u32, height: u32) -> Option<Size<i32, Logical>> {
    Some((i32::try_from(width).ok()?, i32::try_from(height).ok()?).into())
}

/// What a request changes; an error that it breaks a rule with.
fn changed(version: u32, request: &object::Request, wanted: &mut Wanted) -> Result<(), (object::Error, String)> {
    use object::{Error, Request};
    match request {
        Request::SetSize { width, height } => {
            let fault = || (Error::InvalidSize, format!("set_size: {width}x{height} is too large"));
            wanted.size = size(*width, *height).ok_or_else(fault)?;
        }
        Request::SetAnchor { anchor } => {
            let fault =
                |value: u32| (Error::InvalidAnchor, format!("set_anchor: {value:#x} is no combination of edges"));
            wanted.anchor = anchor.into_result().map_err(|_| fault((*anchor).into()))?.into();
        }
        Request::SetExclusiveZone { zone } => wanted.zone = *zone,
        Request::SetMargin { top, right, bottom, left } => {
            wanted.margin = Margin { top: *top, right: *right, bottom: *bottom, left: *left };
        }
        Request::SetKeyboardInteractivity { keyboard_interactivity: how } if version < ON_DEMAND_SINCE => {
            wanted.keyboard = if u32::from(*how) == 0 { Keyboard::None } else { Keyboard::Exclusive };
        }
        Request::SetKeyboardInteractivity { keyboard_interactivity: how } => {
            let fault = || {
                let message = format!("set_keyboard_interactivity: {} is not one of 0 to 2", u32::from(*how));
                (Error::InvalidKeyboardInteractivity, message)
            };
            wanted.keyboard = how.into_result().map_err(|_| fault())?.into();
        }
        Request::SetExclusiveEdge { edge } => {
            let value = u32::from(*edge);
            let fault = || (Error::InvalidExclusiveEdge, format!("set_exclusive_edge: {value:#x} is not one edge"));
            let edge = edge.into_result().map_err(|_| fault())?;
            wanted.exclusive_edge = Edge::single(edge).map_err(|()| fault())?;
        }
        _ => {}
    }
    Ok(())
}

impl<D> Dispatch<ZwlrLayerSurfaceV1, LayerData, D> for LayerShellState
where
    D: Dispatch<ZwlrLayerSurfaceV1, LayerData> + LayerShellHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrLayerSurfaceV1,
        request: object::Request,
        data: &LayerData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        let Ok(surface) = data.surface.upgrade() else { return };
        match request {
            object::Request::GetPopup { popup } => {
                state.new_popup(&LayerSurface { object: resource.clone(), surface }, &popup);
            }
            object::Request::AckConfigure { serial } => {
                let known = with_states(&surface, |states| {
                    let mut role = Role::of(states);
                    let known = role.acknowledge(serial.into());
                    role.send_owed();
                    known
                });
                if !known {
                    let message = format!("ack_configure: {serial} was not sent, or is acknowledged already");
                    resource.post_error(object::Error::InvalidSurfaceState, message);
                }
            }
            object::Request::SetLayer { layer: WEnum::Value(layer) } => {
                with_states(&surface, |states| states.cached_state.get::<Wanted>().pending().layer = layer.into());
            }
            object::Request::SetLayer { layer } => {
                // The error is one of the shell, which the client may have destroyed.
                let message = format!("set_layer: {} is not a layer; 0 to 3 are", u32::from(layer));
                match data.shell.upgrade() {
                    Ok(shell) => shell.post_error(shell::Error::InvalidLayer, message),
                    Err(_) => resource.post_error(object::Error::InvalidSurfaceState, message),
                }
            }
            object::Request::Destroy => {}
            request => {
                let version = resource.version();
                let change = |wanted: &mut Wanted| changed(version, &request, wanted);
                let result = with_states(&surface, |states| change(states.cached_state.get::<Wanted>().pending()));
                if let Err((error, message)) = result {
                    resource.post_error(error, message);
                }
            }
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwlrLayerSurfaceV1, data: &LayerData) {
        if let Ok(surface) = data.surface.upgrade() {
            with_states(&surface, |states| {
                let mut role = Role::of(states);
                if role.object.as_ref() == Some(resource) {
                    role.object = None;
                }
            });
        }
        state.layer_destroyed(resource);
    }
}
