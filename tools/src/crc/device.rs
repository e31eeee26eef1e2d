//! Finds the display device and the output, to draw on it alone or only to read its CRCs.

use std::path::{Path, PathBuf};

use kms::crc::CrcReader;
use kms::inventory::Connector;
use kms::{Device, Inventory, Mode, ModeRequest, OpenError, nodes, open};

use super::args::CrcArgs;
use super::trouble::Trouble;

/// The device to draw on: the one named, else the first one with a display. Nobody else may be its master.
pub fn to_draw(wanted: Option<&Path>) -> Result<(Device, Inventory), Trouble> {
    if let Some(path) = wanted {
        return Ok(with_display(path)?);
    }
    let mut last = OpenError::NoDevice;
    for path in candidates() {
        match with_display(&path) {
            Ok(found) => return Ok(found),
            Err(error) => {
                tracing::info!("left out: {error}");
                last = error;
            }
        }
    }
    Err(last.into())
}

fn with_display(path: &Path) -> Result<(Device, Inventory), OpenError> {
    let fd = open::open(path).map_err(|errno| OpenError::refused(path, errno))?;
    let (device, inventory) = open::to_draw(fd, path, open::OpenedBy::Us)?;
    if inventory.connected().next().is_none() {
        return Err(OpenError::no_display(path));
    }
    Ok((device, inventory))
}

/// All cards; first the GPU that the firmware started the machine with.
fn candidates() -> Vec<PathBuf> {
    let mut cards = nodes::cards();
    cards.sort_by_key(|card| !is_boot_gpu(card));
    cards
}

/// Whether the PCI device behind a node has `boot_vga` set.
fn is_boot_gpu(node: &Path) -> bool {
    let class = Path::new("/sys/class/drm").join(node.file_name().unwrap_or_default()).join("device");
    let device = std::fs::canonicalize(class).unwrap_or_default();
    let flag = device.ancestors().find_map(|folder| std::fs::read_to_string(folder.join("boot_vga")).ok());
    flag.is_some_and(|flag| flag.trim() == "1")
}

/// Reads CRCs of whatever another program shows: needs no master.
pub fn to_read(args: &CrcArgs) -> Result<CrcReader, Trouble> {
    let cards = match &args.device {
        Some(path) => vec![path.clone()],
        None => nodes::cards(),
    };
    let mut first = None;
    for path in cards {
        let refused = |reason: String| Trouble::Device(OpenError::unusable(&path, reason));
        let device = match Device::open(&path) {
            Ok(device) => device,
            Err(error) => {
                first.get_or_insert(refused(error.to_string()));
                continue;
            }
        };
        let inventory = device.inventory()?;
        match output(&inventory, args.output.as_deref()) {
            Ok(connector) => {
                let crtc = connector.crtc().and_then(|id| inventory.crtc(id));
                let off = || {
                    Trouble::refused(
                        &connector.name,
                        "is off: no CRTC scans out for it; start a session, or `syncline crc test`",
                    )
                };
                return Ok(CrcReader::open(&device, crtc.ok_or_else(off)?.index)?);
            }
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Err(first.unwrap_or(Trouble::Device(OpenError::NoDevice)))
}

/// The connector of this name, else the first one with a display.
pub fn output<'a>(inventory: &'a Inventory, wanted: Option<&str>) -> Result<&'a Connector, Trouble> {
    let found = inventory.connected().find(|connector| wanted.is_none_or(|wanted| connector.name == wanted));
    found.ok_or_else(|| {
        let known: Vec<_> = inventory.connected().map(|connector| connector.name.as_str()).collect();
        let known = if known.is_empty() { "none with a display".to_owned() } else { known.join(", ") };
        Trouble::Output { wanted: wanted.unwrap_or("").to_owned(), known }
    })
}

/// The mode that is asked for, else the preferred one.
pub fn mode(connector: &Connector, wanted: Option<ModeRequest>) -> Result<&Mode, Trouble> {
    connector.mode_for(wanted).ok_or_else(|| {
        let offered: Vec<_> = connector.modes.iter().map(ToString::to_string).collect();
        let (connector, offered) = (connector.name.clone(), offered.join(", "));
        let wanted = wanted.map_or_else(|| "preferred".to_owned(), |mode| mode.to_string());
        Trouble::NoMode { connector, wanted, offered }
    })
}
