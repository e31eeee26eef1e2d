//! Reads an [`Inventory`] from a device.
//!
//! Only this file and the two that it calls, [`super::connectors`] and [`super::properties`], ask the
//! kernel for objects.

use std::collections::BTreeMap;
use std::os::fd::AsFd;

use drm_ffi::mode;

use super::connectors::{Probe, compare, connectors};
use super::formats::{in_formats, size_hints};
use super::properties::properties;
use super::{ConnectorChange, Crtc, Encoder, FormatModifiers, Inventory, PlaneInfo};
use crate::blob;
use crate::id::{BlobId, ColorOpId, CrtcId, CrtcIndex, EncoderId, ObjectId, PlaneId};
use crate::pipeline::{ColorOp, ColorPipeline};
use crate::property::{PropertyKind, PropertyTable};
use crate::{CallError, Device, PlaneKind};

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
    /// An object that is gone is on no CRTC: the kernel keeps a connector as long as one drives it.
    pub fn refresh_state(&mut self, device: &Device) -> Result<(), CallError> {
        if let Some(now) = of_kernel(device).as_mut() {
            let values = |table: &PropertyTable| table.0.values().map(|p| (p.id, p.value)).collect::<BTreeMap<_, _>>();
            let now: BTreeMap<ObjectId, _> = now.tables().map(|(object, table)| (object, values(table))).collect();
            self.set_values(|object, prop| now.get(&object)?.get(&prop).copied());
            self.tables().filter(|(object, _)| !now.contains_key(object)).for_each(|(_, table)| table.leave_crtc());
            return Ok(());
        }
        for (object, table) in self.tables() {
            let (mut ids, mut values) = (Vec::new(), Vec::new());
            // `DRM_MODE_OBJECT_ANY`: ids are unique within a device.
            let read = mode::get_properties(device.as_fd(), object.raw(), 0, Some(&mut ids), Some(&mut values));
            match read {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => {
                    table.leave_crtc();
                    continue;
                }
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

/// `drm_encoder_enum_list` of `drivers/gpu/drm/drm_encoder.c`.
fn encoder_name(encoder_type: u32) -> &'static str {
    const NAMES: [&str; 9] = ["None", "DAC", "TMDS", "LVDS", "TV", "Virtual", "DSI", "DP MST", "DPI"];
    NAMES.get(encoder_type as usize).unwrap_or(&"Unknown")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Connector;
    use crate::scripted::{Scripted, Stock, ids};

    #[test]
    fn what_is_gone_is_on_no_crtc() {
        let kernel = Scripted::new().expect("eventfd");
        let mut inventory = Stock { outputs: 2, ..Stock::default() }.inventory();
        kernel.set_hardware(inventory.clone());
        let crtc = ids::crtc(CrtcIndex::from_raw(1));
        kernel.set_value(ids::connector(1), ids::CRTC_ID, crtc.value());
        let device = kernel.device();
        let driven_by = |inventory: &Inventory| inventory.connector(ids::connector(1)).and_then(Connector::crtc);
        inventory.refresh_state(&device).unwrap();
        assert_eq!(driven_by(&inventory), Some(crtc));
        kernel.change_hardware(|hardware| drop(hardware.connectors.pop()));
        inventory.refresh_state(&device).unwrap();
        assert_eq!((inventory.connectors.len(), driven_by(&inventory)), (2, None));
    }
}
