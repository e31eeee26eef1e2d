//! Machines whose display controller and GPU are two devices (most boards): what clients are told to
//! render with, and where their timelines live.
//!
//! The compositor's own renderer is chosen elsewhere. Nothing here renders.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use fence::SyncDevice;
use rustix::fs::{Mode, OFlags};

use crate::{output::card::card::Card, render::has_gpu};

/// `dev_t` of the device that clients are told to allocate on: the card that renders, or, if it has no
/// GPU, the first GPU of the machine. Mesa looks for a render node of *that* device, and renders on
/// the CPU if there is none.
pub fn main_device(card: &Card) -> u64 {
    let first = || kms::nodes::render_nodes().iter().find_map(|node| gpu(node));
    choose_main(card.node, card.device.is_headless() || has_gpu(&card.device), first)
}

/// `dev_t` of a render node that draws. `None`: its driver only allocates memory, or it cannot be opened.
fn gpu(node: &Path) -> Option<u64> {
    let fd = open(node)?;
    let driver = kms::device::Driver::of(fd.as_fd()).ok()?;
    if driver.only_allocates() {
        return None;
    }
    rustix::fs::fstat(fd).ok().map(|stat| stat.st_rdev)
}

fn open(node: &Path) -> Option<OwnedFd> {
    rustix::fs::open(node, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).ok()
}

fn choose_main(own: u64, renders: bool, first: impl FnOnce() -> Option<u64>) -> u64 {
    if renders { own } else { first().unwrap_or(own) }
}

/// A device on which clients' timelines can be imported: the first card that has them, with its
/// serial, else the first render node that does. Error: why the first card has none.
pub fn timelines<'a>(cards: impl Iterator<Item = &'a Card>) -> Result<(Option<kms::CardSerial>, SyncDevice), String> {
    let mut why = None;
    for card in cards {
        match card.sync_device() {
            Ok(device) => return Ok((Some(card.serial()), device)),
            Err(error) => {
                why.get_or_insert(format!("{}: {error}", card.driver()));
            }
        }
    }
    let device = |node: &PathBuf| SyncDevice::new(open(node)?).ok().filter(|device| device.require().is_ok());
    let of_gpu = kms::nodes::render_nodes().iter().find_map(device);
    of_gpu.map(|device| (None, device)).ok_or_else(|| why.unwrap_or_else(|| "there is no card".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_told_a_device_that_can_render() {
        let table = [
            ("a card with a GPU", true, Some(7), 1),
            ("a display controller beside a GPU", false, Some(7), 7),
            ("no GPU at all", false, None, 1),
        ];
        for (name, renders, first, expected) in table {
            assert_eq!(choose_main(1, renders, || first), expected, "{name}");
        }
    }
}
