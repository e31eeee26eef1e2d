//! Which CRTCs the displays of a card get, those that are lit and those that are to be.
//!
//! [`kms::output::crtcs`] chooses; this file says between what. It lights nothing and moves nothing.

use kms::{
    ConnectorId, CrtcIndex,
    inventory::Connector,
    output::crtcs::{Wish, choose},
};

use crate::{
    output::{card::card::Card, list::OutputList},
    system::id::OutputId,
};

/// What was chosen.
#[derive(Debug)]
pub struct Plan {
    /// The CRTC of each display; `None`: there is none for it now.
    chosen: Vec<(ConnectorId, Option<CrtcIndex>)>,
    /// Outputs that have to go to another CRTC for that.
    pub moves: Vec<OutputId>,
}

impl Plan {
    /// The CRTC that a display gets.
    pub fn crtc_of(&self, display: ConnectorId) -> Option<CrtcIndex> {
        self.chosen.iter().find(|(connector, _)| *connector == display)?.1
    }
}

/// Chooses CRTCs for the displays `dark`; the card's inventory is fresh. CRTCs of displays that are
/// being turned off are not free.
pub fn plan(card: &Card, list: &OutputList, dark: &[Connector]) -> Plan {
    let taken = card.leaving.iter().fold(0, |bits, leaving| bits | leaving.kms.crtc_index().bit());
    let possible = |connector: Option<&Connector>| connector.map_or(0, |connector| connector.possible_crtcs) & !taken;
    let lit: Vec<_> = list.iter().filter(|output| output.is_on(card.serial())).collect();
    let mut wishes: Vec<Wish> = lit
        .iter()
        .map(|output| {
            let current = output.kms.crtc_index();
            let possible = possible(card.inventory.connector(output.kms.connector_id())) | current.bit();
            Wish { possible, current: Some(current), lit: true }
        })
        .collect();
    wishes.extend(dark.iter().map(|connector| {
        let current = connector.crtc().and_then(|crtc| card.inventory.crtc(crtc)).map(|crtc| crtc.index);
        Wish { possible: possible(Some(connector)), current, lit: false }
    }));
    let connectors = lit.iter().map(|output| output.kms.connector_id()).chain(dark.iter().map(|dark| dark.id));
    let chosen: Vec<_> = connectors.zip(choose(&wishes)).collect();
    let moved = lit.iter().zip(&chosen).filter(|(output, (_, crtc))| *crtc != Some(output.kms.crtc_index()));
    let moves = moved.map(|(output, _)| output.id).collect();
    Plan { chosen, moves }
}
