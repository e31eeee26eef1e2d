//! Explicit fences of a test client: where its syncobjs come from, and how their points go over the
//! wire.

use std::os::fd::AsFd;

use fence::{Point, SyncDevice, Timeline};
use wayland_protocols::wp::linux_drm_syncobj::v1::client::wp_linux_drm_syncobj_timeline_v1::WpLinuxDrmSyncobjTimelineV1;

use super::Client;
use crate::error::{Error, Result};
use crate::lab;

/// A point as the protocol's requests carry it.
#[derive(Clone, Copy)]
pub struct WirePoint<'a> {
    /// The imported timeline.
    pub timeline: &'a WpLinuxDrmSyncobjTimelineV1,
    /// The point on it.
    pub value: u64,
}

impl WirePoint<'_> {
    /// The upper half.
    pub fn hi(&self) -> u32 {
        (self.value >> 32) as u32
    }

    /// The lower half.
    pub fn lo(&self) -> u32 {
        self.value as u32
    }
}

/// A timeline that the client owns and the compositor has imported.
pub struct SharedTimeline {
    /// The client's syncobj.
    pub timeline: Timeline,
    /// The compositor's object for it.
    pub proxy: WpLinuxDrmSyncobjTimelineV1,
}

impl SharedTimeline {
    /// A point for the wire.
    pub fn wire(&self, value: u64) -> WirePoint<'_> {
        WirePoint { timeline: &self.proxy, value }
    }

    /// The same point for the kernel.
    pub fn point(&self, value: u64) -> Point {
        self.timeline.point(value)
    }
}

/// Opens a DRM node whose driver has syncobj timelines: a render node where there is one, else a
/// card. A syncobj is shared by descriptor, so it need not be the compositor's device.
pub fn open_sync_device() -> Result<SyncDevice> {
    let mut tried = Vec::new();
    for node in lab::drm_nodes() {
        let file = match std::fs::File::options().read(true).write(true).open(&node) {
            Ok(file) => file,
            Err(e) => {
                tried.push(format!("{}: {e}", node.display()));
                continue;
            }
        };
        match SyncDevice::new(file.into()) {
            Ok(device) if device.caps().timeline => return Ok(device),
            Ok(_) => tried.push(format!("{}: no syncobj timelines", node.display())),
            Err(e) => tried.push(format!("{}: {e}", node.display())),
        }
    }
    Err(Error::Missing(format!("a DRM node with syncobj timelines ({})", tried.join("; "))))
}

impl Client {
    /// Creates a timeline and gives the compositor a descriptor of it.
    pub fn share_timeline(&mut self, device: &SyncDevice) -> Result<SharedTimeline> {
        let timeline = device.create_timeline().map_err(Error::other("create a timeline"))?;
        let fd = timeline.export_fd().map_err(Error::other("export a timeline"))?;
        let manager = self.state.bound.syncobj()?;
        let proxy = manager.import_timeline(fd.as_fd(), &self.qh(), ());
        // The request holds only a borrow: it must be on the wire before the descriptor closes.
        self.flush()?;
        Ok(SharedTimeline { timeline, proxy })
    }
}
