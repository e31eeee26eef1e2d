//! Cards that are plugged in and unplugged while the session runs.
//!
//! What a card is, and which ones are opened, is in [`crate::output::card::card`].

mod cec;
mod dark;
mod fall_back;
mod hotplug;
mod light;
mod power;
mod refresh;
pub(in crate::session) mod retired;
mod vt;

use std::path::{Path, PathBuf};

use kms::{inventory::Probe, producer::Producers};

use crate::{
    output::card::card::{Card, OpenedCard},
    session::Syncline,
    system::{error::Error, reactor::EventSource},
};

impl Syncline {
    /// Lights the displays of all cards at the start. The first failure is returned as an error,
    /// except for a card that the user has not named and that the session can do without.
    pub fn light_cards(&mut self) -> Result<(), Error> {
        let serials: Vec<kms::CardSerial> = self.outputs.cards.iter().map(Card::serial).collect();
        for serial in &serials {
            let Err(error) = self.light_up(*serial, self.mode, true) else { continue };
            let others = serials.len() > 1 && self.outputs.cards.named.is_empty();
            if !others || matches!(error, Error::Open(kms::OpenError::NoMode { .. })) {
                return Err(error);
            }
            tracing::warn!("left out: {error}");
            self.drop_card(*serial);
            if self.outputs.cards.list.is_empty() {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Adds a card's events to the event loop.
    fn watch_card(&self, card: &Card) -> std::io::Result<()> {
        self.reactor.add(&card.device, EventSource::Display(card.serial()))
    }

    /// Adds the events of the cards that are present at the start to the event loop.
    pub fn watch_cards(&self) -> std::io::Result<()> {
        self.outputs.cards.iter().try_for_each(|card| self.watch_card(card))
    }

    /// A device has appeared: opens the card and lights its displays.
    pub fn card_added(&mut self, path: &Path) {
        // Also of a device that shows nothing, clients' fences may be.
        self.outputs.producers = Producers::of_machine();
        if kms::nodes::card_number(path).is_none()
            || !self.outputs.cards.accepts(path)
            || self.outputs.cards.iter().any(|card| card.device.path() == path)
        {
            return;
        }
        if !self.outputs.active {
            // The seat opens no device without the VT.
            self.outputs.cards.missed.push(path.to_owned());
            return;
        }
        match OpenedCard::open(&mut self.session, path) {
            Ok(found) if self.outputs.cards.named.is_empty() && !self.would_light(&found) => {
                tracing::info!("left out: {}", found.no_display());
                found.close(&mut self.session);
            }
            Ok(found) => self.take_in(Card::new(found)),
            Err(error) => tracing::info!("left out: {error}"),
        }
    }

    /// Whether a card has a display that would be lit.
    fn would_light(&self, found: &OpenedCard) -> bool {
        let alone = !self.outputs.cards.have_display();
        found.has_display(|name| alone || self.config.output(name).is_some())
    }

    /// A card joins the session, which has its VT: its displays are lit.
    pub fn take_in(&mut self, card: Card) {
        let path = card.device.path().to_owned();
        if let Err(error) = self.watch_card(&card) {
            tracing::warn!("{}: left out: {error}", path.display());
            return card.close(&mut self.session);
        }
        tracing::info!("{}: driver {}, taken in", path.display(), card.driver());
        let serial = card.serial();
        self.outputs.cards.list.push(card);
        self.renew_read_paths();
        self.renew_sync_device();
        self.light_up(serial, self.mode, false).ok();
        self.displays_changed();
        self.renew_feedback();
        self.cec_adopt();
    }

    /// The session has its VT again: adds the cards that came meanwhile.
    pub fn add_missed_cards(&mut self) {
        for path in std::mem::take(&mut self.outputs.cards.missed) {
            self.card_added(&path);
        }
    }

    /// udev reports a change of a node: displays were plugged in or unplugged, at this connector if it
    /// names one. A card that had none at the start may have one now.
    pub fn card_changed(&mut self, node: u64, connector: Option<kms::ConnectorId>) {
        let probe = connector.map_or(Probe::All, Probe::One);
        match self.outputs.cards.by_node(node).map(Card::serial) {
            Some(serial) if self.outputs.active => self.hot_plug(serial, probe, self.mode),
            Some(serial) => self.outputs.cards.get_mut(serial).into_iter().for_each(|card| card.stale = true),
            None => {
                let is = |path: &PathBuf| rustix::fs::stat(path).is_ok_and(|stat| stat.st_rdev == node);
                if let Some(path) = kms::nodes::cards().into_iter().find(is) {
                    self.card_added(&path);
                }
            }
        }
        self.cec_adopt();
    }

    /// udev reports that a node is gone.
    pub fn card_removed(&mut self, node: u64) {
        if let Some(card) = self.outputs.cards.list.iter_mut().find(|card| card.node == node) {
            card.gone = true;
            self.drop_gone_cards();
        }
    }

    /// Removes the cards whose devices were unplugged, with their outputs; their clients get their
    /// answers. The session goes on without them.
    pub fn drop_gone_cards(&mut self) {
        while let Some(card) = self.outputs.cards.list.iter().find(|card| card.gone) {
            tracing::error!("{}: {}", card.device.path().display(), kms::recover::Remedy::Gone);
            let serial = card.serial();
            self.drop_card(serial);
        }
    }

    /// The cards or the renderer have changed: the read path of every buffer is chosen again.
    pub fn renew_read_paths(&mut self) {
        let outputs = &mut self.outputs;
        outputs.renderer.set_others(outputs.cards.iter().map(|card| &card.device));
        self.imports.iter().for_each(|imported| imported.set_read_path(None));
    }

    /// Removes a card and everything that lives on it.
    pub fn drop_card(&mut self, serial: kms::CardSerial) {
        let on_it = |output: &mut crate::output::state::Output| output.is_on(serial);
        let stuck = self.outputs.list.iter().any(|o| o.is_on(serial) && o.is_stalled());
        let gone = self.outputs.list.take(on_it);
        gone.into_iter().for_each(|output| self.remove_output(output));
        let Some(at) = self.outputs.cards.list.iter().position(|card| card.serial() == serial) else { return };
        let mut card = self.outputs.cards.list.remove(at);
        // Closing the descriptor would not remove it from the epoll set, because the seat has the
        // same file.
        self.reactor.remove(&card.device).ok();
        card.restore_console(stuck);
        // A framebuffer keeps its device open.
        self.imports.iter().for_each(|imported| imported.forget(serial));
        for content in self.live.iter() {
            if let crate::surface::buffer::PixelSource::Dmabuf(imported) = &content.source {
                imported.forget(serial);
            }
        }
        self.desktop.cursor.forget(serial);
        self.cec.forget(serial);
        self.outputs.renew_renderer(serial);
        self.renew_read_paths();
        self.renew_sync_device();
        card.close(&mut self.session);
        self.arrange();
        self.displays_changed();
        self.renew_feedback();
    }
}
