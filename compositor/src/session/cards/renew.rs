//! What the session announces depends on its cards: renewed when they come and go.

use crate::{output::card::card::Card, session::Syncline};

impl Syncline {
    /// Cards have come or gone: clients' new timelines live on the first one that is there.
    pub fn renew_sync_device(&mut self) {
        let Some(syncobj) = &mut self.globals.syncobj else { return };
        let Some(card) = self.outputs.cards.iter().next().filter(|card| card.serial() != self.outputs.timelines) else {
            return;
        };
        match Card::sync_device(card) {
            Ok(device) => {
                syncobj.move_to(device);
                self.outputs.timelines = card.serial();
            }
            Err(reason) => tracing::warn!("no explicit synchronisation on {}: {reason}", card.driver()),
        }
    }
}
