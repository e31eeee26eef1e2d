//! Cards come and go while the session runs.
//!
//! What a card is, and which ones are opened, is in [`crate::output::card::card`].

mod cec;
mod hotplug;
mod light;
mod power;
mod refresh;
mod vt;

use std::path::{Path, PathBuf};

use crate::{
    output::card::card::{Card, OpenedCard},
    session::Syncline,
    system::{error::Error, reactor::EventSource},
};

impl Syncline {
    /// Lights the displays of all cards at the start. The first failure is an error, but of a card that the user has not named
    /// and the session can do without.
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

    /// Listens to a card's events.
    fn watch_card(&self, card: &Card) -> std::io::Result<()> {
        self.reactor.add(&card.device, EventSource::Display(card.serial()))
    }

    /// Listens to the events of the cards that are there at the start.
    pub fn watch_cards(&self) -> std::io::Result<()> {
        self.outputs.cards.iter().try_for_each(|card| self.watch_card(card))
    }

    /// A device has appeared: it is taken in and its displays are lit.
    pub fn card_added(&mut self, path: &Path) {
        if kms::nodes::card_number(path).is_none()
            || !self.outputs.cards.accepts(path)
            || self.outputs.cards.iter().any(|card| card.device.path() == path)
        {
            return;
        }
        if !self.outputs.active {
            // The seat opens nothing now.
            self.outputs.cards.missed.push(path.to_owned());
            return;
        }
        let card = match OpenedCard::open(&mut self.session, path) {
            Ok(found) if self.outputs.cards.named.is_empty() && !found.has_display() => {
                tracing::info!("left out: {}", found.no_display());
                return found.close(&mut self.session);
            }
            Ok(found) => Card::new(found),
            Err(error) => return tracing::info!("left out: {error}"),
        };
        if let Err(error) = self.watch_card(&card) {
            tracing::warn!("{}: left out: {error}", path.display());
            return card.close(&mut self.session);
        }
        tracing::info!("{}: driver {}, taken in", path.display(), card.driver());
        let (serial, before) = (card.serial(), self.places());
        self.outputs.cards.list.push(card);
        self.renew_ways();
        self.renew_sync_device();
        self.light_up(serial, self.mode, false).ok();
        self.displays_changed(&before);
        self.renew_feedback();
        self.cec_adopt();
    }

    /// The session has its VT again: cards that came meanwhile are taken in, and displays that came or went.
    pub fn add_missed_cards(&mut self) {
        let cards = self
            .outputs
            .cards
            .list
            .iter_mut()
            .filter_map(|card| std::mem::take(&mut card.stale).then(|| card.serial()));
        for card in cards.collect::<Vec<_>>() {
            self.hot_plug(card, self.mode);
        }
        for path in std::mem::take(&mut self.outputs.cards.missed) {
            self.card_added(&path);
        }
    }

    /// udev says that something about a node has changed: displays came or went. A card that had none at the start may have one now.
    pub fn card_changed(&mut self, node: u64) {
        match self.outputs.cards.by_node(node).map(Card::serial) {
            Some(serial) if self.outputs.active => self.hot_plug(serial, self.mode),
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

    /// udev says that a node is gone.
    pub fn card_removed(&mut self, node: u64) {
        if let Some(card) = self.outputs.cards.list.iter_mut().find(|card| card.node == node) {
            card.gone = true;
            self.drop_gone_cards();
        }
    }

    /// Cards whose devices were unplugged: their outputs are taken away, their clients answered. The session goes on without.
    pub fn drop_gone_cards(&mut self) {
        while let Some(card) = self.outputs.cards.list.iter().find(|card| card.gone) {
            tracing::error!("{}: {}", card.device.path().display(), kms::recover::Remedy::Gone);
            let serial = card.serial();
            self.drop_card(serial);
        }
    }

    /// The cards or the renderer have changed: how buffers are read is chosen anew.
    pub fn renew_ways(&mut self) {
        let outputs = &mut self.outputs;
        outputs.renderer.set_others(outputs.cards.iter().map(|card| &card.device));
        self.imports.iter().for_each(|imported| imported.set_read_path(None));
    }

    /// Lets go of a card and of all that lives on it.
    fn drop_card(&mut self, serial: kms::CardSerial) {
        let before = self.places();
        let on_it = |output: &mut crate::output::state::Output| output.is_on(serial);
        let stuck = self.outputs.list.iter().any(|o| o.is_on(serial) && o.is_stalled());
        let gone = self.outputs.list.take(on_it);
        gone.into_iter().for_each(|output| self.remove_output(output));
        let Some(at) = self.outputs.cards.list.iter().position(|card| card.serial() == serial) else { return };
        let mut card = self.outputs.cards.list.remove(at);
        // Closing it would not take it out of the set: the seat has the same file.
        self.reactor.remove(&card.device).ok();
        card.restore_console(stuck);
        // Framebuffers keep their device open.
        self.imports.iter().for_each(|imported| imported.forget(serial));
        for (content, _) in self.live.iter() {
            if let crate::surface::buffer::PixelSource::Dmabuf(imported) = &content.source {
                imported.forget(serial);
            }
        }
        self.desktop.cursor.forget(serial);
        self.cec.forget(serial);
        self.outputs.renew_renderer(serial);
        self.renew_ways();
        self.renew_sync_device();
        card.close(&mut self.session);
        self.arrange();
        self.displays_changed(&before);
        self.renew_feedback();
    }
}
