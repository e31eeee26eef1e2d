//! The session's cards: which devices are opened at the start, and which are accepted later.
//!
//! With `--device`: only the named devices, which must exist at the start. Otherwise: every card of
//! the seat that has a display; a card that cannot be used is left out with a line in the log. A
//! running session continues even without any card. With `--headless` there is one card without a
//! device. Nothing here lights a display.

use std::{
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use kms::{
    OpenError,
    headless::{Headless, HeadlessMode, MAX_DISPLAYS},
    nodes,
};

use crate::{
    output::{
        card::card::{Card, OpenedCard},
        planes::request::KmsOutput,
    },
    system::{error::Error, seat::SeatSession},
};

/// The cards, in the order in which they were opened.
#[derive(Debug, Default)]
pub struct Cards {
    pub list: Vec<Card>,
    /// The devices that the user named; empty: all devices of the seat.
    pub named: Vec<NamedDevice>,
    /// Device nodes that appeared while the session's VT was inactive.
    pub missed: Vec<PathBuf>,
}

/// A device that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDevice {
    pub path: PathBuf,
    /// Where the device is plugged in, as a sysfs path. After a replug the device may have another
    /// card number, and another device may have its old number.
    pub place: Option<PathBuf>,
}

impl NamedDevice {
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

/// The sysfs path of the device behind a node.
fn place(node: &Path) -> Option<PathBuf> {
    let node = rustix::fs::stat(node).ok()?.st_rdev;
    let (major, minor) = (rustix::fs::major(node), rustix::fs::minor(node));
    std::fs::canonicalize(format!("/sys/dev/char/{major}:{minor}/device")).ok()
}

impl Cards {
    /// Opens the cards that a session starts with. Where the hardware cannot tell whether there is a
    /// display, `take` says by the connector's name whether it counts. Error: no card has a display, or
    /// a named device cannot be opened.
    pub fn open(session: &mut SeatSession, named: &[PathBuf], take: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let list = open(session, named, &take)?.into_iter().map(Card::new).collect();
        Ok(Self { list, named: named.iter().map(|path| NamedDevice::new(path)).collect(), missed: Vec::new() })
    }

    /// The one card of a session without devices, with these displays. Error: there are too many.
    pub fn headless(modes: &[HeadlessMode]) -> Result<Self, Error> {
        let fail = |e: &dyn std::fmt::Display| Error::setup("--headless", e);
        let (device, inventory) = Headless::device(modes).map_err(|e| match modes.len() > MAX_DISPLAYS {
            true => fail(&format_args!("given {} times; at most {MAX_DISPLAYS} displays are possible", modes.len())),
            false => fail(&e),
        })?;
        // It takes in no other card.
        let named = vec![NamedDevice { path: device.path().to_owned(), place: None }];
        let seat_fd = device.as_fd().try_clone_to_owned().map_err(|e| fail(&e))?;
        let mut card = Card::new(OpenedCard::new(device, inventory, seat_fd));
        // There is no console behind these displays.
        card.saved = None;
        Ok(Self { list: vec![card], named, missed: Vec::new() })
    }

    /// All cards, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Card> {
        self.list.iter()
    }

    /// All cards, in order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Card> {
        self.list.iter_mut()
    }

    /// The card with this serial.
    pub fn get(&self, serial: kms::CardSerial) -> Option<&Card> {
        self.list.iter().find(|card| card.serial() == serial)
    }

    /// The card with this serial.
    pub fn get_mut(&mut self, serial: kms::CardSerial) -> Option<&mut Card> {
        self.list.iter_mut().find(|card| card.serial() == serial)
    }

    /// Whether a connector of a device says that a display is there.
    pub fn have_display(&self) -> bool {
        let real = self.iter().filter(|card| !card.device.is_headless());
        real.into_iter().any(|card| card.inventory.connected().next().is_some())
    }

    /// When to retry lighting a display that could not be lit; the earliest of all cards.
    pub fn next_attempt(&self) -> Option<fence::Ns> {
        self.list.iter().filter_map(|card| card.retry).map(|(at, _)| at).min()
    }

    /// The card of an output. Panics if it is gone; a card leaves only after its outputs.
    pub fn of(&self, output: &KmsOutput) -> &Card {
        self.get(output.device().serial()).expect("a card leaves after its outputs")
    }

    /// The card of an output. Panics if it is gone; a card leaves only after its outputs.
    pub fn of_mut(&mut self, output: &KmsOutput) -> &mut Card {
        self.get_mut(output.device().serial()).expect("a card leaves after its outputs")
    }

    /// The card that should render: the first one with a GPU, else the first one.
    pub fn rendering_card(&self) -> Option<&Card> {
        self.list.iter().find(|card| crate::render::has_gpu(&card.device)).or(self.list.first())
    }

    /// The card whose node has this `dev_t`.
    pub fn by_node(&self, node: u64) -> Option<&Card> {
        self.list.iter().find(|card| card.node == node)
    }

    /// Whether the session accepts a device that was plugged in.
    pub fn accepts(&self, path: &Path) -> bool {
        self.named.is_empty() || self.named.iter().any(|named| named.is(path))
    }
}

/// Opens the named devices, or all devices of the seat with a display; those with a display first.
fn open(session: &mut SeatSession, named: &[PathBuf], take: &dyn Fn(&str) -> bool) -> Result<Vec<OpenedCard>, Error> {
    let mut last = Error::from(OpenError::NoDevice);
    let mut found: Vec<OpenedCard> = Vec::new();
    let may_have = |card: &OpenedCard| card.has_display(|_| true);
    for path in candidates(session, named) {
        match OpenedCard::open(session, &path) {
            Ok(card) if named.is_empty() && !may_have(&card) => {
                last = card.no_display();
                tracing::info!("left out: {last}");
                card.close(session);
            }
            Ok(card) => {
                if !card.has_display(take) {
                    last = card.no_display();
                }
                found.push(card);
            }
            Err(error) if named.is_empty() => {
                tracing::info!("left out: {error}");
                last = error;
            }
            Err(error) => return Err(error),
        }
    }
    if named.is_empty() && found.iter().any(|card| card.has_display(take)) {
        // Cards that cannot tell whether a display is there are for a machine that has no others.
        for card in found.extract_if(.., |card| !card.has_display(take)) {
            tracing::info!("left out: {}", card.no_display());
            card.close(session);
        }
    }
    // A named card may get its display later, if another card has one now.
    found.sort_by_key(|card| (!card.has_display(take), !may_have(card)));
    match found.first() {
        Some(first) if may_have(first) => Ok(found),
        _ => Err(last),
    }
}

/// The nodes to open, each once; the seat's primary GPU first.
fn candidates(session: &SeatSession, named: &[PathBuf]) -> Vec<PathBuf> {
    if !named.is_empty() {
        let node = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        let again = |at: usize| named[..at].iter().any(|other| node(other) == node(&named[at]));
        return (0..named.len()).filter(|at| !again(*at)).map(|at| named[at].clone()).collect();
    }
    let mut cards = match smithay::backend::udev::all_gpus(session.seat()) {
        Ok(cards) if !cards.is_empty() => cards,
        // udev is not running or knows no card.
        _ => nodes::cards(),
    };
    let primary = smithay::backend::udev::primary_gpu(session.seat()).ok().flatten();
    cards.sort_by_key(|card| (Some(card) != primary.as_ref(), card.clone()));
    cards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_card_is_recognised_by_its_sysfs_path() {
        let null = place(Path::new("/dev/null"));
        let plain =
            |path: &str, place: Option<&str>| NamedDevice { path: path.into(), place: place.map(PathBuf::from) };
        // Without sysfs only the node's path can be compared.
        assert!(plain("/dev/dri/card0", None).is(Path::new("/dev/dri/card0")));
        assert!(!plain("/dev/dri/card0", None).is(Path::new("/dev/dri/card1")));
        // Another device has its card number now.
        assert!(!plain("/dev/null", Some("/sys/devices/elsewhere")).is(Path::new("/dev/null")));
        assert_eq!(null, None, "there is no device behind it");
    }
}
