//! Displays as clients hear of them, and what they ask for (`wlr-output-management`).
//!
//! The protocol's objects are in [`protocols::output_management`].

use kms::{CardSerial, inventory::Connector};
use protocols::output_management::{
    About, Answer, Head, HeadWish, ModeInfo, OutputManagementHandler, OutputManagementState, State,
};

use crate::{
    output::{card::card::Card, choices::Place},
    session::{Syncline, parts::displays::Asked},
};

/// The most modes of a display that clients hear of.
const MODES: usize = 256;

/// The number of a head: of no other connector of the session.
fn number(card: CardSerial, connector: &Connector) -> u64 {
    u64::from(card.raw()) << 32 | u64::from(connector.id.raw())
}

fn about(card: CardSerial, connector: &Connector) -> About {
    let edid = connector.edid.as_ref();
    let description = match edid {
        None => connector.name.clone(),
        Some(edid) => format!("{} ({})", edid.full_name(), connector.name),
    };
    let (width, height) = (connector.size_mm.0 as i32, connector.size_mm.1 as i32);
    let modes = connector.modes.iter().take(MODES).map(|mode| ModeInfo {
        width: mode.width as i32,
        height: mode.height as i32,
        refresh: mode.refresh_mhz.try_into().unwrap_or(0),
        preferred: mode.preferred,
    });
    About {
        number: number(card, connector),
        name: connector.name.clone(),
        description,
        make: edid.map(|edid| edid.make().to_owned()),
        model: edid.map(|edid| edid.model()),
        serial: edid.and_then(|edid| edid.serial_text()),
        size_mm: (width > 0 && height > 0).then_some((width, height)),
        modes: modes.collect(),
    }
}

impl Syncline {
    /// The displays that are there, with their cards: those that are lit and those that could be.
    pub fn displays(&self) -> impl Iterator<Item = (&Card, &Connector)> {
        let alone = !self.outputs.cards.have_display();
        let of_card = move |card| {
            let card: &Card = card;
            let usable = card.inventory.usable(move |name| alone || self.config.output(name).is_some());
            usable.map(move |connector| (card, connector))
        };
        self.outputs.cards.iter().flat_map(of_card)
    }

    fn head(&self, card: &Card, connector: &Connector) -> Head {
        let is = |output: &&crate::output::state::Output| {
            output.is_on(card.serial()) && output.kms.connector_id() == connector.id
        };
        let state = self.outputs.list.iter().find(is).map(|output| State {
            mode: connector.modes.iter().take(MODES).position(|mode| mode.same_timing(output.kms.mode())),
            position: output.told_location().into(),
            transform: output.transform.into(),
            scale: output.scale.factor(),
            adaptive_sync: output.kms.vrr(),
        });
        Head { about: about(card.serial(), connector), state }
    }

    /// Clients hear of what has changed.
    pub fn tell_heads(&mut self) {
        if std::mem::take(&mut self.displays.heads_stale) && self.globals.output_management.is_used() {
            let now = self.heads();
            self.globals.output_management.send::<Self>(&self.display, now);
        }
    }

    /// What is wanted of each display that is there.
    fn wishes_by_place(&self, wishes: &[HeadWish]) -> Vec<(Place, kms::ConnectorId, HeadWish)> {
        let of = |(card, connector): (&Card, &Connector)| {
            let wish = wishes.iter().find(|wish| wish.head == number(card.serial(), connector))?;
            Some((Place { card: card.serial(), name: connector.name.clone() }, connector.id, *wish))
        };
        self.displays().filter_map(of).collect()
    }
}

impl OutputManagementHandler for Syncline {
    fn output_management(&mut self) -> &mut OutputManagementState {
        &mut self.globals.output_management
    }

    fn heads(&self) -> Vec<Head> {
        self.displays().map(|(card, connector)| self.head(card, connector)).collect()
    }

    fn test(&mut self, wishes: &[HeadWish]) -> bool {
        let wishes = self.wishes_by_place(wishes);
        let tested = self.choices_of(&wishes).and_then(|choices| self.test_change(choices));
        tested.inspect_err(|why| tracing::info!("displays cannot be shown as a client wants it: {why}")).is_ok()
    }

    fn apply(&mut self, wishes: Vec<HeadWish>, answer: Answer) {
        if self.displays.change.is_some() {
            // Afterwards they will be others than this client knows.
            return answer.cancelled();
        }
        let wishes = self.wishes_by_place(&wishes);
        match self.choices_of(&wishes) {
            Ok(choices) => self.change_displays(choices, Asked::Client(answer)),
            Err(why) => tracing::info!("displays are not shown as a client wants it: {why}"),
        }
    }

    fn heads_stale(&mut self) {
        self.displays.heads_stale = true;
    }
}
