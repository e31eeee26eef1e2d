//! How a plane treats its pixels: rotation, scaling filter, YUV matrix and range, colour key, hot spot.
//!
//! All of it is optional. What is left at its default asks for nothing, so it goes on every plane; what a plane cannot do is
//! refused before the kernel is asked. Nothing here talks to the kernel.

use serde::Serialize;

use crate::plane::OutputPlane;
use crate::props::{PlaneProps, PropertyKind, PropertyTable};
use crate::request::Request;

/// The `rotation` property: a turn counter-clockwise, after a reflection (`DRM_MODE_ROTATE_*`, `DRM_MODE_REFLECT_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Rotation(u32);

impl Rotation {
    /// Upright.
    pub const ROTATE_0: Self = Self(1);
    /// A quarter turn counter-clockwise.
    pub const ROTATE_90: Self = Self(1 << 1);
    /// Upside down.
    pub const ROTATE_180: Self = Self(1 << 2);
    /// A quarter turn clockwise.
    pub const ROTATE_270: Self = Self(1 << 3);
    const REFLECT_X: u32 = 1 << 4;
    const REFLECT_Y: u32 = 1 << 5;

    /// From the kernel's bits; `None` unless there is exactly one turn among them and nothing unknown.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits < 1 << 6 && (bits & 0xf).count_ones() == 1 { Some(Self(bits)) } else { None }
    }

    /// The kernel's bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The same with the x axis mirrored (left becomes right) before the turn.
    #[must_use]
    pub const fn reflect_x(self) -> Self {
        Self(self.0 ^ Self::REFLECT_X)
    }

    /// The same with the y axis mirrored before the turn.
    #[must_use]
    pub const fn reflect_y(self) -> Self {
        Self(self.0 ^ Self::REFLECT_Y)
    }

    /// Whether the picture's width becomes its height on the screen.
    pub const fn swaps_axes(self) -> bool {
        self.0 & (Self::ROTATE_90.0 | Self::ROTATE_270.0) != 0
    }
}

impl Default for Rotation {
    fn default() -> Self {
        Self::ROTATE_0
    }
}

/// An enumeration whose variants have names of the kernel's.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident $count:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
        }

        impl $name {
            /// Names of the variants as the kernel has them, in the order of the variants.
            pub const NAMES: [&'static str; $count] = [$($text,)*];

            /// The kernel's name.
            pub const fn name(self) -> &'static str {
                Self::NAMES[self as usize]
            }
        }
    };
}
pub(crate) use names;

names! {
    /// The `SCALING_FILTER` property.
    ScalingFilter 2 {
        /// The driver's own.
        Default = "Default",
        /// No smoothing: for whole factors.
        NearestNeighbor = "Nearest Neighbor",
    }
}

names! {
    /// The `COLOR_ENCODING` property: the matrix of YUV formats.
    ColorEncoding 3 {
        /// Standard definition.
        Bt601 = "ITU-R BT.601 YCbCr",
        /// High definition.
        Bt709 = "ITU-R BT.709 YCbCr",
        /// Ultra high definition.
        Bt2020 = "ITU-R BT.2020 YCbCr",
    }
}

names! {
    /// The `COLOR_RANGE` property of YUV formats.
    ColorRange 2 {
        /// Luma 16 to 235.
        Limited = "YCbCr limited range",
        /// Luma 0 to 255.
        Full = "YCbCr full range",
    }
}

/// One bit for each matrix and range, for sets of them: what a plane can convert, what a picture needs.
pub const fn representation_bit(encoding: ColorEncoding, range: ColorRange) -> u8 {
    1 << (encoding as u8 * 2 + range as u8)
}

/// How a driver wants its colour key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorKeyKind {
    /// `colorkey` is the colour as `0xRRGGBB`, with bit 24 turning it on (R-Car DU, nouveau).
    EnableBit,
    /// `colorkey` is the colour; `colorkey_mode` turns it on (Armada): the numbers of "disabled" and of "RGB".
    Mode(u64, u64),
}

impl ColorKeyKind {
    const ENABLE: u64 = 1 << 24;

    pub(crate) fn of(table: &PropertyTable) -> Option<Self> {
        let PropertyKind::Range { max, .. } = table.get("colorkey")?.kind else { return None };
        if max & Self::ENABLE != 0 {
            return Some(Self::EnableBit);
        }
        let mode = |name| table.enum_value("colorkey_mode", name);
        Some(Self::Mode(mode("disabled")?, mode("RGB")?))
    }
}

/// How a plane treats its pixels. [`Default`] asks for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct PlaneLook {
    /// Turns the buffer upright. Quarter turns need a source whose width is the destination's height.
    pub rotation: Rotation,
    /// `None`: the driver's own.
    pub scaling_filter: Option<ScalingFilter>,
    /// `None` leaves it as it is.
    pub color_encoding: Option<ColorEncoding>,
    /// `None` leaves it as it is.
    pub color_range: Option<ColorRange>,
    /// Pixels of this colour, `0xRRGGBB`, are transparent. `None`: no pixels are.
    pub color_key: Option<u32>,
    /// Where the pointer points, in pixels of the buffer: virtual machines draw it themselves (Linux 6.6). `None` leaves it as it is.
    pub hotspot: Option<(i32, i32)>,
}

impl PlaneLook {
    /// Why `plane` cannot do this, with the property's name.
    pub(crate) fn unsupported(&self, plane: &OutputPlane) -> Option<&'static str> {
        let props = &plane.props;
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
        let mut enumeration = |prop: Option<u32>, value: Option<u64>, changed: bool| {
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
