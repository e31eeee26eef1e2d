//! Reads the properties of an object: names, types, limits and values.
//!
//! What an object is for is not known here.

use std::os::fd::AsFd;

use drm_ffi::mode;

use crate::id::{ObjectId, PropertyId};
use crate::property::{EnumValue, Property, PropertyKind, PropertyTable};
use crate::{CallError, Device};

/// Its table. Errors: ENOENT, the object is gone.
pub(super) fn properties(device: &Device, object: ObjectId, kind: u32) -> Result<PropertyTable, CallError> {
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
