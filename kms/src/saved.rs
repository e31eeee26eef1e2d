//! What the console had on the screen, to be put back on exit.
//!
//! Best effort by nature: the console's framebuffer may be gone. Then everything is turned off, and
//! the kernel's own console comes back when the device is closed.

use std::os::fd::AsFd;

use rustix::io::Errno;

use crate::blob::{self, Blob};
use crate::id::{BlobId, ObjectId, PropertyId};
use crate::kernel::ALLOW_MODESET;
use crate::property::PropertyTable;
use crate::request::Request;
use crate::{CallError, Device, Inventory};

/// The state of a device as its inventory saw it.
#[derive(Debug)]
pub struct SavedState {
    device: Device,
    objects: Vec<Object>,
}

#[derive(Debug)]
struct Object {
    id: ObjectId,
    props: Vec<(PropertyId, Value)>,
    /// What turns the object off.
    off: Vec<PropertyId>,
}

#[derive(Debug)]
enum Value {
    Number(u64),
    /// Content of a blob: the id may be gone by then.
    Blob(Vec<u8>),
}

/// What restoring came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restored {
    /// All is as it was.
    All,
    /// What was there could not be shown any more: everything is off.
    Off,
}

/// Properties of each kind that frames change, and (first) those that turn the object off when 0.
const PLANE: (&[&str], &[&str]) = (
    &["FB_ID", "CRTC_ID"],
    &[
        "SRC_X",
        "SRC_Y",
        "SRC_W",
        "SRC_H",
        "CRTC_X",
        "CRTC_Y",
        "CRTC_W",
        "CRTC_H",
        "zpos",
        "alpha",
        "pixel blend mode",
        "rotation",
        "SCALING_FILTER",
        "COLOR_ENCODING",
        "COLOR_RANGE",
    ],
);
const CRTC: (&[&str], &[&str]) = (&["ACTIVE", "MODE_ID"], &["VRR_ENABLED", "GAMMA_LUT", "DEGAMMA_LUT", "CTM"]);
const CONNECTOR: (&[&str], &[&str]) = (&["CRTC_ID"], &["max bpc", "content type", "Colorspace", "HDR_OUTPUT_METADATA"]);
const BLOBS: [&str; 5] = ["MODE_ID", "GAMMA_LUT", "DEGAMMA_LUT", "CTM", "HDR_OUTPUT_METADATA"];

impl Device {
    /// What `inventory` (read before the first commit) saw, to be put back on exit.
    pub fn save_state(&self, inventory: &Inventory) -> SavedState {
        SavedState::new(self, inventory)
    }
}

impl SavedState {
    pub(crate) fn new(device: &Device, inventory: &Inventory) -> Self {
        let save = |id: ObjectId,
                    table: &PropertyTable,
                    (switches, others): (&'static [&'static str], &'static [&'static str])| {
            let found = |name: &&'static str| {
                let prop = table.get(name).filter(|prop| !prop.immutable)?;
                Some((prop.id, *name, prop.value))
            };
            let value = |(prop, name, value): (PropertyId, &str, u64)| match BlobId::from_value(value)
                .and_then(|id| blob::read(device.as_fd(), id))
            {
                Some(data) if BLOBS.contains(&name) => (prop, Value::Blob(data)),
                _ => (prop, Value::Number(value)),
            };
            let props = switches.iter().chain(others).filter_map(found).map(value).collect();
            let off = switches.iter().filter_map(found).map(|(prop, ..)| prop).collect();
            Object { id, props, off }
        };
        // Writeback connectors too: one that stays on a CRTC keeps it from being turned off.
        let connectors =
            inventory.connectors.iter().map(|connector| save(connector.id.into(), &connector.props, CONNECTOR));
        let crtcs = inventory.crtcs.iter().map(|crtc| save(crtc.id.into(), &crtc.props, CRTC));
        let planes = inventory.planes.iter().map(|plane| save(plane.id.into(), &plane.props, PLANE));
        Self { device: device.clone(), objects: connectors.chain(crtcs).chain(planes).collect() }
    }

    /// Puts everything back, blocking. Errors: EACCES (no longer master), ENODEV; anything else
    /// falls back to turning all off.
    pub fn restore(&self) -> Result<Restored, CallError> {
        match self.commit(Request::default(), true) {
            Ok(()) => return Ok(Restored::All),
            Err(errno @ (Errno::ACCESS | Errno::NODEV)) => {
                return Err(self.device.errno("DRM_IOCTL_MODE_ATOMIC", errno));
            }
            Err(errno) => tracing::debug!(%errno, "the state before could not be restored"),
        }
        match self.commit(Request::default(), false) {
            Ok(()) => Ok(Restored::Off),
            Err(errno) => Err(self.device.errno("DRM_IOCTL_MODE_ATOMIC", errno)),
        }
    }

    fn commit(&self, mut request: Request, as_it_was: bool) -> Result<(), Errno> {
        let mut blobs = Vec::new();
        for object in &self.objects {
            request.object(object.id);
            for (prop, value) in &object.props {
                match value {
                    _ if !as_it_was => {}
                    Value::Number(value) => request.set(*prop, *value),
                    Value::Blob(data) => {
                        let blob = Blob::new(&self.device, data).map_err(|error| error.errno)?;
                        request.set(*prop, blob.id().value());
                        blobs.push(blob);
                    }
                }
            }
            if !as_it_was {
                object.off.iter().for_each(|&prop| request.set(prop, 0));
            }
        }
        request.finish();
        self.device.kernel().atomic(&mut request, ALLOW_MODESET, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Call, Scripted, Stock, ids};

    #[test]
    fn restores_or_turns_off() {
        let kernel = Scripted::new().unwrap();
        let mut inventory = Stock::default().inventory();
        let fb = inventory.planes[0].props.0.get_mut("FB_ID").unwrap();
        fb.value = 77;
        let saved = kernel.device().save_state(&inventory);
        assert_eq!(saved.restore(), Ok(Restored::All));
        let sent = kernel.take_log().remove(0);
        assert_eq!((sent.value(ids::PLANE, ids::FB_ID), sent.value(ids::plane(1), ids::FB_ID)), (Some(77), Some(0)));
        assert!(sent.is_modeset() && sent.value(ids::PLANE, ids::IN_FENCE_FD).is_none());
        // The console's framebuffer is gone.
        kernel.fail(Call::Commit, Errno::NOENT);
        assert_eq!(saved.restore(), Ok(Restored::Off));
        let off = kernel.take_log().remove(1);
        assert_eq!((off.value(ids::PLANE, ids::FB_ID), off.value(ids::CRTC, ids::ACTIVE)), (Some(0), Some(0)));
        // No longer master: no second try.
        kernel.fail(Call::Commit, Errno::ACCESS);
        assert_eq!(saved.restore().unwrap_err().errno, Errno::ACCESS);
        assert_eq!(kernel.take_log().len(), 1);
    }
}
