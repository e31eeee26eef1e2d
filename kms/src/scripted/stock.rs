//! The hardware that a scripted kernel pretends to have, as an inventory.

use dmabuf_import::Fourcc;
use drm_ffi::drm_mode_modeinfo;

use crate::device::{Caps, Driver};
use crate::id::{CrtcIndex, EncoderId, PlaneId, PropertyId};
use crate::inventory::{Connection, Connector, Crtc, Encoder, FormatModifiers, Inventory, PanelOrientation, PlaneInfo};
use crate::property::{EnumValue, Property, PropertyKind, PropertyTable};
use crate::{BroadcastRgb, ColorEncoding, ColorRange, Colorspace, ContentType, Mode, PlaneKind, ScalingFilter};

/// Object and property ids of the pretended hardware.
pub mod ids {
    use crate::id::{ConnectorId, CrtcId, CrtcIndex, ObjectId, PlaneId, PropertyId};

    /// The first connector; [`connector`] has the others.
    pub const CONNECTOR: ConnectorId = connector(0);
    /// The first CRTC; [`crtc`] has the others.
    pub const CRTC: CrtcId = crtc(CrtcIndex::from_raw(0));
    /// The first plane; [`plane`] has the others.
    pub const PLANE: PlaneId = plane(0);

    const FIRST_CRTC: u32 = 20;
    const FIRST_PLANE: u32 = 30;
    const FIRST_WRITEBACK: u32 = 180;

    /// A connector by its position among all.
    pub const fn connector(at: u32) -> ConnectorId {
        ConnectorId::from_raw(10 + at)
    }

    /// A CRTC by its index.
    pub const fn crtc(index: CrtcIndex) -> CrtcId {
        CrtcId::from_raw(FIRST_CRTC + index.raw())
    }

    /// A plane by its position among all.
    pub const fn plane(at: u32) -> PlaneId {
        PlaneId::from_raw(FIRST_PLANE + at)
    }

    /// The writeback connector of a CRTC, by its index.
    pub const fn writeback(at: u32) -> ConnectorId {
        ConnectorId::from_raw(FIRST_WRITEBACK + at)
    }

    /// The CRTC of the object, if that is a writeback connector.
    pub fn crtc_of_writeback(object: ObjectId) -> Option<CrtcId> {
        let at = object.raw().checked_sub(FIRST_WRITEBACK).filter(|at| *at < FIRST_PLANE - FIRST_CRTC)?;
        Some(crtc(CrtcIndex::from_raw(at)))
    }

    /// The object as a CRTC, if it is one.
    pub fn as_crtc(object: ObjectId) -> Option<CrtcId> {
        (FIRST_CRTC..FIRST_PLANE).contains(&object.raw()).then(|| CrtcId::from_raw(object.raw()))
    }

    macro_rules! properties {
        ($($(#[$doc:meta])* $name:ident = $raw:literal,)*) => {
            $($(#[$doc])* pub const $name: PropertyId = PropertyId::from_raw($raw);)*
        };
    }

    properties! {
        /// Of planes.
        FB_ID = 201,
        /// Of planes and connectors.
        CRTC_ID = 202,
        /// Of planes.
        IN_FENCE_FD = 203,
        /// Of CRTCs.
        OUT_FENCE_PTR = 204,
        /// Of CRTCs.
        ACTIVE = 205,
        /// Of CRTCs.
        MODE_ID = 206,
        /// Of planes.
        SRC_X = 210,
        /// Of planes.
        SRC_Y = 211,
        /// Of planes.
        SRC_W = 212,
        /// Of planes.
        SRC_H = 213,
        /// Of planes.
        CRTC_X = 214,
        /// Of planes.
        CRTC_Y = 215,
        /// Of planes.
        CRTC_W = 216,
        /// Of planes.
        CRTC_H = 217,
        /// Of planes.
        ALPHA = 220,
        /// Of planes.
        ZPOS = 221,
        /// Of planes.
        BLEND = 222,
        /// Of planes.
        DAMAGE = 223,
        /// Of planes.
        ROTATION = 224,
        /// Of planes.
        SCALING_FILTER = 225,
        /// Of planes.
        COLOR_ENCODING = 226,
        /// Of planes.
        COLOR_RANGE = 227,
        /// Of planes.
        COLORKEY = 228,
        /// Of planes.
        HOTSPOT_X = 229,
        /// Of planes.
        HOTSPOT_Y = 230,
        /// Of planes.
        COLOR_PIPELINE = 231,
        /// Of CRTCs.
        DEGAMMA_LUT = 240,
        /// Of CRTCs.
        CTM = 241,
        /// Of CRTCs.
        GAMMA_LUT = 242,
        /// Of CRTCs.
        BACKGROUND_COLOR = 243,
        /// Of CRTCs.
        GAMMA_LUT_SIZE = 244,
        /// Of connectors.
        MAX_BPC = 250,
        /// Of connectors.
        CONTENT_TYPE = 251,
        /// Of connectors.
        COLORSPACE = 252,
        /// Of connectors.
        HDR_OUTPUT_METADATA = 253,
        /// Of connectors.
        BROADCAST_RGB = 254,
        /// Of CRTCs.
        VRR_ENABLED = 260,
        /// Of connectors.
        VRR_CAPABLE = 261,
        /// Of connectors.
        PANEL_ORIENTATION = 264,
        /// Of writeback connectors.
        WRITEBACK_FB_ID = 262,
        /// Of writeback connectors.
        WRITEBACK_OUT_FENCE_PTR = 263,
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
    /// Whether planes have alpha, zpos, blend modes and damage, and cursor planes a hotspot.
    pub rich: bool,
    /// Whether the displays can refresh at a varying rate.
    pub vrr: bool,
    /// Whether each CRTC has a writeback connector.
    pub writeback: bool,
    /// How the displays are mounted; `None`: the kernel does not say.
    pub panel: Option<PanelOrientation>,
    /// Name of the driver: what is known of drivers goes by it.
    pub driver: &'static str,
}

impl Default for Stock {
    fn default() -> Self {
        let (outputs, overlays, driver) = (1, 2, "scripted");
        Self {
            outputs,
            overlays,
            cursor: true,
            fences: true,
            rich: true,
            vrr: false,
            writeback: false,
            panel: None,
            driver,
        }
    }
}

impl Stock {
    /// The inventory of it, everything off.
    pub fn inventory(&self) -> Inventory {
        let each = 0..self.outputs;
        let all = (1u32 << self.outputs) - 1;
        let mut planes = Vec::new();
        let mut add = |kind, possible_crtcs, zpos| {
            let id = ids::plane(planes.len() as u32);
            planes.push(self.plane(id, kind, possible_crtcs, zpos));
        };
        each.clone().for_each(|at| add(PlaneKind::Primary, 1 << at, 0));
        (0..self.overlays).for_each(|at| add(PlaneKind::Overlay, all, u64::from(at) + 1));
        if self.cursor {
            each.clone().for_each(|at| add(PlaneKind::Cursor, 1 << at, 255));
        }
        let written = each.clone().filter(|_| self.writeback).map(|at| self.writeback(at, all));
        let kind = || "Virtual".to_owned();
        let encoder = |at| Encoder { id: encoder(at), kind: kind(), possible_crtcs: all, possible_clones: 0 };
        Inventory {
            driver: Driver { name: self.driver.to_owned(), version: (1, 0, 0), description: String::new() },
            caps: Caps { modifiers: true, cursor: (64, 64), ..Caps::default() },
            crtcs: each.clone().map(|at| self.crtc(CrtcIndex::from_raw(at))).collect(),
            connectors: each.clone().map(|at| self.connector(at, all)).chain(written).collect(),
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

    fn connector(&self, index: u32, all: u32) -> Connector {
        let mut props = PropertyTable::default();
        number(&mut props, "CRTC_ID", ids::CRTC_ID, u32::MAX.into());
        number(&mut props, "vrr_capable", ids::VRR_CAPABLE, 1);
        if let Some(capable) = props.0.get_mut("vrr_capable") {
            capable.value = self.vrr.into();
        }
        if let Some(panel) = self.panel {
            choice(&mut props, "panel orientation", ids::PANEL_ORIENTATION, &PanelOrientation::NAMES);
            if let Some(orientation) = props.0.get_mut("panel orientation") {
                orientation.value = panel as u64;
            }
        }
        Connector {
            id: ids::connector(index),
            name: format!("Virtual-{}", index + 1),
            connection: Connection::Connected,
            modes: vec![Stock::mode()],
            size_mm: (0, 0),
            non_desktop: false,
            writeback: false,
            written_formats: Vec::new(),
            edid: None,
            edid_fault: None,
            path: None,
            encoders: vec![encoder(index)],
            possible_crtcs: all,
            props,
        }
    }

    /// The writeback connector of a CRTC.
    fn writeback(&self, index: u32, all: u32) -> Connector {
        let mut props = PropertyTable::default();
        number(&mut props, "CRTC_ID", ids::CRTC_ID, u32::MAX.into());
        number(&mut props, "WRITEBACK_FB_ID", ids::WRITEBACK_FB_ID, u32::MAX.into());
        number(&mut props, "WRITEBACK_OUT_FENCE_PTR", ids::WRITEBACK_OUT_FENCE_PTR, u64::MAX);
        Connector {
            id: ids::writeback(index),
            name: format!("Writeback-{}", index + 1),
            connection: Connection::Unknown,
            modes: Vec::new(),
            writeback: true,
            written_formats: vec![Fourcc::Xrgb8888 as u32],
            possible_crtcs: 1 << index,
            props,
            ..self.connector(index, all)
        }
    }

    /// One of 800x600 at 60 Hz, which a test may add.
    pub fn lesser_mode() -> Mode {
        Mode::from_kernel(&drm_mode_modeinfo {
            clock: 39790,
            hdisplay: 800,
            htotal: 1056,
            vdisplay: 600,
            vtotal: 628,
            vrefresh: 60,
            ..Default::default()
        })
    }

    fn crtc(&self, index: CrtcIndex) -> Crtc {
        let mut props = PropertyTable::default();
        number(&mut props, "ACTIVE", ids::ACTIVE, 1);
        number(&mut props, "MODE_ID", ids::MODE_ID, u32::MAX.into());
        if self.fences {
            number(&mut props, "OUT_FENCE_PTR", ids::OUT_FENCE_PTR, u64::MAX);
        }
        if self.rich {
            number(&mut props, "VRR_ENABLED", ids::VRR_ENABLED, 1);
        }
        Crtc { id: ids::crtc(index), index, props }
    }

    fn plane(&self, id: PlaneId, kind: PlaneKind, possible_crtcs: u32, zpos: u64) -> PlaneInfo {
        let mut props = PropertyTable::default();
        number(&mut props, "FB_ID", ids::FB_ID, u32::MAX.into());
        number(&mut props, "CRTC_ID", ids::CRTC_ID, u32::MAX.into());
        for (name, id) in [
            ("SRC_X", ids::SRC_X),
            ("SRC_Y", ids::SRC_Y),
            ("SRC_W", ids::SRC_W),
            ("SRC_H", ids::SRC_H),
            ("CRTC_X", ids::CRTC_X),
            ("CRTC_Y", ids::CRTC_Y),
            ("CRTC_W", ids::CRTC_W),
            ("CRTC_H", ids::CRTC_H),
        ] {
            number(&mut props, name, id, u32::MAX.into());
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
        if self.rich && kind == PlaneKind::Cursor {
            number(&mut props, "HOTSPOT_X", ids::HOTSPOT_X, u64::MAX);
            number(&mut props, "HOTSPOT_Y", ids::HOTSPOT_Y, u64::MAX);
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

fn encoder(index: u32) -> EncoderId {
    EncoderId::from_raw(15 + index)
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
        number(props, "HOTSPOT_Y", ids::HOTSPOT_Y, u64::MAX);
    }
    for crtc in &mut inventory.crtcs {
        for (name, id) in [
            ("DEGAMMA_LUT", ids::DEGAMMA_LUT),
            ("CTM", ids::CTM),
            ("GAMMA_LUT", ids::GAMMA_LUT),
            ("BACKGROUND_COLOR", ids::BACKGROUND_COLOR),
            ("GAMMA_LUT_SIZE", ids::GAMMA_LUT_SIZE),
        ] {
            number(&mut crtc.props, name, id, u64::MAX);
        }
        if let Some(size) = crtc.props.0.get_mut("GAMMA_LUT_SIZE") {
            size.value = 4;
        }
    }
    for connector in &mut inventory.connectors {
        let props = &mut connector.props;
        let kind = PropertyKind::Range { min: 6, max: 12 };
        let bpc = Property { id: ids::MAX_BPC, value: 8, immutable: false, atomic: false, kind };
        props.0.insert("max bpc".to_owned(), bpc);
        choice(props, "content type", ids::CONTENT_TYPE, &ContentType::NAMES);
        choice(props, "Colorspace", ids::COLORSPACE, &Colorspace::NAMES[..11]);
        number(props, "HDR_OUTPUT_METADATA", ids::HDR_OUTPUT_METADATA, u32::MAX.into());
        choice(props, "Broadcast RGB", ids::BROADCAST_RGB, &BroadcastRgb::NAMES);
    }
}

fn names(names: &[&str]) -> Vec<EnumValue> {
    names.iter().zip(0..).map(|(name, value)| EnumValue { value, name: (*name).to_owned() }).collect()
}

fn choice(table: &mut PropertyTable, name: &str, id: PropertyId, of: &[&str]) {
    let kind = PropertyKind::Enum(names(of));
    table.0.insert(name.to_owned(), Property { id, value: 0, immutable: false, atomic: false, kind });
}

fn number(table: &mut PropertyTable, name: &str, id: PropertyId, max: u64) {
    let kind = PropertyKind::Range { min: 0, max };
    table.0.insert(name.to_owned(), Property { id, value: 0, immutable: false, atomic: true, kind });
}
