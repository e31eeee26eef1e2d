//! The session's cards: which devices are taken at the start, which come later, and what goes when one leaves.
//!
//! With `--device` only the devices named, which must be there at the start; else every card of the seat that has a display,
//! and then a card that cannot be used is left out with a line in the log. A session that has begun goes on without any.

use std::path::{Path, PathBuf};

use kms::Device;

use super::card::{Card, Found, is_card, nodes};
use crate::{error::Error, reactor::Source, session::Session, state::Syncline};

/// The cards, in the order in which they came.
#[derive(Debug, Default)]
pub struct Cards {
    list: Vec<Card>,
    /// The devices that the user named; empty: all of the seat.
    named: Vec<Named>,
    /// Came while the session did not have its VT.
    missed: Vec<PathBuf>,
}

/// A device that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    path: PathBuf,
    /// Where it is plugged in, as sysfs names that: it may come back under another number, and another device under its number.
    place: Option<PathBuf>,
}

impl Named {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), place: place(path) }
    }

    fn is(&self, path: &Path) -> bool {
        match &self.place {
            Some(own) => place(path).as_ref() == Some(own),
            None => self.path == path || self.path.canonicalize().is_ok_and(|named| named == path),
        }
    }
}

/// The device behind a node, in sysfs.
fn place(node: &Path) -> Option<PathBuf> {
    let node = rustix::fs::stat(node).ok()?.st_rdev;
    let (major, minor) = (rustix::fs::major(node), rustix::fs::minor(node));
    std::fs::canonicalize(format!("/sys/dev/char/{major}:{minor}/device")).ok()
}

impl Cards {
    /// Opens the cards that a session begins with; one at least has a display.
    pub fn open(session: &mut Session, named: &[PathBuf]) -> Result<Self, Error> {
        let list = open(session, named, usize::MAX)?.into_iter().map(Card::new).collect();
        Ok(Self { list, named: named.iter().map(|path| Named::new(path)).collect(), missed: Vec::new() })
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Card> {
        self.list.iter()
    }

    /// All of them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Card> {
        self.list.iter_mut()
    }

    /// The card of this serial.
    pub fn get(&self, serial: kms::CardSerial) -> Option<&Card> {
        self.list.iter().find(|card| card.serial() == serial)
    }

    /// The card of this serial.
    pub fn get_mut(&mut self, serial: kms::CardSerial) -> Option<&mut Card> {
        self.list.iter_mut().find(|card| card.serial() == serial)
    }

    /// When a display is to be lit that could not be.
    pub(super) fn next_attempt(&self) -> Option<fence::Ns> {
        self.list.iter().filter_map(|card| card.again).map(|(at, _)| at).min()
    }

    /// The card of an output.
    pub fn of(&self, output: &kms::Output) -> &Card {
        self.get(output.device().serial()).expect("a card leaves after its outputs")
    }

    /// The card of an output.
    pub fn of_mut(&mut self, output: &kms::Output) -> &mut Card {
        self.get_mut(output.device().serial()).expect("a card leaves after its outputs")
    }

    /// The card that renders, or is to: the first one with a GPU, else the first one.
    pub fn renders(&self) -> Option<&Card> {
        self.list.iter().find(|card| crate::render::has_gpu(&card.device)).or(self.list.first())
    }

    fn at(&self, node: u64) -> Option<&Card> {
        self.list.iter().find(|card| card.node == node)
    }

    /// Whether a device that comes is wanted.
    fn wants(&self, path: &Path) -> bool {
        self.named.is_empty() || self.named.iter().any(|named| named.is(path))
    }
}

/// Opens the device that the user named, or the first one that has a display.
pub fn open_device(session: &mut Session, wanted: Option<&Path>) -> Result<(Device, kms::Inventory), Error> {
    let named: Vec<PathBuf> = wanted.map(Path::to_owned).into_iter().collect();
    let first = open(session, &named, 1)?.remove(0);
    Ok((first.device, first.inventory))
}

/// The devices named, or all of the seat with a display, but no more than `most`; those with a display first.
fn open(session: &mut Session, named: &[PathBuf], most: usize) -> Result<Vec<Found>, Error> {
    let mut last = Error::NoDevice;
    let mut found: Vec<Found> = Vec::new();
    for path in candidates(session, named) {
        if found.len() == most {
            break;
        }
        match Found::open(session, &path) {
            Ok(card) if card.has_display() => found.push(card),
            Ok(card) if named.is_empty() => {
                last = card.no_display();
                tracing::info!("left out: {last}");
                card.close(session);
            }
            Ok(card) => {
                last = card.no_display();
                found.push(card);
            }
            Err(error) if named.is_empty() => {
                tracing::info!("left out: {error}");
                last = error;
            }
            Err(error) => return Err(error),
        }
    }
    // One that is named may have its display plugged in later, if there is another to begin with.
    found.sort_by_key(|card| !card.has_display());
    match found.first() {
        Some(first) if first.has_display() => Ok(found),
        _ => Err(last),
    }
}

/// What may be opened, each once; the seat's first GPU before the others.
fn candidates(session: &Session, named: &[PathBuf]) -> Vec<PathBuf> {
    if !named.is_empty() {
        let node = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        let again = |at: usize| named[..at].iter().any(|other| node(other) == node(&named[at]));
        return (0..named.len()).filter(|at| !again(*at)).map(|at| named[at].clone()).collect();
    }
    let mut cards = match smithay::backend::udev::all_gpus(session.seat()) {
        Ok(cards) if !cards.is_empty() => cards,
        // Without udev.
        _ => nodes(),
    };
    let primary = smithay::backend::udev::primary_gpu(session.seat()).ok().flatten();
    cards.sort_by_key(|card| (Some(card) != primary.as_ref(), card.clone()));
    cards
}

impl Syncline {
    /// Lights the displays of all cards at the start. The first failure is an error, but of a card that the user has not named
    /// and the session can do without.
    pub fn light_cards(&mut self) -> Result<(), Error> {
        let serials: Vec<kms::CardSerial> = self.outputs.cards.iter().map(Card::serial).collect();
        for serial in &serials {
            let Err(error) = self.light_up(*serial, self.mode, true) else { continue };
            let others = serials.len() > 1 && self.outputs.cards.named.is_empty();
            if !others || matches!(error, Error::NoMode { .. }) {
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
        self.reactor.add(&card.device, Source::Display(card.serial()))
    }

    /// Listens to the events of the cards that are there at the start.
    pub fn watch_cards(&self) -> std::io::Result<()> {
        self.outputs.cards.iter().try_for_each(|card| self.watch_card(card))
    }

    /// A device has appeared: it is taken in and its displays are lit.
    pub fn card_added(&mut self, path: &Path) {
        if !is_card(path)
            || !self.outputs.cards.wants(path)
            || self.outputs.cards.iter().any(|card| card.device.path() == path)
        {
            return;
        }
        if !self.outputs.active {
            // The seat opens nothing now.
            self.outputs.cards.missed.push(path.to_owned());
            return;
        }
        let card = match Found::open(&mut self.session, path) {
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
    pub(super) fn take_missed(&mut self) {
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
        match self.outputs.cards.at(node).map(Card::serial) {
            Some(serial) if self.outputs.active => self.hot_plug(serial, self.mode),
            Some(serial) => self.outputs.cards.get_mut(serial).into_iter().for_each(|card| card.stale = true),
            None => {
                let is = |path: &PathBuf| rustix::fs::stat(path).is_ok_and(|stat| stat.st_rdev == node);
                if let Some(path) = nodes().into_iter().find(is) {
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
    pub(super) fn drop_gone_cards(&mut self) {
        while let Some(card) = self.outputs.cards.list.iter().find(|card| card.gone) {
            tracing::error!("{}: {}", card.device.path().display(), kms::recover::Remedy::Gone);
            let serial = card.serial();
            self.drop_card(serial);
        }
    }

    /// The cards or the renderer have changed: how buffers are read is chosen anew.
    fn renew_ways(&mut self) {
        let outputs = &mut self.outputs;
        outputs.renderer.set_others(outputs.cards.iter().map(|card| &card.device));
        self.imports.iter().for_each(|imported| imported.choose(None));
    }

    /// Lets go of a card and of all that lives on it.
    fn drop_card(&mut self, serial: kms::CardSerial) {
        let before = self.places();
        let on_it = |output: &mut super::Output| output.is_on(serial);
        let stuck = self.outputs.list.iter().any(|o| o.is_on(serial) && o.is_stuck());
        let gone: Vec<_> = self.outputs.list.extract_if(.., on_it).collect();
        gone.into_iter().for_each(|output| self.take_away(output));
        let Some(at) = self.outputs.cards.list.iter().position(|card| card.serial() == serial) else { return };
        let mut card = self.outputs.cards.list.remove(at);
        // Closing it would not take it out of the set: the seat has the same file.
        self.reactor.remove(&card.device).ok();
        card.restore_console(stuck);
        // Framebuffers keep their device open.
        self.imports.iter().for_each(|imported| imported.forget(serial));
        for (content, _) in self.live.iter() {
            if let crate::surface::buffer::Source::Dmabuf(imported) = &content.source {
                imported.forget(serial);
            }
        }
        self.cursor.forget(serial);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_card_is_known_by_its_place() {
        let null = place(Path::new("/dev/null"));
        let plain = |path: &str, place: Option<&str>| Named { path: path.into(), place: place.map(PathBuf::from) };
        // Without sysfs only the name is left.
        assert!(plain("/dev/dri/card0", None).is(Path::new("/dev/dri/card0")));
        assert!(!plain("/dev/dri/card0", None).is(Path::new("/dev/dri/card1")));
        // Another device has its number now.
        assert!(!plain("/dev/null", Some("/sys/devices/elsewhere")).is(Path::new("/dev/null")));
        assert_eq!(null, None, "no device is behind it");
    }
}
