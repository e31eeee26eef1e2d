//! What an output's CRTC and connector do to the whole image: colour on its way out, and what the
//! display is informed of.
//!
//! All of it is optional; the default asks for nothing and undoes, with a modeset, what another
//! program left. Nothing here talks to the kernel.

use std::sync::Arc;

use crate::colour::{Ctm, HdrMetadata, Lut};
use crate::id::{ConnectorId, CrtcId, PropertyId};
use crate::property_values::{BroadcastRgb, Colorspace, ContentType};
use crate::props::{ConnectorProps, CrtcProps};
use crate::request::Request;

/// What a CRTC does to the image of all planes. [`Default`]: nothing, on black.
#[derive(Debug, Clone, Default)]
pub struct CrtcState {
    /// Makes the image linear (`DEGAMMA_LUT`).
    pub degamma: Option<Arc<Lut>>,
    /// Comes after that (`CTM`).
    pub ctm: Option<Arc<Ctm>>,
    /// Comes last (`GAMMA_LUT`).
    pub gamma: Option<Arc<Lut>>,
    /// Red, green and blue where no plane is (`BACKGROUND_COLOR`); black needs no property.
    pub background: [u16; 3],
}

impl CrtcState {
    /// `DRM_ARGB64_PREP`, opaque.
    fn background_value(&self) -> u64 {
        self.background.iter().fold(0xffff, |value, channel| value << 16 | u64::from(*channel))
    }

    /// Property values: degamma, matrix, gamma, background.
    fn values(&self) -> [u64; 4] {
        let lut = |lut: &Option<Arc<Lut>>| lut.as_ref().map_or(0, |lut| lut.id().value());
        let ctm = self.ctm.as_ref().map_or(0, |ctm| ctm.id().value());
        [lut(&self.degamma), ctm, lut(&self.gamma), self.background_value()]
    }

    /// Why the CRTC cannot do this, with the property's name.
    pub(crate) fn unsupported(&self, props: &CrtcProps) -> Option<&'static str> {
        let wrong_size = |lut: &Option<Arc<Lut>>, size: Option<u64>| {
            lut.as_ref().is_some_and(|lut| size.is_some_and(|size| size != lut.entries() as u64))
        };
        match self {
            _ if self.degamma.is_some() && props.degamma_lut.is_none() => Some("no property DEGAMMA_LUT"),
            _ if self.ctm.is_some() && props.ctm.is_none() => Some("no property CTM"),
            _ if self.gamma.is_some() && props.gamma_lut.is_none() => Some("no property GAMMA_LUT"),
            _ if wrong_size(&self.degamma, props.degamma_lut_size) => {
                Some("DEGAMMA_LUT: not of DEGAMMA_LUT_SIZE entries")
            }
            _ if wrong_size(&self.gamma, props.gamma_lut_size) => Some("GAMMA_LUT: not of GAMMA_LUT_SIZE entries"),
            _ if self.background != [0; 3] && props.background_color.is_none() => Some("no property BACKGROUND_COLOR"),
            _ => None,
        }
    }

    fn write(&self, request: &mut Request, props: &CrtcProps, before: Option<&Self>) {
        let (values, old) = (self.values(), before.map(Self::values));
        let ids = [props.degamma_lut, props.ctm, props.gamma_lut, props.background_color];
        for (at, prop) in ids.into_iter().enumerate() {
            if let Some(prop) = prop
                && old.is_none_or(|old| old[at] != values[at])
            {
                request.set(prop, values[at]);
            }
        }
    }
}

/// What a connector tells its display. [`Default`]: nothing. Most of it changes with a modeset only
/// (EINVAL or a visible gap else): a TEST_ONLY frame says which.
#[derive(Debug, Clone, Default)]
pub struct ConnectorState {
    /// Most bits per component on the wire (`max bpc`); `None` leaves it as it is.
    pub max_bpc: Option<u8>,
    /// What kind of image it is; `None`: nothing is said.
    pub content_type: Option<ContentType>,
    /// Colorimetry; `None`: the driver's choice.
    pub colorspace: Option<Colorspace>,
    /// HDR metadata (`HDR_OUTPUT_METADATA`); `None`: SDR.
    pub hdr: Option<Arc<HdrMetadata>>,
    /// Quantisation range; `None`: automatic.
    pub broadcast_rgb: Option<BroadcastRgb>,
}

impl ConnectorState {
    /// Why the connector cannot do this, with the property's name.
    pub(crate) fn unsupported(&self, props: &ConnectorProps) -> Option<&'static str> {
        let lacks = |numbers: &[Option<u64>], at: Option<usize>| at.is_some_and(|at| at != 0 && numbers[at].is_none());
        match (self.max_bpc, props.max_bpc_range) {
            (Some(_), None) => return Some("no property max bpc"),
            (Some(bpc), Some((min, max))) if !(min..=max).contains(&bpc.into()) => {
                return Some("max bpc: out of range");
            }
            _ => {}
        }
        match self {
            _ if lacks(&props.content_types, self.content_type.map(|v| v as usize)) => {
                Some("content type: not offered")
            }
            _ if lacks(&props.colorspaces, self.colorspace.map(|v| v as usize)) => Some("Colorspace: not offered"),
            _ if lacks(&props.broadcast_rgbs, self.broadcast_rgb.map(|v| v as usize)) => {
                Some("Broadcast RGB: not offered")
            }
            _ if self.hdr.is_some() && props.hdr_output_metadata.is_none() => Some("no property HDR_OUTPUT_METADATA"),
            _ => None,
        }
    }

    /// Property and value of each: max bpc, content type, colorimetry, metadata, quantisation
    /// range.
    fn values(&self, props: &ConnectorProps) -> [Option<(PropertyId, u64)>; 5] {
        let hdr = self.hdr.as_ref().map_or(0, |hdr| hdr.id().value());
        [
            props.max_bpc.zip(self.max_bpc.map(u64::from)),
            props.content_type.zip(props.content_types[self.content_type.map_or(0, |v| v as usize)]),
            props.colorspace.zip(props.colorspaces[self.colorspace.map_or(0, |v| v as usize)]),
            props.hdr_output_metadata.map(|prop| (prop, hdr)),
            props.broadcast_rgb.zip(props.broadcast_rgbs[self.broadcast_rgb.map_or(0, |v| v as usize)]),
        ]
    }

    fn write(&self, request: &mut Request, props: &ConnectorProps, before: Option<&Self>) {
        let (values, old) = (self.values(props), before.map(|before| before.values(props)));
        for (at, value) in values.into_iter().enumerate() {
            if let Some((prop, number)) = value
                && old.is_none_or(|old| old[at] != value)
            {
                request.set(prop, number);
            }
        }
    }
}

/// Both, as a frame has them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Head {
    pub(crate) crtc: CrtcState,
    pub(crate) connector: ConnectorState,
}

impl Head {
    /// Whether a request for `self` after `before` would set anything.
    pub(crate) fn differs(&self, before: &Self, connector: &ConnectorProps) -> bool {
        self.crtc.values() != before.crtc.values()
            || self.connector.values(connector) != before.connector.values(connector)
    }

    /// Puts the difference from `before` (all of it where that is unknown) into the request.
    pub(crate) fn write(
        &self,
        request: &mut Request,
        (connector, connector_props): (ConnectorId, &ConnectorProps),
        (crtc, crtc_props): (CrtcId, &CrtcProps),
        before: Option<&Self>,
    ) {
        request.object(connector);
        self.connector.write(request, connector_props, before.map(|before| &before.connector));
        request.object(crtc);
        self.crtc.write(request, crtc_props, before.map(|before| &before.crtc));
    }
}
