//! How a plane treats its pixels: rotation, scaling filter, YUV matrix and range, colour key, hot
//! spot.
//!
//! All of it is optional. What is left at its default asks for nothing, so it goes on every plane;
//! what a plane cannot do is refused before the kernel is asked. Nothing here talks to the kernel.

use serde::Serialize;

use crate::id::PropertyId;
use crate::property_values::{ColorEncoding, ColorRange, Rotation, ScalingFilter};
use crate::props::{ColorKeyKind, PlaneProps};
use crate::request::Request;

/// How a plane treats its pixels. [`Default`] asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PlaneOptions {
    /// Brings the buffer upright. Quarter turns need a source whose width is the destination's
    /// height.
    pub rotation: Rotation,
    /// `None`: the driver's own.
    pub scaling_filter: Option<ScalingFilter>,
    /// `None` leaves it as it is.
    pub color_encoding: Option<ColorEncoding>,
    /// `None` leaves it as it is.
    pub color_range: Option<ColorRange>,
    /// Pixels of this colour, `0xRRGGBB`, are transparent. `None`: no pixels are.
    pub color_key: Option<u32>,
    /// Where the pointer points, in pixels of the buffer: virtual machines draw it themselves
    /// (Linux 6.6). `None` leaves it as it is.
    pub hotspot: Option<(i32, i32)>,
}

impl PlaneOptions {
    /// Why a plane with these properties cannot do this, with the property's name.
    pub(crate) fn unsupported(&self, props: &PlaneProps) -> Option<&'static str> {
        let lacks = |numbers: &[Option<u64>], at: Option<usize>| at.is_some_and(|at| numbers[at].is_none());
        if props.rotations & self.rotation.bits() != self.rotation.bits() {
            return Some("rotation: not offered");
        }
        let default = Some(ScalingFilter::Default);
        if self.scaling_filter != default && lacks(&props.scaling_filters, self.scaling_filter.map(|v| v as usize)) {
            return Some("SCALING_FILTER: not offered");
        }
        if lacks(&props.color_encodings, self.color_encoding.map(|v| v as usize)) {
            return Some("COLOR_ENCODING: not offered");
        }
        if lacks(&props.color_ranges, self.color_range.map(|v| v as usize)) {
            return Some("COLOR_RANGE: not offered");
        }
        match self.color_key {
            Some(_) if props.color_key.is_none() => return Some("no property colorkey"),
            Some(0x100_0000..) => return Some("colorkey: more than 0xffffff"),
            _ => {}
        }
        if self.hotspot.is_some() && (props.hotspot_x.is_none() || props.hotspot_y.is_none()) {
            return Some("no property HOTSPOT_X and HOTSPOT_Y");
        }
        None
    }

    /// What it means after `before` on the same plane: what says nothing stays as it is.
    pub(crate) fn after(self, before: &Self) -> Self {
        Self {
            color_encoding: self.color_encoding.or(before.color_encoding),
            color_range: self.color_range.or(before.color_range),
            hotspot: self.hotspot.or(before.hotspot),
            ..self
        }
    }

    /// Puts the difference from `before` (all of it where that is unknown) into the request.
    pub(crate) fn write(&self, request: &mut Request, props: &PlaneProps, before: Option<&Self>) {
        let mut enumeration = |prop: Option<PropertyId>, value: Option<u64>, changed: bool| {
            if let (Some(prop), Some(value), true) = (prop, value, changed) {
                request.set(prop, value);
            }
        };
        let changed = before.is_none_or(|before| before.rotation != self.rotation);
        enumeration(props.rotation, Some(self.rotation.bits().into()), changed);
        let filter = self.scaling_filter.unwrap_or(ScalingFilter::Default) as usize;
        let changed = before.is_none_or(|before| before.scaling_filter != self.scaling_filter);
        enumeration(props.scaling_filter, props.scaling_filters[filter], changed);
        let encoding = self.color_encoding.and_then(|encoding| props.color_encodings[encoding as usize]);
        let changed = before.is_none_or(|before| before.color_encoding != self.color_encoding);
        enumeration(props.color_encoding, encoding, changed);
        let range = self.color_range.and_then(|range| props.color_ranges[range as usize]);
        let changed = before.is_none_or(|before| before.color_range != self.color_range);
        enumeration(props.color_range, range, changed);
        if before.is_none_or(|before| before.color_key != self.color_key) {
            match (props.color_key, self.color_key.map(u64::from)) {
                (Some(ColorKeyKind::EnableBit), key) => {
                    enumeration(props.colorkey, Some(key.map_or(0, |key| key | ColorKeyKind::ENABLE)), true);
                }
                (Some(ColorKeyKind::Mode(off, rgb)), key) => {
                    enumeration(props.colorkey, key, true);
                    enumeration(props.colorkey_mode, Some(if key.is_some() { rgb } else { off }), true);
                }
                (None, _) => {}
            }
        }
        if let Some((x, y)) = self.hotspot
            && before.is_none_or(|before| before.hotspot != self.hotspot)
        {
            enumeration(props.hotspot_x, Some(i64::from(x) as u64), true);
            enumeration(props.hotspot_y, Some(i64::from(y) as u64), true);
        }
    }
}
