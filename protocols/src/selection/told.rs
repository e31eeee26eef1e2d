//! Who is told what is selected, and how what is pasted comes from one client to the other.
//!
//! ```text
//!  set_selection ─┐
//!  its source dies┴→ another version ─→ devices of the client with the keyboard ─┬─ it reads: told now
//!  the keyboard goes to another client ─→ its devices ───────────────────────────┤
//!  a device is made ─→ that one                                                  └─ it does not: told the newest
//!  data control: each change, whoever has the keyboard                              when it does
//! ```
//!
//! A client that keeps [`OFFERS`] offers hears of nothing new until it has destroyed some.
//!
//! ```text
//!  receive ─┬─ the source is there, and its client reads ─→ send, with the descriptor
//!           └─ else: the descriptor is closed, and whoever reads from it is told the end
//! ```
//!
//! No descriptor is kept: what a source's client is sent goes to its socket at once.

use std::{
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, atomic::AtomicBool},
};

use wayland_server::{Client, backend::ClientId};

use crate::selection::{
    device::{Device, Target},
    handler::SelectionHandler,
    offer::OfferData,
    source::{Source, SourceData, Use},
    state::{Listener, OFFERS, Told},
};

/// The names of types of so many bytes are sent before another device is told.
const LARGE: u32 = 4096;

/// A device was made.
pub(super) fn add<D: SelectionHandler>(state: &mut D, client: ClientId, device: Device) {
    let selections = state.selections();
    let listener = Listener { device, told: [None, None] };
    match listener.device.is_control() {
        true => selections.controls.push(listener),
        false => selections.devices.entry(client).or_default().push(listener),
    }
    tell(state);
}

/// A device is destroyed.
pub(super) fn remove<D: SelectionHandler>(state: &mut D, client: &ClientId, device: &Device) {
    let selections = state.selections();
    if device.is_control() {
        return selections.controls.retain(|listener| listener.device != *device);
    }
    if let Some(of_client) = selections.devices.get_mut(client) {
        of_client.retain(|listener| listener.device != *device);
        if of_client.is_empty() {
            selections.devices.remove(client);
        }
    }
}

/// From now on this is selected; whose source it was is told that it is cancelled.
pub(super) fn select<D: SelectionHandler>(state: &mut D, target: Target, source: Option<Source>) {
    let selections = state.selections();
    if source.is_none() && selections.selected[target as usize].is_none() {
        return;
    }
    let before = std::mem::replace(&mut selections.selected[target as usize], source);
    selections.version[target as usize] += 1;
    if let Some(before) = before {
        before.cancel();
    }
    tell(state);
}

/// A source is destroyed: who has an offer of it is told that there is nothing.
pub(super) fn source_destroyed<D: SelectionHandler>(state: &mut D, source: &Source) {
    let selections = state.selections();
    let is_selected = |selected: &Option<Source>| selected.as_ref() == Some(source);
    let Some(at) = selections.selected.iter().position(is_selected) else { return };
    selections.selected[at] = None;
    selections.version[at] += 1;
    tell(state);
}

/// An offer is destroyed that was counted.
pub(super) fn offer_destroyed<D: SelectionHandler>(state: &mut D, client: &ClientId) {
    let selections = state.selections();
    let Some(offers) = selections.offers.get_mut(client) else { return };
    let had_all = *offers == OFFERS;
    *offers -= 1;
    if *offers == 0 {
        selections.offers.remove(client);
    }
    if had_all {
        tell_late(state);
    }
}

/// A client has the keyboard, or nobody: to be called before the client hears of that.
pub fn set_focus<D: SelectionHandler>(state: &mut D, client: Option<ClientId>) {
    let selections = state.selections();
    if selections.focus == client {
        return;
    }
    let before = std::mem::replace(&mut selections.focus, client);
    // What they had was for as long as they had the keyboard.
    let Some(of_before) = before.and_then(|client| selections.devices.get_mut(&client)) else { return tell(state) };
    let mut lost = Vec::new();
    for listener in of_before {
        let [clipboard, primary] = std::mem::take(&mut listener.told);
        drop(clipboard);
        if primary.is_some_and(|told| told.offer.is_some()) {
            lost.push(listener.device.clone());
        }
    }
    for device in lost {
        // The protocol of the primary selection says so; that of the clipboard does not.
        if let (Device::Primary(device), true) = (&device, device.client().is_some_and(|client| state.reads(&client))) {
            device.selection(None);
        }
    }
    tell(state);
}

/// A client reads again that did not, or has destroyed offers.
pub fn tell_late<D: SelectionHandler>(state: &mut D) {
    if std::mem::take(&mut state.selections().late) {
        tell(state);
    }
}

/// Tells devices what they do not know.
fn tell<D: SelectionHandler>(state: &mut D) {
    for target in Target::ALL {
        let untold = state.selections().untold(target);
        for device in untold {
            state.selections().late |= !tell_one(state, &device, target);
        }
    }
}

/// Returns whether the device knows everything now, or never will.
fn tell_one<D: SelectionHandler>(state: &mut D, device: &Device, target: Target) -> bool {
    let Some(client) = device.client() else { return true };
    if !state.reads(&client) {
        return false;
    }
    let (id, selections) = (client.id(), state.selections());
    let (display, version) = (selections.display.clone(), selections.version[target as usize]);
    let source = selections.selected[target as usize].clone();
    if source.is_some() && !selections.take_offer(&id) {
        return false;
    }
    let replaced = Arc::new(AtomicBool::new(false));
    let made = device.tell::<D>(&display, &client, target, source.as_ref().map(|source| (source, &replaced)));
    let selections = state.selections();
    if source.is_some() && !made {
        // The client is gone.
        offer_destroyed(state, &id);
        return true;
    }
    if let Some(listener) = selections.listener(&id, device) {
        listener.told[target as usize] = Some(Told { version, offer: made.then_some(replaced) });
    }
    if source.is_some_and(|source| source.data().is_some_and(|data| data.get().bytes > LARGE)) {
        state.send_now(&client);
    }
    true
}

/// A client wants this to be selected; it may, or its source is cancelled.
pub(super) fn wish<D: SelectionHandler>(state: &mut D, target: Target, source: Option<Source>, may: bool) {
    match source {
        _ if may => select(state, target, source),
        Some(source) => source.cancel(),
        None => {}
    }
}

/// Whether a source of a protocol without an error for it is used for the first time.
pub(super) fn is_first_use(source: Option<&Source>) -> bool {
    source.is_none_or(|source| source.data().is_some_and(|data| data.begin(Use::Selected)))
}

/// A client offers a type of data; `false`: it is too late, as the source is used.
pub(super) fn offer_type<D: SelectionHandler>(
    state: &mut D,
    client: &Client,
    source: &SourceData,
    mime_type: &str,
) -> bool {
    let Some(bytes) = source.offer(mime_type) else { return false };
    if bytes > 0 {
        state.note_mime_types(client, bytes);
    }
    true
}

/// A source is destroyed: its client is not charged for it any more.
pub(super) fn forget_types<D: SelectionHandler>(state: &mut D, client: &ClientId, source: &SourceData) {
    let bytes = source.forget();
    if bytes > 0 {
        state.note_mime_types_gone(client, bytes);
    }
}

/// The client of an offer wants the data.
pub(super) fn receive<D: SelectionHandler>(state: &mut D, offer: &OfferData, mime_type: &str, fd: OwnedFd) {
    let Some(source) = offer.source() else { return };
    if !source.data().is_some_and(|data| data.get().has(mime_type)) {
        return;
    }
    // The library keeps the descriptors of events that have not been sent.
    let Some(client) = source.client().filter(|client| state.reads(client)) else { return };
    source.send(mime_type, fd.as_fd());
    state.send_now(&client);
}
