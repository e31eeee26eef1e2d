//! Finds the display device and the output, to draw on it alone or only to read its CRCs.

use std::path::Path;

use kms::crc::CrcReader;
use kms::inventory::Connector;
use kms::{Device, Inventory, Mode};

use super::args::CrcArgs;
use super::trouble::Trouble;
use crate::output::card::{card, cards};
use crate::system::error::Error;
use crate::system::seat::Session;
use kms::ModeRequest;

/// The device to draw on: nobody else may be its master.
pub fn to_draw(wanted: Option<&Path>) -> Result<(Device, Inventory), Trouble> {
    Ok(cards::open_device(&mut Session::Direct, wanted)?)
}

/// Reads CRCs of whatever another program shows: needs no master.
pub fn to_read(args: &CrcArgs) -> Result<CrcReader, Trouble> {
    let cards = match &args.device {
        Some(path) => vec![path.clone()],
        None => card::nodes(),
    };
    let mut first = None;
    for path in cards {
        let refused = |reason: String| Trouble::Device(Error::Device { path: path.clone(), reason });
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
    Err(first.unwrap_or(Trouble::Device(Error::NoDevice)))
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
pub fn mode<'a>(connector: &'a Connector, wanted: Option<&ModeRequest>) -> Result<&'a Mode, Trouble> {
    let found = match wanted {
        None => connector.preferred(),
        Some(mode) => connector.modes.iter().find(|m| m.matches(mode.width.into(), mode.height.into(), mode.refresh)),
    };
    found.ok_or_else(|| {
        let offered: Vec<_> = connector.modes.iter().map(ToString::to_string).collect();
        let (connector, offered) = (connector.name.clone(), offered.join(", "));
        let wanted = wanted.map_or_else(|| "preferred".to_owned(), ToString::to_string);
        Trouble::Device(Error::NoMode { connector, wanted, offered })
    })
}
