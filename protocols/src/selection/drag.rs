//! A drag with `wl_data_device`: what it is over, what was agreed on, and how it ends.
//!
//! ```text
//!  start_drag ─→ over a surface: enter, motion … ─→ leave ─→ over another one …
//!     │               └ its client accepts a type, and both agree on an action
//!     └─→ the button or the finger is lifted ─┬─ agreed ─→ drop, dnd_drop_performed ─→ finish ─→ dnd_finished
//!                                             └─ else ───→ leave, cancelled
//!  its source is destroyed, or with its client ─→ leave; the compositor hears that it is over
//! ```
//!
//! Without a source only surfaces of the client that drags hear of it. Nothing here knows a pointer or a finger,
//! or shows the icon.

use std::sync::Arc;

use smithay::utils::{Logical, Point, Serial};
use wayland_server::{
    Resource,
    backend::ClientId,
    protocol::{
        wl_data_device::WlDataDevice,
        wl_data_device_manager::DndAction,
        wl_data_offer::{self, WlDataOffer},
        wl_data_source::{self, WlDataSource},
        wl_surface::WlSurface,
    },
};

use crate::selection::{
    dragged::{Drag, Dragged, Over, choose},
    handler::SelectionHandler,
    offer::{Offer, OfferData},
    source::{Source, SourceData, Use},
    told,
};

/// A drag begins.
pub(super) fn begin<D: SelectionHandler>(
    state: &mut D,
    client: ClientId,
    source: Option<WlDataSource>,
    origin: &WlSurface,
) {
    state.selections().drag = Some(Drag { source, client, origin: origin.downgrade(), over: None });
}

/// The source's client is told that nothing comes of the drag.
pub(super) fn cancel_source(source: &WlDataSource) {
    if let Some(data) = source.data::<SourceData>() {
        data.get().used = Use::Over;
    }
    // Older clients hear of that only for selections.
    if source.version() >= wl_data_source::EVT_DND_FINISHED_SINCE {
        source.cancelled();
    }
}

/// The drag is at this place of a surface, or over none.
pub fn to<D: SelectionHandler>(state: &mut D, at: Option<(WlSurface, Point<f64, Logical>)>, serial: Serial, time: u32) {
    let Some(mut drag) = state.selections().drag.take() else { return };
    let stays = drag.over.as_ref().map(|over| &over.surface) == at.as_ref().map(|(surface, _)| surface);
    match at {
        _ if !stays => {
            leave(&mut drag);
            drag.over = at.and_then(|(surface, at)| enter(state, &drag, surface, at, serial));
        }
        Some((_, at)) => {
            if let Some(over) = &mut drag.over {
                over.held = Some((time, at));
                if over.surface.client().is_some_and(|client| state.reads(&client)) {
                    over.tell_held();
                }
            }
        }
        None => {}
    }
    state.selections().drag = Some(drag);
}

fn enter<D: SelectionHandler>(
    state: &mut D,
    drag: &Drag,
    surface: WlSurface,
    at: Point<f64, Logical>,
    serial: Serial,
) -> Option<Over> {
    let of = surface.client()?;
    let (client, serial) = (of.id(), serial.into());
    let hears = drag.source.is_some() || client == drag.client;
    let mut devices: Vec<WlDataDevice> = state.selections().data_devices(&client).filter(|_| hears).cloned().collect();
    let Some(source) = &drag.source else {
        devices.iter().for_each(|device| device.enter(serial, &surface, at.x, at.y, None));
        return Some(Over { surface, client, devices, dragged: None, held: None });
    };
    let dragged = Arc::new(Dragged::new(source.clone()));
    let display = state.selections().display.clone();
    let types = source.data::<SourceData>().map(|data| data.get().types.clone()).unwrap_or_default();
    devices.retain(|device| {
        if !state.selections().take_offer(&client) {
            return false;
        }
        let data = OfferData(Offer::Drag(dragged.clone()));
        let Ok(offer) = of.create_resource::<WlDataOffer, _, D>(&display, device.version(), data) else {
            told::offer_destroyed(state, &client);
            return false;
        };
        dragged.agreed().offers += 1;
        device.data_offer(&offer);
        types.iter().for_each(|name| offer.offer(name.to_string()));
        if offer.version() >= wl_data_offer::EVT_SOURCE_ACTIONS_SINCE {
            offer.source_actions(dragged.actions());
        } else {
            let action = choose(dragged.actions() & DndAction::Copy, DndAction::None);
            dragged.agreed().silent = true;
            dragged.agree(&mut dragged.agreed(), None, action);
        }
        device.enter(serial, &surface, at.x, at.y, Some(&offer));
        true
    });
    Some(Over { surface, client, devices, dragged: Some(dragged), held: None })
}

/// What the drag is over is told that it is not any more, and may not have what is dragged.
fn leave(drag: &mut Drag) {
    let Some(over) = drag.over.take() else { return };
    over.devices.iter().for_each(WlDataDevice::leave);
    let Some(dragged) = over.dragged else { return };
    let mut agreed = dragged.agreed();
    if agreed.dropped {
        return;
    }
    agreed.left = true;
    if std::mem::take(&mut agreed.accepted) && dragged.source.is_alive() {
        dragged.source.target(None);
    }
    if dragged.source.is_alive() {
        dragged.agree(&mut agreed, None, None);
    }
}

/// The user drops what is dragged.
pub fn drop<D: SelectionHandler>(state: &mut D) {
    let Some(mut drag) = state.selections().drag.take() else { return };
    let taken = drag.over.as_mut().is_some_and(|over| {
        let takes = match &over.dragged {
            Some(dragged) => {
                let mut agreed = dragged.agreed();
                agreed.dropped = agreed.accepted && agreed.action.is_some() && agreed.offers > 0;
                agreed.dropped
            }
            None => over.client == drag.client,
        };
        if takes {
            over.tell_held();
            over.devices.iter().for_each(WlDataDevice::drop);
        }
        takes
    });
    leave(&mut drag);
    match drag.source {
        Some(source) if !taken => cancel_source(&source),
        Some(source) if source.version() >= wl_data_source::EVT_DND_DROP_PERFORMED_SINCE => {
            source.dnd_drop_performed();
        }
        _ => {}
    }
}

/// The drag ends without a drop.
pub fn cancel<D: SelectionHandler>(state: &mut D) {
    let Some(mut drag) = state.selections().drag.take() else { return };
    leave(&mut drag);
    if let Some(source) = drag.source.filter(Resource::is_alive) {
        cancel_source(&source);
    }
}

/// A surface is about to be destroyed: a drag without a source goes with the one where it began.
pub fn surface_destroyed<D: SelectionHandler>(state: &mut D, surface: &WlSurface) {
    let Some(drag) = &mut state.selections().drag else { return };
    if drag.over.as_ref().is_some_and(|over| over.surface == *surface) {
        leave(drag);
    }
    if drag.source.is_none() && drag.origin.id() == surface.id() {
        cancel(state);
        state.drag_over();
    }
}

/// A source is destroyed.
pub(super) fn source_destroyed<D: SelectionHandler>(state: &mut D, source: &WlDataSource) {
    if state.selections().drag.as_ref().is_some_and(|drag| drag.source.as_ref() == Some(source)) {
        cancel(state);
        state.drag_over();
    }
    told::source_destroyed(state, &Source::Data(source.clone()));
}
