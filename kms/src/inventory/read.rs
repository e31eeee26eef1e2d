//! Reads an [`Inventory`] from a device. The only file that asks the kernel for objects and
//! properties.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use drm_ffi::mode;
use rustix::io::Errno;

use super::edid::Edid;
use super::{Connection, Connector, ConnectorChange, Crtc, Encoder, FormatModifiers, Inventory, PlaneInfo};
use crate::blob;
use crate::id::{BlobId, ColorOpId, ConnectorId, CrtcId, CrtcIndex, EncoderId, ObjectId, PlaneId, PropertyId};
use crate::pipeline::{ColorOp, ColorPipeline};
use crate::property::{EnumValue, Property, PropertyKind, PropertyTable};
use crate::{CallError, Device, Mode, PlaneKind};

impl Device {
    /// Reads everything that the device has; probes connectors, which may take hundreds of ms on
    /// real displays.
    pub fn inventory(&self) -> Result<Inventory, CallError> {
        Inventory::read(self)
    }
}

impl Inventory {
    /// Reads the whole device, probing connectors. See [`Device::inventory`].
    pub fn read(device: &Device) -> Result<Self, CallError> {
        inventory(device)
    }

    /// Reads the connectors again, after a hot-plug event, and says what changed. CRTCs and planes
    /// do not come and go.
    pub fn refresh_connectors(&mut self, device: &Device) -> Result<Vec<ConnectorChange>, CallError> {
        self.refresh(device, Probe::All)
    }

    /// As [`Inventory::refresh_connectors`], with the choice of what is probed.
    pub fn refresh(&mut self, device: &Device, probe: Probe) -> Result<Vec<ConnectorChange>, CallError> {
        let connectors = match of_kernel(device) {
            Some(inventory) => inventory.connectors,
            None => connectors(device, &self.encoders, probe)?,
        };
        let changes = compare(&self.connectors, &connectors);
        self.connectors = connectors;
        Ok(changes)
    }

    /// Reads again which CRTC drives what, and all other values of properties; no display is probed.
    /// An object that is gone keeps its values.
    pub fn refresh_state(&mut self, device: &Device) -> Result<(), CallError> {
        if let Some(now) = of_kernel(device).as_mut() {
            let values = |table: &PropertyTable| table.0.values().map(|p| (p.id, p.value)).collect::<BTreeMap<_, _>>();
            let now: BTreeMap<ObjectId, _> = now.tables().map(|(object, table)| (object, values(table))).collect();
            self.set_values(|object, prop| now.get(&object)?.get(&prop).copied());
            return Ok(());
        }
        let (mut ids, mut values) = (Vec::new(), Vec::new());
        for (object, table) in self.tables() {
            // `DRM_MODE_OBJECT_ANY`: ids are unique within a device.
            let read = mode::get_properties(device.as_fd(), object.raw(), 0, Some(&mut ids), Some(&mut values));
            match read {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => continue,
                Err(error) => return Err(device.error("DRM_IOCTL_MODE_OBJ_GETPROPERTIES", &error)),
            }
            for property in table.0.values_mut() {
                let at = ids.iter().position(|id| *id == property.id.raw());
                property.value = at.and_then(|at| values.get(at).copied()).unwrap_or(property.value);
            }
        }
        Ok(())
    }
}

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

/// What a kernel knows that is not Linux.
fn of_kernel(device: &Device) -> Option<Inventory> {
    device.kernel().inventory()?.downcast().ok().map(|inventory| *inventory)
}

fn inventory(device: &Device) -> Result<Inventory, CallError> {
    if let Some(inventory) = of_kernel(device) {
        return Ok(inventory);
    }
    let fd = device.as_fd();
    let (mut crtc_ids, mut encoder_ids) = (Vec::new(), Vec::new());
    mode::get_resources(fd, None, Some(&mut crtc_ids), None, Some(&mut encoder_ids))
        .map_err(|error| device.error("DRM_IOCTL_MODE_GETRESOURCES", &error))?;
    let mut crtcs = Vec::new();
    for (index, id) in (0..).zip(crtc_ids) {
        let (id, index) = (CrtcId::from_raw(id), CrtcIndex::from_raw(index));
        crtcs.push(Crtc { id, index, props: properties(device, id.into(), drm_sys::DRM_MODE_OBJECT_CRTC)? });
    }
    let mut encoders = Vec::new();
    for id in encoder_ids {
        let encoder = mode::get_encoder(fd, id).map_err(|error| device.error("DRM_IOCTL_MODE_GETENCODER", &error))?;
        let (possible_crtcs, possible_clones) = (encoder.possible_crtcs, encoder.possible_clones);
        let kind = encoder_name(encoder.encoder_type).to_owned();
        encoders.push(Encoder { id: EncoderId::from_raw(id), kind, possible_crtcs, possible_clones });
    }
    let connectors = connectors(device, &encoders, Probe::All)?;
    let planes = planes(device)?;
    Ok(Inventory { driver: device.driver_info().clone(), caps: *device.caps(), crtcs, connectors, encoders, planes })
}

/// Reads all connectors. One that goes meanwhile (a dock, a daisy chain) is left out.
fn connectors(device: &Device, encoders: &[Encoder], probe: Probe) -> Result<Vec<Connector>, CallError> {
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
        let feeding = encoders.iter().filter(|encoder| fed_by.contains(&encoder.id));
        connectors.push(Connector {
            id,
            name: format!("{}-{}", type_name(info.connector_type), info.connector_type_id),
            connection: match info.connection {
                1 => Connection::Connected,
                2 => Connection::Disconnected,
                _ => Connection::Unknown,
            },
            modes: modes.iter().map(Mode::from_kernel).collect(),
            size_mm: (info.mm_width, info.mm_height),
            non_desktop: props.value("non-desktop") == Some(1),
            writeback: info.connector_type == drm_sys::DRM_MODE_CONNECTOR_WRITEBACK,
            possible_crtcs: feeding.fold(0, |bits, encoder| bits | encoder.possible_crtcs),
            encoders: fed_by,
            edid: blob("EDID").as_deref().and_then(Edid::parse),
            path: blob("PATH").map(|bytes| String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()),
            props,
        });
    }
    Ok(connectors)
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

/// `drm_encoder_enum_list` of `drivers/gpu/drm/drm_encoder.c`.
fn encoder_name(encoder_type: u32) -> &'static str {
    const NAMES: [&str; 9] = ["None", "DAC", "TMDS", "LVDS", "TV", "Virtual", "DSI", "DP MST", "DPI"];
    NAMES.get(encoder_type as usize).unwrap_or(&"Unknown")
}

fn compare(before: &[Connector], after: &[Connector]) -> Vec<ConnectorChange> {
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

fn planes(device: &Device) -> Result<Vec<PlaneInfo>, CallError> {
    let fd = device.as_fd();
    let mut ids = Vec::new();
    mode::get_plane_resources(fd, Some(&mut ids))
        .map_err(|error| device.error("DRM_IOCTL_MODE_GETPLANERESOURCES", &error))?;
    let mut planes = Vec::new();
    for id in ids {
        let mut formats = Vec::new();
        let info = mode::get_plane(fd, id, Some(&mut formats))
            .map_err(|error| device.error("DRM_IOCTL_MODE_GETPLANE", &error))?;
        let id = PlaneId::from_raw(id);
        let props = properties(device, id.into(), drm_sys::DRM_MODE_OBJECT_PLANE)?;
        let blob = |name| props.value(name).and_then(BlobId::from_value).and_then(|id| blob::read(fd, id));
        planes.push(PlaneInfo {
            id,
            kind: match props.value("type") {
                Some(1) => PlaneKind::Primary,
                Some(2) => PlaneKind::Cursor,
                _ => PlaneKind::Overlay,
            },
            possible_crtcs: info.possible_crtcs,
            formats: match blob("IN_FORMATS").as_deref().and_then(in_formats) {
                Some(pairs) => pairs,
                None => formats.iter().map(|&format| FormatModifiers { format, modifiers: Vec::new() }).collect(),
            },
            formats_async: blob("IN_FORMATS_ASYNC").as_deref().and_then(in_formats).unwrap_or_default(),
            size_hints: blob("SIZE_HINTS").as_deref().map(size_hints).unwrap_or_default(),
            pipelines: pipelines(device, &props)?,
            props,
        });
    }
    Ok(planes)
}

/// The chains that `COLOR_PIPELINE` offers, each read from its first operation on. The bypass is
/// none.
fn pipelines(device: &Device, plane: &PropertyTable) -> Result<Vec<ColorPipeline>, CallError> {
    /// `DRM_MODE_OBJECT_COLOROP`.
    const COLOROP: u32 = 0xfafa_fafa;
    /// More than any hardware has; ends a chain that runs in a circle.
    const MOST: usize = 64;
    let Some(PropertyKind::Enum(offered)) = plane.get("COLOR_PIPELINE").map(|property| &property.kind) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for pipeline in offered {
        let mut ops = Vec::new();
        let mut next = ColorOpId::from_value(pipeline.value);
        while let Some(id) = next.filter(|_| ops.len() < MOST) {
            let props = properties(device, id.into(), COLOROP)?;
            next = props.value("NEXT").and_then(ColorOpId::from_value);
            ops.push(ColorOp { id, props });
        }
        if !ops.is_empty() {
            found.push(ColorPipeline { name: pipeline.name.clone(), ops });
        }
    }
    Ok(found)
}

fn properties(device: &Device, object: ObjectId, kind: u32) -> Result<PropertyTable, CallError> {
    let (mut ids, mut values) = (Vec::new(), Vec::new());
    mode::get_properties(device.as_fd(), object.raw(), kind, Some(&mut ids), Some(&mut values))
        .map_err(|error| device.error("DRM_IOCTL_MODE_OBJ_GETPROPERTIES", &error))?;
    let mut table = PropertyTable::default();
    for (&id, &value) in ids.iter().zip(&values) {
        let (name, property) = property(device, PropertyId::from_raw(id), value)?;
        table.0.insert(name, property);
    }
    Ok(table)
}

fn property(device: &Device, id: PropertyId, value: u64) -> Result<(String, Property), CallError> {
    let fail = |error: std::io::Error| device.error("DRM_IOCTL_MODE_GETPROPERTY", &error);
    // Both lists are asked for, whatever the type: `drm-ffi` would else pass a null address for a
    // list that is not empty.
    let (mut limits, mut entries) = (Vec::new(), Vec::new());
    let plain = mode::get_property(device.as_fd(), id.raw(), Some(&mut limits), Some(&mut entries)).map_err(fail)?;
    let flags = plain.flags;
    let kind = if flags & (drm_sys::DRM_MODE_PROP_ENUM | drm_sys::DRM_MODE_PROP_BITMASK) != 0 {
        let entries = entries.iter().map(|entry| EnumValue { value: entry.value, name: text(&entry.name) }).collect();
        if flags & drm_sys::DRM_MODE_PROP_ENUM != 0 {
            PropertyKind::Enum(entries)
        } else {
            PropertyKind::Bitmask(entries)
        }
    } else if flags & drm_sys::DRM_MODE_PROP_BLOB != 0 {
        PropertyKind::Blob
    } else {
        let limit = |at: usize| limits.get(at).copied().unwrap_or(0);
        match flags & (drm_sys::DRM_MODE_PROP_EXTENDED_TYPE | drm_sys::DRM_MODE_PROP_RANGE) {
            drm_sys::DRM_MODE_PROP_RANGE => PropertyKind::Range { min: limit(0), max: limit(1) },
            drm_sys::DRM_MODE_PROP_SIGNED_RANGE => {
                PropertyKind::SignedRange { min: limit(0) as i64, max: limit(1) as i64 }
            }
            drm_sys::DRM_MODE_PROP_OBJECT => PropertyKind::Object(limit(0) as u32),
            other => PropertyKind::Unknown(other),
        }
    };
    let immutable = flags & drm_sys::DRM_MODE_PROP_IMMUTABLE != 0;
    let atomic = flags & drm_sys::DRM_MODE_PROP_ATOMIC != 0;
    Ok((text(&plain.name), Property { id, value, immutable, atomic, kind }))
}

fn text(chars: &[std::ffi::c_char]) -> String {
    let bytes: Vec<u8> = chars.iter().map(|&c| c as u8).take_while(|&c| c != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// `struct drm_format_modifier_blob`: formats, and for each modifier the 64 formats from an offset
/// that it goes with.
fn in_formats(blob: &[u8]) -> Option<Vec<FormatModifiers>> {
    let word = |at: usize| Some(u32::from_ne_bytes(blob.get(at..at.checked_add(4)?)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_ne_bytes(blob.get(at..at.checked_add(8)?)?.try_into().ok()?));
    let (formats, first) = (word(8)? as usize, word(12)? as usize);
    let (modifiers, table) = (word(16)? as usize, word(20)? as usize);
    let mut out = Vec::new();
    for at in 0..formats {
        out.push(FormatModifiers { format: word(first + at * 4)?, modifiers: Vec::new() });
    }
    for at in 0..modifiers {
        let entry = table + at * 24;
        let (mask, offset, modifier) = (long(entry)?, word(entry + 8)? as usize, long(entry + 16)?);
        for (bit, format) in out.iter_mut().skip(offset).take(64).enumerate() {
            if mask & (1 << bit) != 0 {
                format.modifiers.push(modifier);
            }
        }
    }
    Some(out)
}

/// `struct drm_plane_size_hint` after each other.
fn size_hints(blob: &[u8]) -> Vec<(u32, u32)> {
    let size =
        |hint: &[u8]| (u16::from_ne_bytes([hint[0], hint[1]]).into(), u16::from_ne_bytes([hint[2], hint[3]]).into());
    blob.chunks_exact(4).map(size).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blob(formats: &[u32], modifiers: &[(u64, u32, u64)]) -> Vec<u8> {
        let first = 24;
        let table = first + formats.len() * 4;
        let mut out = Vec::new();
        for word in [1, 0, formats.len(), first, modifiers.len(), table] {
            out.extend((word as u32).to_ne_bytes());
        }
        formats.iter().for_each(|format| out.extend(format.to_ne_bytes()));
        for (mask, offset, modifier) in modifiers {
            out.extend(mask.to_ne_bytes());
            out.extend(offset.to_ne_bytes());
            out.extend([0; 4]);
            out.extend(modifier.to_ne_bytes());
        }
        out
    }

    #[test]
    fn in_formats_pairs() {
        let pairs = in_formats(&blob(&[10, 11, 12], &[(0b101, 0, 0), (0b1, 1, 77)])).unwrap();
        let modifiers: Vec<_> = pairs.iter().map(|pair| (pair.format, pair.modifiers.clone())).collect();
        assert_eq!(modifiers, [(10, vec![0]), (11, vec![77]), (12, vec![0])]);
        assert!(super::super::supports(&pairs, 11, 77) && !super::super::supports(&pairs, 11, 0));
    }

    #[test]
    fn size_hints_are_pairs_of_u16() {
        let blob: Vec<u8> = [64u16, 32, 128, 128].iter().flat_map(|n| n.to_ne_bytes()).collect();
        assert_eq!(size_hints(&blob), [(64, 32), (128, 128)]);
    }

    proptest! {
        #[test]
        fn damaged_blobs_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..120), count in 0u32..40) {
            if bytes.len() > 20 {
                bytes[8..12].copy_from_slice(&count.to_ne_bytes());
                bytes[16..20].copy_from_slice(&count.to_ne_bytes());
            }
            let _ = in_formats(&bytes);
        }
    }
}
