//! The session's cards: which devices are taken at the start, which come later, and what goes when one leaves.
//!
//! With `--device` only the devices named, which must be there at the start; else every card of the seat that has a display,
//! and then a card that cannot be used is left out with a line in the log. A session that has begun goes on without any.

use std::path::{Path, PathBuf};

use kms::{OpenError, nodes};

use crate::{
    output::card::card::{Card, Found},
    system::{error::Error, seat::Session},
};

/// The cards, in the order in which they came.
#[derive(Debug, Default)]
pub struct Cards {
    pub list: Vec<Card>,
    /// The devices that the user named; empty: all of the seat.
    pub named: Vec<Named>,
    /// Came while the session did not have its VT.
    pub missed: Vec<PathBuf>,
}

/// A device that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub path: PathBuf,
    /// Where it is plugged in, as sysfs names that: it may come back under another number, and another device under its number.
    pub place: Option<PathBuf>,
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
        let list = open(session, named)?.into_iter().map(Card::new).collect();
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
    pub fn get(&self, serial: u32) -> Option<&Card> {
        self.list.iter().find(|card| card.serial() == serial)
    }

    /// The card of this serial.
    pub fn get_mut(&mut self, serial: u32) -> Option<&mut Card> {
        self.list.iter_mut().find(|card| card.serial() == serial)
    }

    /// When a display is to be lit that could not be.
    pub fn next_attempt(&self) -> Option<fence::Ns> {
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

    pub fn at(&self, node: u64) -> Option<&Card> {
        self.list.iter().find(|card| card.node == node)
    }

    /// Whether a device that comes is wanted.
    pub fn wants(&self, path: &Path) -> bool {
        self.named.is_empty() || self.named.iter().any(|named| named.is(path))
    }
}

/// The devices named, or all of the seat with a display; those with a display first.
fn open(session: &mut Session, named: &[PathBuf]) -> Result<Vec<Found>, Error> {
    let mut last = Error::from(OpenError::NoDevice);
    let mut found: Vec<Found> = Vec::new();
    for path in candidates(session, named) {
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
