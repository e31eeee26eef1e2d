//! The hardware that a scripted kernel pretends to have, as an inventory.

use dmabuf_import::Fourcc;
use drm_ffi::drm_mode_modeinfo;

use crate::device::{Caps, Driver};
use crate::inventory::{Connection, Connector, Crtc, Encoder, FormatModifiers, Inventory, PlaneInfo};
use crate::property::{EnumValue, Property, PropertyKind, PropertyTable};
use crate::{BroadcastRgb, ColorEncoding, ColorRange, Colorspace, ContentType, Mode, PlaneKind, ScalingFilter};

/// Object and property ids of the pretended hardware.
pub mod ids {
    /// The first connector; the others follow.
    pub const CONNECTOR: u32 = 10;
    /// The first CRTC; the others follow.
    pub const CRTC: u32 = 20;
    /// The first plane; the others follow.
    pub const PLANE: u32 = 30;
    /// Properties.
    pub const FB_ID: u32 = 201;
    /// Of planes and connectors.
    pub const CRTC_ID: u32 = 202;
    /// Of planes.
    pub const IN_FENCE_FD: u32 = 203;
    /// Of CRTCs.
    pub const OUT_FENCE_PTR: u32 = 204;
    /// Of CRTCs.
    pub const ACTIVE: u32 = 205;
    /// Of CRTCs.
    pub const MODE_ID: u32 = 206;
    /// Of planes: SRC_X, and SRC_Y, SRC_W, SRC_H after it.
    pub const SRC_X: u32 = 210;
    /// Of planes: CRTC_X, and CRTC_Y, CRTC_W, CRTC_H after it.
    pub const CRTC_X: u32 = 214;
    /// Of planes.
    pub const ALPHA: u32 = 220;
    /// Of planes.
    pub const ZPOS: u32 = 221;
    /// Of planes.
    pub const BLEND: u32 = 222;
    /// Of planes.
    pub const DAMAGE: u32 = 223;
    /// Of planes.
    pub const ROTATION: u32 = 224;
    /// Of planes.
    pub const SCALING_FILTER: u32 = 225;
    /// Of planes.
    pub const COLOR_ENCODING: u32 = 226;
    /// Of planes.
    pub const COLOR_RANGE: u32 = 227;
    /// Of planes.
    pub const COLORKEY: u32 = 228;
    /// Of planes: HOTSPOT_X, and HOTSPOT_Y after it.
    pub const HOTSPOT_X: u32 = 229;
    /// Of planes.
    pub const COLOR_PIPELINE: u32 = 231;
    /// Of CRTCs: DEGAMMA_LUT, and CTM, GAMMA_LUT, BACKGROUND_COLOR after it.
    pub const DEGAMMA_LUT: u32 = 240;
    /// Of connectors: `max bpc`, and `content type`, Colorspace, HDR_OUTPUT_METADATA, `Broadcast
    /// RGB` after it.
    pub const MAX_BPC: u32 = 250;
    /// Of CRTCs.
    pub const VRR_ENABLED: u32 = 260;
    /// Of connectors.
    pub const VRR_CAPABLE: u32 = 261;
    /// Of writeback connectors: `WRITEBACK_FB_ID`, and `WRITEBACK_OUT_FENCE_PTR` after it.
    pub const WRITEBACK: u32 = 262;

    /// Whether an object id is that of a CRTC.
    pub fn is_crtc(id: u32) -> bool {
        (CRTC..PLANE).contains(&id)
    }
}

/// What to pretend.
#[derive(Debug, Clone, Copy)]
pub struct Stock {
    /// Outputs, each with a connector, a CRTC, a primary and (see `cursor`) a cursor plane.
    pub outputs: u32,
    /// Overlays that go on every CRTC.
    pub overlays: u32,
    /// Whether there are cursor planes.
    pub cursor: bool,
    /// Whether there are IN_FENCE_FD and OUT_FENCE_PTR.
    pub fences: bool,
    /// Whether planes have alpha, zpos, blend modes and damage.
    pub rich: bool,
}

impl Default for Stock {
    fn default() -> Self {
        Self { outputs: 1, overlays: 2, cursor: true, fences: true, rich: true }
    }
}

impl Stock {
    /// The inventory of it, everything off.
    pub fn inventory(&self) -> Inventory {
        let each = 0..self.outputs;
        let all = (1u32 << self.outputs) - 1;
        let mut planes = Vec::new();
        let mut add = |kind, possible_crtcs, zpos| {
            let id = ids::PLANE + planes.len() as u32;
            planes.push(self.plane(id, kind, possible_crtcs, zpos));
        };
        each.clone().for_each(|at| add(PlaneKind::Primary, 1 << at, 0));
        (0..self.overlays).for_each(|at| add(PlaneKind::Overlay, all, u64::from(at) + 1));
        if self.cursor {
            each.clone().for_each(|at| add(PlaneKind::Cursor, 1 << at, 255));
        }
        let encoder = |at| Encoder { id: 15 + at, kind: "Virtual".to_owned(), possible_crtcs: all, possible_clones: 0 };
        Inventory {
            driver: Driver { name: "scripted".to_owned(), version: (1, 0, 0) },
            caps: Caps { modifiers: true, cursor: (64, 64), ..Caps::default() },
            crtcs: each.clone().map(|at| self.crtc(at)).collect(),
            connectors: each.clone().map(|at| connector(at, all)).collect(),
            encoders: each.map(encoder).collect(),
            planes,
        }
    }

    /// A mode of 1024x768 at 60 Hz, which every connector has.
    pub fn mode() -> Mode {
        Mode::from_kernel(&drm_mode_modeinfo {
            clock: 65000,
            hdisplay: 1024,
            htotal: 1344,
            vdisplay: 768,
            vtotal: 806,
            vrefresh: 60,
            type_: drm_sys::DRM_MODE_TYPE_PREFERRED,
            ..Default::default()
        })
    }

    fn crtc(&self, index: u32) -> Crtc {
        let mut props = PropertyTable::default();
        number(&mut props, "ACTIVE", ids::ACTIVE, 1);
        number(&mut props, "MODE_ID", ids::MODE_ID, u32::MAX.into());
        if self.fences {
            number(&mut props, "OUT_FENCE_PTR", ids::OUT_FENCE_PTR, u64::MAX);
        }
        if self.rich {
            number(&mut props, "VRR_ENABLED", ids::VRR_ENABLED, 1);
        }
        Crtc { id: ids::CRTC + index, index, props }
    }

    fn plane(&self, id: u32, kind: PlaneKind, possible_crtcs: u32, zpos: u64) -> PlaneInfo {
        let mut props = PropertyTable::default();
        number(&mut props, "FB_ID", ids::FB_ID, u32::MAX.into());
        number(&mut props, "CRTC_ID", ids::CRTC_ID, u32::MAX.into());
        for (at, name) in ["SRC_X", "SRC_Y", "SRC_W", "SRC_H"].into_iter().enumerate() {
            number(&mut props, name, ids::SRC_X + at as u32, u32::MAX.into());
        }
        for (at, name) in ["CRTC_X", "CRTC_Y", "CRTC_W", "CRTC_H"].into_iter().enumerate() {
            number(&mut props, name, ids::CRTC_X + at as u32, u32::MAX.into());
        }
        if self.fences {
            number(&mut props, "IN_FENCE_FD", ids::IN_FENCE_FD, u64::MAX);
        }
        if self.rich {
            number(&mut props, "alpha", ids::ALPHA, 0xffff);
            number(&mut props, "zpos", ids::ZPOS, 255);
            number(&mut props, "FB_DAMAGE_CLIPS", ids::DAMAGE, u32::MAX.into());
            choice(&mut props, "pixel blend mode", ids::BLEND, &["None", "Pre-multiplied", "Coverage"]);
            let bits = ["rotate-0", "rotate-90", "rotate-180", "rotate-270", "reflect-x", "reflect-y"];
            choice(&mut props, "rotation", ids::ROTATION, &bits);
            if let Some(rotation) = props.0.get_mut("rotation") {
                rotation.kind = PropertyKind::Bitmask(names(&bits));
            }
        }
        if let Some(property) = props.0.get_mut("zpos") {
            property.value = zpos;
        }
        let formats = [Fourcc::Xrgb8888, Fourcc::Argb8888];
        let formats = formats.map(|format| FormatModifiers { format: format as u32, modifiers: vec![0] }).to_vec();
        PlaneInfo {
            id,
            kind,
            possible_crtcs,
            formats,
            formats_async: Vec::new(),
            size_hints: Vec::new(),
            pipelines: Vec::new(),
            props,
        }
    }
}

fn connector(index: u32, all: u32) -> Connector {
    let mut props = PropertyTable::default();
    number(&mut props, "CRTC_ID", ids::CRTC_ID, u32::MAX.into());
    number(&mut props, "vrr_capable", ids::VRR_CAPABLE, 1);
    Connector {
        id: ids::CONNECTOR + index,
        name: format!("Virtual-{}", index + 1),
        connection: Connection::Connected,
        modes: vec![Stock::mode()],
        size_mm: (0, 0),
        non_desktop: false,
        writeback: false,
        edid: None,
        path: None,
        encoders: vec![15 + index],
        possible_crtcs: all,
        props,
    }
}

/// The properties that [`Stock`] leaves out, added to an inventory: plane, CRTC and connector
/// colour, and what goes with it.
pub fn add_colour(inventory: &mut Inventory) {
    for plane in &mut inventory.planes {
        let props = &mut plane.props;
        choice(props, "SCALING_FILTER", ids::SCALING_FILTER, &ScalingFilter::NAMES);
        choice(props, "COLOR_ENCODING", ids::COLOR_ENCODING, &ColorEncoding::NAMES[..2]);
        choice(props, "COLOR_RANGE", ids::COLOR_RANGE, &ColorRange::NAMES);
        number(props, "colorkey", ids::COLORKEY, 0x01ff_ffff);
        number(props, "HOTSPOT_X", ids::HOTSPOT_X, u64::MAX);
        number(props, "HOTSPOT_Y", ids::HOTSPOT_X + 1, u64::MAX);
    }
    for crtc in &mut inventory.crtcs {
        for (at, name) in ["DEGAMMA_LUT", "CTM", "GAMMA_LUT", "BACKGROUND_COLOR"].into_iter().enumerate() {
            number(&mut crtc.props, name, ids::DEGAMMA_LUT + at as u32, u64::MAX);
        }
        number(&mut crtc.props, "GAMMA_LUT_SIZE", ids::DEGAMMA_LUT + 4, u64::MAX);
        if let Some(size) = crtc.props.0.get_mut("GAMMA_LUT_SIZE") {
            size.value = 4;
        }
    }
    for connector in &mut inventory.connectors {
        let props = &mut connector.props;
        let kind = PropertyKind::Range { min: 6, max: 12 };
        let bpc = Property { id: ids::MAX_BPC, value: 8, immutable: false, atomic: false, kind };
        props.0.insert("max bpc".to_owned(), bpc);
        choice(props, "content type", ids::MAX_BPC + 1, &ContentType::NAMES);
        choice(props, "Colorspace", ids::MAX_BPC + 2, &Colorspace::NAMES[..11]);
        number(props, "HDR_OUTPUT_METADATA", ids::MAX_BPC + 3, u32::MAX.into());
        choice(props, "Broadcast RGB", ids::MAX_BPC + 4, &BroadcastRgb::NAMES);
    }
}

fn names(names: &[&str]) -> Vec<EnumValue> {
    names.iter().zip(0..).map(|(name, value)| EnumValue { value, name: (*name).to_owned() }).collect()
}

fn choice(table: &mut PropertyTable, name: &str, id: u32, of: &[&str]) {
    let kind = PropertyKind::Enum(names(of));
    table.0.insert(name.to_owned(), Property { id, value: 0, immutable: false, atomic: false, kind });
}

fn number(table: &mut PropertyTable, name: &str, id: u32, max: u64) {
    let kind = PropertyKind::Range { min: 0, max };
    table.0.insert(name.to_owned(), Property { id, value: 0, immutable: false, atomic: true, kind });
}
