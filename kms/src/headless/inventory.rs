//! The objects of a headless device: for each display a connector, a CRTC and a primary plane, with
//! the properties that KMS requires and no others.

use dmabuf_import::Fourcc;

use crate::device::{Caps, Driver};
use crate::id::{ConnectorId, CrtcId, CrtcIndex, EncoderId, PlaneId, PropertyId};
use crate::inventory::{Connection, Connector, Crtc, Encoder, FormatModifiers, Inventory, PlaneInfo};
use crate::property::{Property, PropertyKind, PropertyTable};
use crate::{Mode, PlaneKind};

/// Ids of the first object of each kind, far enough apart for [`super::MAX_DISPLAYS`]; properties
/// are counted from 400.
const CONNECTORS: u32 = 100;
const ENCODERS: u32 = 150;
const CRTCS: u32 = 200;
const PLANES: u32 = 300;

const OF_CONNECTOR: [&str; 1] = ["CRTC_ID"];
/// The property `MODE_ID` of each CRTC.
pub const MODE_ID: PropertyId = PropertyId::from_raw(401);
const OF_CRTC: [&str; 2] = ["ACTIVE", "MODE_ID"];
const OF_PLANE: [&str; 10] =
    ["FB_ID", "CRTC_ID", "SRC_X", "SRC_Y", "SRC_W", "SRC_H", "CRTC_X", "CRTC_Y", "CRTC_W", "CRTC_H"];

/// The inventory of displays with these names and modes, all plugged in and off.
pub fn of(displays: &[(String, Vec<Mode>)], driver: Driver, caps: Caps) -> Inventory {
    let each = || displays.iter().zip(0u32..);
    let encoder = |at| Encoder {
        id: EncoderId::from_raw(ENCODERS + at),
        kind: "Virtual".to_owned(),
        possible_crtcs: 1u32 << at,
        possible_clones: 0,
    };
    let crtc =
        |at| Crtc { id: CrtcId::from_raw(CRTCS + at), index: CrtcIndex::from_raw(at), props: table(400, &OF_CRTC) };
    Inventory {
        driver,
        caps,
        crtcs: each().map(|(_, at)| crtc(at)).collect(),
        connectors: each().map(|((name, modes), at)| connector(name, modes, at)).collect(),
        encoders: each().map(|(_, at)| encoder(at)).collect(),
        planes: each().map(|(_, at)| plane(at)).collect(),
    }
}

fn connector(name: &str, modes: &[Mode], at: u32) -> Connector {
    Connector {
        id: ConnectorId::from_raw(CONNECTORS + at),
        name: name.to_owned(),
        connection: Connection::Connected,
        modes: modes.to_vec(),
        size_mm: (0, 0),
        non_desktop: false,
        writeback: false,
        written_formats: Vec::new(),
        edid: None,
        edid_fault: None,
        path: None,
        encoders: vec![EncoderId::from_raw(ENCODERS + at)],
        possible_crtcs: 1u32 << at,
        props: table(410, &OF_CONNECTOR),
    }
}

fn plane(at: u32) -> PlaneInfo {
    let format = |format: Fourcc| FormatModifiers { format: format as u32, modifiers: vec![0] };
    PlaneInfo {
        id: PlaneId::from_raw(PLANES + at),
        kind: PlaneKind::Primary,
        possible_crtcs: 1u32 << at,
        formats: vec![format(Fourcc::Xrgb8888)],
        formats_async: Vec::new(),
        size_hints: Vec::new(),
        pipelines: Vec::new(),
        props: table(420, &OF_PLANE),
    }
}

fn table(first: u32, names: &[&str]) -> PropertyTable {
    let mut table = PropertyTable::default();
    for (name, id) in names.iter().zip(first..) {
        let kind = PropertyKind::Range { min: 0, max: u64::MAX };
        let property = Property { id: PropertyId::from_raw(id), value: 0, immutable: false, atomic: true, kind };
        table.0.insert((*name).to_owned(), property);
    }
    table
}
