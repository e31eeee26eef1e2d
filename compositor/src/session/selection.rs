//! Who may copy, and whom the session tells what is selected.
//!
//! The selections are those of the client with the keyboard; while the session is locked they are nobody's,
//! so that nothing that was copied comes into a lock's password field. Data control works all the same: its
//! clients see everything anyway. The protocols' objects are in [`protocols::selection`], drags in
//! [`crate::session::drag`].

use std::sync::atomic::Ordering;

use protocols::selection::{self, SelectionHandler, Selections};
use smithay::reexports::wayland_server::{Client, Resource, backend::ClientId, protocol::wl_surface::WlSurface};

use crate::{
    config::limits::Kind,
    session::{Syncline, slow},
    surface::client::ClientState,
};

impl Syncline {
    /// A surface has the keyboard, or is about to have it.
    pub(super) fn selections_follow(&mut self, focus: Option<&WlSurface>) {
        let client = focus.filter(|_| !self.is_locked()).and_then(|surface| surface.client());
        selection::set_focus(self, client.map(|client| client.id()));
    }
}

impl SelectionHandler for Syncline {
    fn selections(&mut self) -> &mut Selections {
        &mut self.globals.selections
    }

    fn reads(&self, client: &Client) -> bool {
        client.get_data::<ClientState>().is_some_and(|state| !state.slow.load(Ordering::Relaxed))
    }

    fn send_now(&mut self, client: &Client) {
        let Self { clients, reactor, display, .. } = self;
        let id = client.id();
        if let Some((slot, known)) = clients.slots_mut().find(|(_, known)| known.id == id) {
            slow::flush(&mut display.backend_handle(), reactor, slot, known);
        }
    }

    fn may_select(&self, client: &Client) -> bool {
        let focus = self.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        !self.is_locked() && focus.and_then(|surface| surface.client()).is_some_and(|focused| focused == *client)
    }

    fn begin_drag(&mut self, client: &Client, icon: Option<&WlSurface>, serial: u32) -> bool {
        self.begin_client_drag(client, icon, serial.into())
    }

    fn drag_over(&mut self) {
        self.end_client_drag();
    }

    fn note_mime_types(&mut self, client: &Client, bytes: u32) {
        let taken = self.client_state(client).budget.take(Kind::MimeTypeBytes, bytes);
        self.restrain(client, taken);
    }

    fn note_mime_types_gone(&mut self, client: &ClientId, bytes: u32) {
        self.give_back(client, Kind::MimeTypeBytes, bytes);
    }
}

protocols::delegate_selection!(Syncline);
