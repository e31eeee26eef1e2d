//! Globals of displays that are gone. Clients are told at once, and may still bind them for a while:
//! one that has not read that yet must not be ended for it. What they get is inert.
//!
//! A client with `wl_fixes` of version 2 says when it has read that; it is waited for, however long that takes.
//! For the others the time is fixed.

use fence::Ns;
use protocols::fixes::{FixesHandler, FixesState};
use smithay::reexports::wayland_server::{
    Client,
    backend::{ClientId, GlobalId},
};

use crate::{
    config::limits::Kind,
    session::{Syncline, parts::requests::RetiredGlobal},
};

/// How long a global can be bound, at least, after clients were told that it is gone.
const GRACE: Ns = 10_000_000_000;

/// So many globals that are gone are kept at most: a client that never acknowledges costs no more. The oldest goes.
pub(in crate::session) const MOST: usize = 64;

impl Syncline {
    /// Tells clients that a global which everybody can see is gone.
    pub fn retire_global(&mut self, global: GlobalId) {
        let display = self.display.backend_handle();
        let name = self.clients.iter().find_map(|client| display.global_name(global.clone(), client.id.clone()));
        self.retire_named(global, name);
    }

    /// The same for one with this name. The library tells all clients, whether they can see it or not, so all of them
    /// may acknowledge it.
    pub fn retire_named(&mut self, global: GlobalId, name: Option<u32>) {
        self.display.disable_global::<Self>(global.clone());
        let mut awaited: Vec<ClientId> = Vec::new();
        for client in self.globals.fixes.listening() {
            if !awaited.contains(&client) {
                awaited.push(client);
            }
        }
        let retired = &mut self.globals.retired.0;
        retired.push(RetiredGlobal { until: self.now + GRACE, global, name, awaited });
        if retired.len() > MOST {
            let oldest = retired.remove(0);
            self.display.remove_global::<Self>(oldest.global);
        }
    }

    /// Removes those whose time has come, at any wake-up after it: none is made for this.
    pub fn remove_retired(&mut self) {
        let (now, display) = (self.now, &self.display);
        self.globals.retired.0.retain(|retired| {
            let kept = retired.until > now || !retired.awaited.is_empty();
            if !kept {
                display.remove_global::<Self>(retired.global.clone());
            }
            kept
        });
    }
}

impl FixesHandler for Syncline {
    fn fixes(&mut self) -> &mut FixesState {
        &mut self.globals.fixes
    }

    fn registry_destroyed(&mut self, client: &Client) {
        self.client_state(client).budget.give(Kind::Registries, 1);
    }

    fn global_acknowledged(&mut self, client: &Client, name: u32) -> bool {
        let id = client.id();
        let mut retired = self.globals.retired.0.iter_mut();
        let Some(named) = retired.find(|retired| retired.name == Some(name)) else { return false };
        named.awaited.retain(|awaited| *awaited != id);
        true
    }

    fn stopped_listening(&mut self, client: &ClientId) {
        for retired in &mut self.globals.retired.0 {
            retired.awaited.retain(|awaited| awaited != client);
        }
    }
}
