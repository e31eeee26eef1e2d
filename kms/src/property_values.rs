//! Values of enumeration properties as types, with the names that the kernel gives them.
//!
//! They know no property ids: numbers differ from driver to driver, so [`crate::props`] looks them
//! up by name.

use serde::{Deserialize, Serialize};

/// The `type` property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaneKind {
    /// Neither of the others.
    Overlay,
    /// The one that legacy mode setting uses.
    Primary,
    /// Meant for the pointer; often small and of fixed size.
    Cursor,
}

impl PlaneKind {
    /// In one lower-case word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Primary => "primary",
            Self::Cursor => "cursor",
        }
    }
}

/// The `pixel blend mode` property: how a plane's pixels meet what lies below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub enum Blend {
    /// Colours are multiplied by alpha already, as Wayland clients do it. The kernel's default.
    #[default]
    Premultiplied,
    /// Colours are not multiplied by alpha.
    Coverage,
    /// The pixels' alpha is ignored.
    None,
}

/// The `rotation` property: a counter-clockwise rotation, after a reflection (`DRM_MODE_ROTATE_*`,
/// `DRM_MODE_REFLECT_*`).
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

    /// From the kernel's bits; `None` unless there is exactly one rotation among them and nothing
    /// unknown.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits < 1 << 6 && (bits & 0xf).count_ones() == 1 { Some(Self(bits)) } else { None }
    }

    /// The kernel's bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The same with the x axis mirrored (left becomes right) before the rotation.
    #[must_use]
    pub const fn mirrored_x(self) -> Self {
        Self(self.0 ^ Self::REFLECT_X)
    }

    /// The same with the y axis mirrored before the rotation.
    #[must_use]
    pub const fn mirrored_y(self) -> Self {
        Self(self.0 ^ Self::REFLECT_Y)
    }

    /// Whether the image's width becomes its height on the screen.
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
macro_rules! values {
    ($(#[$doc:meta])* $name:ident $count:literal { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
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

values! {
    /// The `SCALING_FILTER` property.
    ScalingFilter 2 {
        /// The driver's own.
        Default = "Default",
        /// No smoothing: for whole factors.
        NearestNeighbor = "Nearest Neighbor",
    }
}

values! {
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

values! {
    /// The `COLOR_RANGE` property of YUV formats.
    ColorRange 2 {
        /// Luma 16 to 235.
        Limited = "YCbCr limited range",
        /// Luma 0 to 255.
        Full = "YCbCr full range",
    }
}

/// One bit for each matrix and range, for sets of them: what a plane can convert, what an image
/// needs.
pub const fn representation_bit(encoding: ColorEncoding, range: ColorRange) -> u8 {
    1 << (encoding as u8 * 2 + range as u8)
}

values! {
    /// The `content type` property (HDMI): what the display may do to the image.
    ContentType 5 {
        /// Nothing is said.
        NoData = "No Data",
        /// Text and drawings: no overscan, no smoothing.
        Graphics = "Graphics",
        /// Still images.
        Photo = "Photo",
        /// Film.
        Cinema = "Cinema",
        /// Least latency.
        Game = "Game",
    }
}

values! {
    /// The `Colorspace` property: colorimetry of what is sent. Drivers offer a part of these.
    Colorspace 16 {
        /// The driver's own choice.
        Default = "Default",
        /// SMPTE 170M YCbCr.
        Smpte170m = "SMPTE_170M_YCC",
        /// BT.709 YCbCr.
        Bt709Ycc = "BT709_YCC",
        /// xvYCC, standard definition.
        Xvycc601 = "XVYCC_601",
        /// xvYCC, high definition.
        Xvycc709 = "XVYCC_709",
        /// sYCC.
        Sycc601 = "SYCC_601",
        /// opYCC.
        Opycc601 = "opYCC_601",
        /// opRGB.
        Oprgb = "opRGB",
        /// BT.2020 YCbCr with constant luminance.
        Bt2020Cycc = "BT2020_CYCC",
        /// BT.2020 RGB.
        Bt2020Rgb = "BT2020_RGB",
        /// BT.2020 YCbCr.
        Bt2020Ycc = "BT2020_YCC",
        /// DCI-P3 with white D65.
        DciP3D65 = "DCI-P3_RGB_D65",
        /// DCI-P3 with the white of theatres.
        DciP3Theater = "DCI-P3_RGB_Theater",
        /// Wide RGB in fixed point (DisplayPort).
        RgbWideFixed = "RGB_WIDE_FIXED",
        /// Wide RGB in floating point (DisplayPort).
        RgbWideFloat = "RGB_WIDE_FLOAT",
        /// BT.601 YCbCr (DisplayPort).
        Bt601Ycc = "BT601_YCC",
    }
}

values! {
    /// The `Broadcast RGB` property: quantisation range on HDMI.
    BroadcastRgb 3 {
        /// By the mode, as HDMI has it.
        Automatic = "Automatic",
        /// 0 to 255.
        Full = "Full",
        /// 16 to 235.
        Limited = "Limited 16:235",
    }
}

values! {
    /// The curves of a `1D Curve`. Drivers offer a part of these.
    Curve 8 {
        /// sRGB to linear.
        SrgbEotf = "sRGB EOTF",
        /// Linear to sRGB.
        SrgbInverseEotf = "sRGB Inverse EOTF",
        /// PQ to linear, 1.0 = 80 cd/m² (so 125.0 = 10 000).
        Pq125Eotf = "PQ 125 EOTF",
        /// The inverse of that.
        Pq125InverseEotf = "PQ 125 Inverse EOTF",
        /// BT.2020 camera curve to linear.
        Bt2020InverseOetf = "BT.2020 Inverse OETF",
        /// Linear to BT.2020 camera curve.
        Bt2020Oetf = "BT.2020 OETF",
        /// Power 2.2.
        Gamma22 = "Gamma 2.2",
        /// Power 1/2.2.
        Gamma22Inverse = "Gamma 2.2 Inverse",
    }
}
