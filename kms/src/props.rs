//! The properties that this crate sets, typed: ids, with the optional ones marked, and what their
//! values may be.
//!
//! Never sets a property: requests do.

use crate::OutputError;
use crate::id::{ConnectorId, CrtcId, PlaneId, PropertyId};
use crate::property::{PropertyKind, PropertyTable};
use crate::property_values::{
    BroadcastRgb, ColorEncoding, ColorRange, Colorspace, ContentType, Rotation, ScalingFilter,
};

/// Makes a typed table: `required` fields are ids, `optional` ones ids where the object has the
/// property.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $id:ident, required { $($(#[$rdoc:meta])* $r:ident: $rname:literal,)* }
     optional { $($(#[$odoc:meta])* $o:ident: $oname:literal,)* } extra { $($(#[$edoc:meta])* $e:ident: $ety:ty = $efn:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$rdoc])* pub $r: PropertyId,)*
            $($(#[$odoc])* pub $o: Option<PropertyId>,)*
            $($(#[$edoc])* pub $e: $ety,)*
        }

        impl $name {
            /// Finds the ids; the error names the first required property that is missing.
            pub fn resolve(object: $id, table: &PropertyTable) -> Result<Self, OutputError> {
                let required = |property: &'static str| {
                    let missing = || OutputError::MissingProperty { object: format!(concat!($kind, " {}"), object), property };
                    table.id(property).ok_or_else(missing)
                };
                Ok(Self {
                    $($r: required($rname)?,)*
                    $($o: table.id($oname),)*
                    $($e: $efn(table),)*
                })
            }

            /// Every property of the table that the object has, for printing.
            pub(crate) fn names(&self) -> impl Iterator<Item = (PropertyId, &'static str)> {
                let required = [$((self.$r, $rname),)*];
                const OPTIONAL: &[&str] = &[$($oname,)*];
                let optional: [(Option<PropertyId>, &'static str); OPTIONAL.len()] = [$((self.$o, $oname),)*];
                required.into_iter().chain(optional.into_iter().filter_map(|(id, name)| Some((id?, name))))
            }
        }
    };
}

table! {
    /// Properties of a plane.
    PlaneProps, "plane", PlaneId,
    required {
        /// Framebuffer; 0 = off.
        fb_id: "FB_ID",
        /// CRTC; 0 = off.
        crtc_id: "CRTC_ID",
        /// Source rectangle, 16.16.
        src_x: "SRC_X",
        /// Source rectangle, 16.16.
        src_y: "SRC_Y",
        /// Source rectangle, 16.16.
        src_w: "SRC_W",
        /// Source rectangle, 16.16.
        src_h: "SRC_H",
        /// Destination rectangle.
        crtc_x: "CRTC_X",
        /// Destination rectangle.
        crtc_y: "CRTC_Y",
        /// Destination rectangle.
        crtc_w: "CRTC_W",
        /// Destination rectangle.
        crtc_h: "CRTC_H",
    }
    optional {
        /// A sync_file to wait for (Linux 4.10).
        in_fence_fd: "IN_FENCE_FD",
        /// What changed in the buffer (Linux 5.0).
        fb_damage_clips: "FB_DAMAGE_CLIPS",
        /// Position in the stack.
        zpos: "zpos",
        /// Opacity, 0..=0xffff.
        alpha: "alpha",
        /// Blending.
        pixel_blend_mode: "pixel blend mode",
        /// Rotation and reflection.
        rotation: "rotation",
        /// Scaling filter.
        scaling_filter: "SCALING_FILTER",
        /// Matrix of YUV formats.
        color_encoding: "COLOR_ENCODING",
        /// Range of YUV formats.
        color_range: "COLOR_RANGE",
        /// Hot spot of a cursor (virtual machines).
        hotspot_x: "HOTSPOT_X",
        /// Hot spot of a cursor (virtual machines).
        hotspot_y: "HOTSPOT_Y",
        /// The first operation of the colour pipeline; listed after
        /// [`crate::Device::show_colour_pipelines`] only.
        color_pipeline: "COLOR_PIPELINE",
        /// Colour key (R-Car DU, nouveau before nv50, Armada).
        colorkey: "colorkey",
        /// What the colour key is compared with (Armada).
        colorkey_mode: "colorkey_mode",
    }
    extra {
        /// Rotations and reflections that it offers, `DRM_MODE_ROTATE_*` and `DRM_MODE_REFLECT_*`;
        /// ROTATE_0 without the property.
        rotations: u32 = rotations,
        /// Numbers of the scaling filters: default, nearest neighbour.
        scaling_filters: [Option<u64>; 2] = |table: &PropertyTable| table.numbers("SCALING_FILTER", ScalingFilter::NAMES),
        /// Numbers of the matrices: BT.601, BT.709, BT.2020.
        color_encodings: [Option<u64>; 3] = |table: &PropertyTable| table.numbers("COLOR_ENCODING", ColorEncoding::NAMES),
        /// Numbers of the ranges: limited, full.
        color_ranges: [Option<u64>; 2] = |table: &PropertyTable| table.numbers("COLOR_RANGE", ColorRange::NAMES),
        /// How a colour key is written.
        color_key: Option<ColorKeyKind> = ColorKeyKind::of,
        /// Least and greatest `zpos`; equal where it cannot be changed.
        zpos_range: Option<(u64, u64)> = zpos_range,
        /// Numbers of the blend modes that the plane has: none, pre-multiplied, coverage.
        blend_modes: [Option<u64>; 3] = blend_modes,
    }
}

table! {
    /// Properties of a CRTC.
    CrtcProps, "crtc", CrtcId,
    required {
        /// Whether it scans out.
        active: "ACTIVE",
        /// Its mode, a blob.
        mode_id: "MODE_ID",
    }
    optional {
        /// Where the out-fence goes (Linux 4.10).
        out_fence_ptr: "OUT_FENCE_PTR",
        /// Variable refresh.
        vrr_enabled: "VRR_ENABLED",
        /// Gamma table.
        gamma_lut: "GAMMA_LUT",
        /// Degamma table.
        degamma_lut: "DEGAMMA_LUT",
        /// Colour matrix.
        ctm: "CTM",
        /// What is seen where no plane is.
        background_color: "BACKGROUND_COLOR",
    }
    extra {
        /// Entries of the gamma table.
        gamma_lut_size: Option<u64> = |table: &PropertyTable| table.value("GAMMA_LUT_SIZE"),
        /// Entries of the degamma table.
        degamma_lut_size: Option<u64> = |table: &PropertyTable| table.value("DEGAMMA_LUT_SIZE"),
    }
}

table! {
    /// Properties of a connector.
    ConnectorProps, "connector", ConnectorId,
    required {
        /// The CRTC that drives it; 0 = none.
        crtc_id: "CRTC_ID",
    }
    optional {
        /// Whether the link needs a new modeset.
        link_status: "link-status",
        /// Most bits per component.
        max_bpc: "max bpc",
        /// Content type.
        content_type: "content type",
        /// Colorimetry.
        colorspace: "Colorspace",
        /// HDR metadata.
        hdr_output_metadata: "HDR_OUTPUT_METADATA",
        /// Display power (legacy; atomic clients use ACTIVE).
        dpms: "DPMS",
        /// Quantisation range of RGB (HDMI).
        broadcast_rgb: "Broadcast RGB",
    }
    extra {
        /// Least and greatest `max bpc`.
        max_bpc_range: Option<(u64, u64)> = max_bpc_range,
        /// Numbers of the content types.
        content_types: [Option<u64>; 5] = |table: &PropertyTable| table.numbers("content type", ContentType::NAMES),
        /// Numbers of the colorimetries.
        colorspaces: [Option<u64>; 16] = |table: &PropertyTable| table.numbers("Colorspace", Colorspace::NAMES),
        /// Numbers of the quantisation ranges: automatic, full, limited.
        broadcast_rgbs: [Option<u64>; 3] = |table: &PropertyTable| table.numbers("Broadcast RGB", BroadcastRgb::NAMES),
    }
}

table! {
    /// Properties of a writeback connector.
    WritebackProps, "writeback connector", ConnectorId,
    required {
        /// The CRTC whose image it takes; 0 = none.
        crtc_id: "CRTC_ID",
        /// The buffer; for one commit.
        fb_id: "WRITEBACK_FB_ID",
        /// Where its out-fence goes.
        out_fence_ptr: "WRITEBACK_OUT_FENCE_PTR",
    }
    optional {}
    extra {}
}

fn zpos_range(table: &PropertyTable) -> Option<(u64, u64)> {
    let zpos = table.get("zpos")?;
    match zpos.kind {
        PropertyKind::Range { min, max } if !zpos.immutable => Some((min, max)),
        _ => Some((zpos.value, zpos.value)),
    }
}

fn blend_modes(table: &PropertyTable) -> [Option<u64>; 3] {
    table.numbers("pixel blend mode", ["None", "Pre-multiplied", "Coverage"])
}

fn rotations(table: &PropertyTable) -> u32 {
    match table.get("rotation").map(|property| &property.kind) {
        // The values are bit numbers.
        Some(PropertyKind::Bitmask(bits)) => bits.iter().fold(0, |all, bit| all | 1u32.wrapping_shl(bit.value as u32)),
        _ => Rotation::ROTATE_0.bits(),
    }
}

fn max_bpc_range(table: &PropertyTable) -> Option<(u64, u64)> {
    match table.get("max bpc")?.kind {
        PropertyKind::Range { min, max } => Some((min, max)),
        _ => None,
    }
}

/// How a driver wants its colour key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorKeyKind {
    /// `colorkey` is the colour as `0xRRGGBB`, with bit 24 turning it on (R-Car DU, nouveau).
    EnableBit,
    /// `colorkey` is the colour; `colorkey_mode` turns it on (Armada): the numbers of "disabled"
    /// and of "RGB".
    Mode(u64, u64),
}

impl ColorKeyKind {
    pub(crate) const ENABLE: u64 = 1 << 24;

    fn of(table: &PropertyTable) -> Option<Self> {
        let PropertyKind::Range { max, .. } = table.get("colorkey")?.kind else { return None };
        if max & Self::ENABLE != 0 {
            return Some(Self::EnableBit);
        }
        let mode = |name| table.enum_value("colorkey_mode", name);
        Some(Self::Mode(mode("disabled")?, mode("RGB")?))
    }
}
