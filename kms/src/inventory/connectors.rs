//! Reads connectors, and says what has changed at them.
//!
//! One that goes while it is read (a dock, a daisy chain) is left out. A display that gives no good EDID is
//! one all the same.

use std::os::fd::AsFd;

use drm_ffi::mode;
use rustix::io::Errno;

use super::edid::{Edid, EdidFault};
use super::properties::properties;
use super::{Connection, Connector, ConnectorChange, Encoder};
use crate::blob;
use crate::id::{BlobId, ConnectorId, EncoderId};
use crate::{CallError, Device, Mode};

/// `connector_status_connected`.
const CONNECTED: u32 = 1;

/// Which displays are asked when connectors are read: it takes tens of milliseconds to wake one up and
/// read its EDID. Of the others the kernel says what it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Every one.
    All,
    /// That of the connector with this id.
    One(ConnectorId),
    /// None.
    Nothing,
}

/// Reads all connectors.
pub(super) fn connectors(device: &Device, encoders: &[Encoder], probe: Probe) -> Result<Vec<Connector>, CallError> {
    let fd = device.as_fd();
    let mut ids = Vec::new();
    mode::get_resources(fd, None, None, Some(&mut ids), None)
        .map_err(|error| device.error("DRM_IOCTL_MODE_GETRESOURCES", &error))?;
    let mut connectors = Vec::new();
    for id in ids {
        let asked = match probe {
            Probe::All => true,
            Probe::One(one) => one.raw() == id,
            Probe::Nothing => false,
        };
        // The kernel takes room for no mode as the wish to probe.
        let (mut modes, mut fed_by) = (Vec::with_capacity(64), Vec::new());
        let info = match mode::get_connector(fd, id, None, None, Some(&mut modes), Some(&mut fed_by), asked) {
            Ok(info) => info,
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => continue,
            Err(error) => return Err(device.error("DRM_IOCTL_MODE_GETCONNECTOR", &error)),
        };
        let (id, fed_by) = (ConnectorId::from_raw(id), fed_by.into_iter().map(EncoderId::from_raw).collect::<Vec<_>>());
        let props = match properties(device, id.into(), drm_sys::DRM_MODE_OBJECT_CONNECTOR) {
            Err(error) if error.errno == Errno::NOENT => continue,
            read => read?,
        };
        let blob = |name| props.value(name).and_then(BlobId::from_value).and_then(|id| blob::read(fd, id));
        let (edid, edid_fault) = match blob("EDID") {
            Some(bytes) => Edid::read(&bytes),
            None => (None, missing_edid(info.connector_type, info.connection)),
        };
        let feeding = encoders.iter().filter(|encoder| fed_by.contains(&encoder.id));
        connectors.push(Connector {
            id,
            name: format!("{}-{}", type_name(info.connector_type), info.connector_type_id),
            connection: match info.connection {
                CONNECTED => Connection::Connected,
                2 => Connection::Disconnected,
                _ => Connection::Unknown,
            },
            modes: modes.iter().map(Mode::from_kernel).collect(),
            size_mm: (info.mm_width, info.mm_height),
            non_desktop: props.value("non-desktop") == Some(1),
            writeback: info.connector_type == drm_sys::DRM_MODE_CONNECTOR_WRITEBACK,
            written_formats: blob("WRITEBACK_PIXEL_FORMATS").map(|bytes| formats(&bytes)).unwrap_or_default(),
            possible_crtcs: feeding.fold(0, |bits, encoder| bits | encoder.possible_crtcs),
            encoders: fed_by,
            edid,
            edid_fault,
            path: blob("PATH").map(|bytes| String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()),
            props,
        });
    }
    Ok(connectors)
}

fn formats(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks::<4>().0.iter().map(|format| u32::from_ne_bytes(*format)).collect()
}

/// Every display behind these has an EDID. Panels that are built in, and virtual ones, need none.
fn missing_edid(connector_type: u32, connection: u32) -> Option<EdidFault> {
    const WITH_EDID: [u32; 7] = [
        drm_sys::DRM_MODE_CONNECTOR_VGA,
        drm_sys::DRM_MODE_CONNECTOR_DVII,
        drm_sys::DRM_MODE_CONNECTOR_DVID,
        drm_sys::DRM_MODE_CONNECTOR_DVIA,
        drm_sys::DRM_MODE_CONNECTOR_DisplayPort,
        drm_sys::DRM_MODE_CONNECTOR_HDMIA,
        drm_sys::DRM_MODE_CONNECTOR_HDMIB,
    ];
    (connection == CONNECTED && WITH_EDID.contains(&connector_type)).then_some(EdidFault::Missing)
}

/// `drm_connector_enum_list` of `drivers/gpu/drm/drm_connector.c`.
fn type_name(connector_type: u32) -> &'static str {
    const NAMES: [&str; 21] = [
        "Unknown",
        "VGA",
        "DVI-I",
        "DVI-D",
        "DVI-A",
        "Composite",
        "SVIDEO",
        "LVDS",
        "Component",
        "DIN",
        "DP",
        "HDMI-A",
        "HDMI-B",
        "TV",
        "eDP",
        "Virtual",
        "DSI",
        "DPI",
        "Writeback",
        "SPI",
        "USB",
    ];
    NAMES.get(connector_type as usize).unwrap_or(&"Unknown")
}

pub(super) fn compare(before: &[Connector], after: &[Connector]) -> Vec<ConnectorChange> {
    let find = |list: &[Connector], id| list.iter().position(|connector| connector.id == id);
    let gone = before.iter().filter(|old| find(after, old.id).is_none());
    let mut changes: Vec<_> = gone.map(|old| ConnectorChange::Removed(old.id)).collect();
    for new in after {
        let Some(old) = find(before, new.id).map(|at| &before[at]) else {
            changes.push(ConnectorChange::Added(new.id));
            continue;
        };
        let link = |connector: &Connector| connector.props.value("link-status");
        match (old.connected(), new.connected()) {
            (false, true) => changes.push(ConnectorChange::Connected(new.id)),
            (true, false) => changes.push(ConnectorChange::Disconnected(new.id)),
            (true, true) if old.modes != new.modes || old.edid != new.edid || link(old) != link(new) => {
                changes.push(ConnectorChange::Changed(new.id));
            }
            (false, false) if (old.may_be_connected(), &old.modes) != (new.may_be_connected(), &new.modes) => {
                changes.push(ConnectorChange::Changed(new.id));
            }
            _ => {}
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_monitor_owes_an_edid() {
        let table = [
            (drm_sys::DRM_MODE_CONNECTOR_DisplayPort, CONNECTED, Some(EdidFault::Missing)),
            (drm_sys::DRM_MODE_CONNECTOR_VGA, CONNECTED, Some(EdidFault::Missing)),
            (drm_sys::DRM_MODE_CONNECTOR_VGA, 2, None),
            (drm_sys::DRM_MODE_CONNECTOR_VGA, 3, None),
            (drm_sys::DRM_MODE_CONNECTOR_eDP, CONNECTED, None),
            (drm_sys::DRM_MODE_CONNECTOR_VIRTUAL, CONNECTED, None),
        ];
        for (kind, connection, fault) in table {
            assert_eq!(missing_edid(kind, connection), fault, "{} {connection}", type_name(kind));
        }
    }
}
