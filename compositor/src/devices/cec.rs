//! The television's side of an output: CEC adapters of the connectors, woken and put to sleep with the session.
//!
//! Each lit output whose connector has an adapter gets one playback device; `[cec] adapter` names one that no connector
//! knows of (USB dongles). A wire that fails costs a line in the log, never the session, and nothing here waits for it.

use kms::cec::Player;
use slab::Slab;

/// The session's playback devices.
#[derive(Debug, Default)]
pub struct Cec {
    /// By slot, which is what the reactor knows them by.
    pub players: Slab<Wire>,
}

/// A connector: its card's serial, and its id there.
pub type ConnectorKey = (kms::CardSerial, u32);

#[derive(Debug)]
pub struct Wire {
    pub player: Player,
    /// The connector that it belongs to; `None` for the adapter of the configuration.
    pub connector: Option<ConnectorKey>,
    /// For the log: the connector's name, or the adapter's path.
    pub name: String,
}

impl Cec {
    pub fn players(&mut self) -> impl Iterator<Item = &mut Player> {
        self.players.iter_mut().map(|(_, wire)| &mut wire.player)
    }

    /// A card is gone, with its connectors' adapters.
    pub fn forget(&mut self, card: kms::CardSerial) {
        self.players.retain(|_, wire| wire.connector.is_none_or(|at| at.0 != card));
    }

    pub fn of(&mut self, connector: Option<ConnectorKey>) -> impl Iterator<Item = &mut Player> {
        let wires = self.players.iter_mut().map(|(_, wire)| wire);
        wires.filter(move |wire| wire.connector == connector).map(|wire| &mut wire.player)
    }

    pub fn knows(&self, connector: Option<ConnectorKey>) -> bool {
        self.players.iter().any(|(_, wire)| wire.connector == connector)
    }
}
