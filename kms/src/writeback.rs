//! Writeback: a connector that puts the image of a frame into a buffer instead of onto a display.
//!
//! A job belongs to one frame ([`crate::Frame::writeback`]) and has a fence of its own. Never reads
//! the pixels: the buffer is the caller's. Source: `drm_writeback.c`. On vkms the end of a job
//! stops the CRCs of its CRTC until they are armed again.

use crate::OutputError;
use crate::id::{ConnectorId, CrtcId, CrtcIndex, FramebufferId, PropertyId};
use crate::inventory::{Connector, Inventory};
use crate::props::WritebackProps;
use crate::request::{Names, Request};

/// A writeback connector.
#[derive(Debug, Clone)]
pub struct Writeback {
    connector: ConnectorId,
    name: String,
    possible_crtcs: u32,
    props: WritebackProps,
    formats: Vec<u32>,
}

/// An image that a frame is to be put into; also which connector is on a CRTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) connector: ConnectorId,
    pub(crate) possible_crtcs: u32,
    crtc_id: PropertyId,
    fb_id: PropertyId,
    out_fence_ptr: PropertyId,
    fb: FramebufferId,
}

impl Writeback {
    /// The writeback connectors that can take the image of a CRTC. Empty where the driver has none,
    /// or where the device did not accept `DRM_CLIENT_CAP_WRITEBACK_CONNECTORS`.
    ///
    /// Errors: a connector without the properties that it must have.
    pub fn of_crtc(inventory: &Inventory, crtc_index: CrtcIndex) -> Result<Vec<Self>, OutputError> {
        let connectors = inventory.connectors.iter().filter(|connector| connector.writeback);
        let of_crtc = connectors.filter(|connector| connector.possible_crtcs & crtc_index.bit() != 0);
        of_crtc.map(Self::new).collect()
    }

    fn new(connector: &Connector) -> Result<Self, OutputError> {
        let props = WritebackProps::resolve(connector.id, &connector.props)?;
        let (name, possible_crtcs) = (connector.name.clone(), connector.possible_crtcs);
        let formats = connector.written_formats.clone();
        Ok(Self { connector: connector.id, name, possible_crtcs, props, formats })
    }

    /// Object id.
    pub fn connector_id(&self) -> ConnectorId {
        self.connector
    }

    /// As the kernel calls it: `Writeback-1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `DRM_FORMAT_*` that it writes (`WRITEBACK_PIXEL_FORMATS`).
    pub fn formats(&self) -> &[u32] {
        &self.formats
    }

    /// For printing requests.
    pub(crate) fn name_in(&self, names: &mut Names) {
        if !names.knows(self.connector) {
            names.object(self.connector, format!("connector {}", self.connector));
            self.props.names().for_each(|(id, name)| names.prop(id, name));
        }
    }

    pub(crate) fn job(&self, fb: FramebufferId) -> Job {
        Job {
            connector: self.connector,
            possible_crtcs: self.possible_crtcs,
            crtc_id: self.props.crtc_id,
            fb_id: self.props.fb_id,
            out_fence_ptr: self.props.out_fence_ptr,
            fb,
        }
    }
}

impl Job {
    /// Puts the job into a request; `attached`: the connector is on the CRTC already. A test asks
    /// for no fence.
    pub(crate) fn write(&self, request: &mut Request, crtc: CrtcId, attached: bool, fence: bool) {
        request.object(self.connector);
        if !attached {
            request.set(self.crtc_id, crtc.value());
        }
        request.set(self.fb_id, self.fb.value());
        if fence {
            request.set_out_fence(self.out_fence_ptr);
        }
    }

    /// Takes the connector off its CRTC.
    pub(crate) fn write_detached(&self, request: &mut Request) {
        request.object(self.connector);
        request.set(self.crtc_id, 0);
    }
}
