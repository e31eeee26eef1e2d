//! The CEC adapters of the connectors, which wake televisions and put them to standby with the
//! session.
//!
//! Each lit output whose connector has an adapter gets one playback device. `[cec] adapter` names
//! an adapter that belongs to no connector (USB dongles). A failure of an adapter is logged and
//! never ends the session, and nothing here waits for it.

use kms::cec::Player;
use slab::Slab;

/// The session's playback devices.
#[derive(Debug, Default)]
pub struct Cec {
    /// The playback devices by slot; the reactor uses the slot as well.
    pub players: Slab<Wire>,
}

/// A connector: the serial of its card, and its id there.
pub type ConnectorKey = (kms::CardSerial, kms::ConnectorId);

#[derive(Debug)]
pub struct Wire {
    pub player: Player,
    /// The connector that the adapter belongs to; `None` for the adapter of the configuration.
    pub connector: Option<ConnectorKey>,
    /// For the log: the name of the connector, or the path of the adapter.
    pub name: String,
}

impl Cec {
    pub fn players(&mut self) -> impl Iterator<Item = &mut Player> {
        self.players.iter_mut().map(|(_, wire)| &mut wire.player)
    }

    /// A card is gone: drops the adapters of its connectors.
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
