//! Displays that are there and not lit: which ones could be, on which CRTCs, and when another attempt is
//! due.
//!
//! How a display is lit is in [`super::light`]. An output may be removed here, so that its CRTC is free for
//! a display that has no other.

use fence::Ns;
use kms::{CrtcIndex, inventory::Connector};

use crate::{
    output::card::{card::Card, crtcs},
    session::Syncline,
};

impl Syncline {
    /// The displays of a card that could be lit. One whose output is being turned off can not be before
    /// that is over. Where the hardware cannot tell whether a display is there, it is taken for one if
    /// the configuration names it, or if nothing else is there at all.
    pub fn dark_displays(&self, card: kms::CardSerial) -> Vec<Connector> {
        let Some(card) = self.outputs.cards.get(card) else { return Vec::new() };
        let alone = !self.outputs.cards.have_display();
        let lit = |id| self.outputs.list.iter().any(|o| o.is_on(card.serial()) && o.kms.connector_id() == id);
        let leaves = |id| card.leaving.iter().any(|leaving| leaving.kms.connector_id() == id);
        let asleep = |connector: &Connector| {
            let mut known = card.asleep.iter().filter(|(id, _)| *id == connector.id);
            self.idle.off && known.any(|(_, monitor)| monitor.is_back(connector))
        };
        let usable = card.inventory.usable(|name| alone || self.config.output(name).is_some());
        let waits = |connector: &Connector| {
            let serial = card.serial();
            self.stays_dark(serial, connector) || self.displays.is_changing(serial, connector.id)
        };
        let dark = usable.filter(|of| !lit(of.id) && !leaves(of.id) && !asleep(of) && !waits(of));
        dark.cloned().collect()
    }

    /// The user is back: lights the monitors that have gone to sleep meanwhile and are there again.
    /// While another session has the VT they have to wait.
    pub fn light_awake(&mut self) {
        if !self.outputs.active {
            return;
        }
        let asleep = |card: &mut Card| (!std::mem::take(&mut card.asleep).is_empty()).then(|| card.serial());
        let those = self.outputs.cards.iter_mut().filter_map(asleep);
        for serial in those.collect::<Vec<_>>() {
            self.light_up(serial, self.mode, false).ok();
            self.displays_changed();
        }
    }

    /// The dark displays with the CRTC that each of them gets, if there is one. Where more can be lit in
    /// that way, an output gives its CRTC up: it is removed, and lit on another one when it is off.
    pub fn give_out_crtcs(&mut self, card: kms::CardSerial) -> Vec<(Connector, Option<CrtcIndex>)> {
        let dark = self.dark_displays(card);
        let Some(of) = self.outputs.cards.get_mut(card).filter(|_| !dark.is_empty()) else { return Vec::new() };
        if let Err(error) = of.inventory.refresh_state(&of.device) {
            tracing::warn!("{}: which CRTC drives what cannot be read: {error}", of.device.path().display());
        }
        let plan = crtcs::plan(of, &self.outputs.list, &dark);
        let with_crtc = |connector: Connector| {
            let crtc = plan.crtc_of(connector.id);
            (connector, crtc)
        };
        if plan.moves.is_empty() {
            return dark.into_iter().map(with_crtc).collect();
        }
        for output in self.outputs.list.take(|output| plan.moves.contains(&output.id)) {
            tracing::info!("{}: moves to another CRTC, so that one more display can be lit", output.wl.name());
            self.remove_output(output);
        }
        // Whoever gets the CRTC of one that leaves waits until that is off.
        let leaving = self.outputs.cards.get(card).into_iter().flat_map(|card| &card.leaving);
        let leaving: Vec<CrtcIndex> = leaving.map(|leaving| leaving.kms.crtc_index()).collect();
        let dark = self.dark_displays(card).into_iter().map(with_crtc);
        dark.filter(|(_, crtc)| crtc.is_some_and(|crtc| !leaving.contains(&crtc))).collect()
    }

    /// A reason of the moment keeps a display dark: something on the card is busy, probably the
    /// commit that turned a display off, which may not be over although its event has come; or
    /// there was no memory, or a signal came. Schedules another attempt, up to a limit; returns whether
    /// it did.
    pub fn schedule_relight(&mut self, card: kms::CardSerial) -> bool {
        /// The time between two attempts.
        const SOON: Ns = 5_000_000;
        const MOST: u32 = 40;
        let Some(card) = self.outputs.cards.get_mut(card) else { return false };
        let tried = card.retry.map_or(0, |(_, tried)| tried);
        card.retry = (tried < MOST).then_some((self.now + SOON, tried + 1));
        card.retry.is_some()
    }

    /// Lights the displays whose next attempt is due.
    pub fn relight_due(&mut self) {
        let (now, cards) = (self.now, self.outputs.cards.iter());
        let due: Vec<_> = cards.filter(|card| card.retry.is_some_and(|(at, _)| at <= now)).map(Card::serial).collect();
        for serial in due {
            let tried = |state: &Self| state.outputs.cards.get(serial).and_then(|card| card.retry);
            let before = tried(self);
            self.light_up(serial, self.mode, false).ok();
            self.displays_changed();
            if tried(self) == before
                && let Some(card) = self.outputs.cards.get_mut(serial)
            {
                card.retry = None;
            }
        }
    }
}
