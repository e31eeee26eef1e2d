//! Finds the display device, its connector and its mode: to draw on the device alone, or to read
//! its CRCs only.

use std::path::{Path, PathBuf};

use kms::crc::CrcReader;
use kms::inventory::Connector;
use kms::{Device, Inventory, OpenError, nodes, open};

use super::args::CrcArgs;
use super::error::Error;

/// Opens the device to draw on: the one named, else the first one with a display. This program
/// becomes its DRM master.
pub fn open_to_draw(wanted: Option<&Path>) -> Result<(Device, Inventory), Error> {
    if let Some(path) = wanted {
        return Ok(open_with_display(path)?);
    }
    let mut last = OpenError::NoDevice;
    for path in cards() {
        match open_with_display(&path) {
            Ok(found) => return Ok(found),
            Err(error) => {
                tracing::info!("skipped: {error}");
                last = error;
            }
        }
    }
    Err(last.into())
}

fn open_with_display(path: &Path) -> Result<(Device, Inventory), OpenError> {
    let fd = open::open(path).map_err(|errno| OpenError::refused(path, errno))?;
    let (device, inventory) = open::to_draw(fd, path, open::OpenedBy::Us)?;
    if inventory.connected().next().is_none() {
        return Err(OpenError::no_display(path));
    }
    Ok((device, inventory))
}

/// All cards by number, but the GPU that the firmware started the machine with first.
fn cards() -> Vec<PathBuf> {
    let mut cards = nodes::cards();
    cards.sort_by_key(|card| !is_boot_gpu(card));
    cards
}

/// Whether the PCI device of a card has `boot_vga` set.
fn is_boot_gpu(card: &Path) -> bool {
    let class = Path::new("/sys/class/drm").join(card.file_name().unwrap_or_default()).join("device");
    let device = std::fs::canonicalize(class).unwrap_or_default();
    let flag = device.ancestors().find_map(|folder| std::fs::read_to_string(folder.join("boot_vga")).ok());
    flag.is_some_and(|flag| flag.trim() == "1")
}

/// Opens the CRCs of a CRTC that another program drives. Needs no DRM master.
pub fn open_crc_reader(args: &CrcArgs) -> Result<CrcReader, Error> {
    let cards = match &args.device {
        Some(path) => vec![path.clone()],
        None => nodes::cards(),
    };
    let mut first_error = None;
    for path in cards {
        let device = match Device::open(&path) {
            Ok(device) => device,
            Err(error) => {
                first_error.get_or_insert_with(|| OpenError::unusable(&path, error.to_string()).into());
                continue;
            }
        };
        let inventory = device.inventory()?;
        match find_connector(&inventory, args.output.as_deref()) {
            Ok(connector) => {
                let crtc = connector.crtc().and_then(|id| inventory.crtc(id));
                let off = || {
                    Error::step(
                        &connector.name,
                        "is off: no CRTC scans out for it; start a session, or `syncline crc test`",
                    )
                };
                return Ok(CrcReader::open(&device, crtc.ok_or_else(off)?.index)?);
            }
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    Err(first_error.unwrap_or(OpenError::NoDevice.into()))
}

/// The connector of this name, else the first one with a display.
pub fn find_connector<'a>(inventory: &'a Inventory, wanted: Option<&str>) -> Result<&'a Connector, Error> {
    let found = inventory.connected().find(|connector| wanted.is_none_or(|wanted| connector.name == wanted));
    found.ok_or_else(|| {
        let known: Vec<_> = inventory.connected().map(|connector| connector.name.as_str()).collect();
        let known = if known.is_empty() { "none with a display".to_owned() } else { known.join(", ") };
        Error::Output { wanted: wanted.unwrap_or("").to_owned(), known }
    })
}
