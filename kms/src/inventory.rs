//! Everything that a KMS device has, as one value that goes to JSON and back.
//!
//! Values are those of the moment of reading. Never changes anything on the device, except that
//! probing connectors wakes displays up.

mod connectors;
mod edid;
mod formats;
mod json;
mod properties;
mod read;

use serde::{Deserialize, Serialize};

pub use self::connectors::Probe;
pub use self::edid::{Colorimetry, Edid, EdidFault, Hdr};
use crate::device::{Caps, Driver};
use crate::id::{ConnectorId, CrtcId, CrtcIndex, EncoderId, ObjectId, PlaneId, PropertyId};
use crate::pipeline::ColorPipeline;
use crate::property::PropertyTable;
use crate::property_values::PlaneKind;
use crate::{Mode, ModeRequest};

/// A KMS device with all its objects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// The driver.
    pub driver: Driver,
    /// What it can do.
    pub caps: Caps,
    /// CRTCs in the kernel's order, which is that of the bits in `possible_crtcs`.
    pub crtcs: Vec<Crtc>,
    /// Connectors.
    pub connectors: Vec<Connector>,
    /// Encoders.
    pub encoders: Vec<Encoder>,
    /// Planes.
    pub planes: Vec<PlaneInfo>,
}

/// A CRTC: what scans an image out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crtc {
    /// Object id.
    pub id: CrtcId,
    /// Position among the CRTCs: bit in `possible_crtcs`, and the number in debugfs (`crtc-M`).
    pub index: CrtcIndex,
    /// Its properties.
    pub props: PropertyTable,
}

/// What is known of a display at a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Connection {
    /// A display is there.
    Connected,
    /// None is there.
    Disconnected,
    /// The hardware cannot tell.
    Unknown,
}

/// How a built-in panel is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelOrientation {
    /// As it is scanned out.
    Normal,
    /// The top of the panel is down.
    BottomUp,
    /// The left side of the panel is up.
    LeftUp,
    /// The right side of the panel is up.
    RightUp,
}

impl PanelOrientation {
    /// The kernel's names, in its order.
    pub(crate) const NAMES: [&str; 4] = ["Normal", "Upside Down", "Left Side Up", "Right Side Up"];
    const ALL: [Self; 4] = [Self::Normal, Self::BottomUp, Self::LeftUp, Self::RightUp];
}

/// A connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connector {
    /// Object id.
    pub id: ConnectorId,
    /// As the kernel's logs and other compositors call it: `HDMI-A-1`, `Virtual-1`.
    pub name: String,
    /// Whether a display is there.
    pub connection: Connection,
    /// Modes, in the order of the kernel (preferred ones first).
    pub modes: Vec<Mode>,
    /// Width and height of the display in mm; 0 if unknown.
    pub size_mm: (u32, u32),
    /// A headset or the like, which is not for a desktop.
    pub non_desktop: bool,
    /// A writeback connector: no display at all.
    pub writeback: bool,
    /// `DRM_FORMAT_*` that a writeback connector writes (`WRITEBACK_PIXEL_FORMATS`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written_formats: Vec<u32>,
    /// What the display says of itself; `None` without a display, or with one that says nothing
    /// legible.
    pub edid: Option<Edid>,
    /// Why that is `None`, or less than the display wanted to say; `None` where nothing is amiss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edid_fault: Option<EdidFault>,
    /// Where it hangs on a DisplayPort daisy chain (`PATH`): `mst:34-1-8`.
    pub path: Option<String>,
    /// Encoders that can feed it.
    pub encoders: Vec<EncoderId>,
    /// CRTCs that can drive it, as bits by index.
    pub possible_crtcs: u32,
    /// Its properties.
    pub props: PropertyTable,
}

impl Connector {
    /// Whether it can show a desktop now.
    pub fn connected(&self) -> bool {
        self.connection == Connection::Connected && !self.writeback && !self.modes.is_empty()
    }

    /// Whether a display may be there: the hardware cannot tell.
    pub fn may_be_connected(&self) -> bool {
        self.connection == Connection::Unknown && !self.writeback && !self.modes.is_empty()
    }

    /// The mode that the display prefers, else its first.
    pub fn preferred(&self) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.preferred).or(self.modes.first())
    }

    /// The mode that is asked for, else the one that the display prefers. `None` if there is no
    /// such mode.
    pub fn mode_for(&self, request: Option<ModeRequest>) -> Option<&Mode> {
        request.map_or_else(|| self.preferred(), |request| request.find(&self.modes))
    }

    /// Whether the display takes a variable refresh rate (`vrr_capable`).
    pub fn vrr_capable(&self) -> bool {
        self.props.value("vrr_capable") == Some(1)
    }

    /// How a built-in panel is mounted (`panel orientation`); `None` where nothing is known.
    pub fn panel_orientation(&self) -> Option<PanelOrientation> {
        let name = self.props.value_name("panel orientation")?;
        let at = PanelOrientation::NAMES.iter().position(|known| *known == name)?;
        Some(PanelOrientation::ALL[at])
    }

    /// Whether the link failed since the last modeset (`link-status`): another modeset, maybe with
    /// a lesser mode, must follow. Every modeset calls it good again.
    pub fn link_is_bad(&self) -> bool {
        self.props.value_name("link-status") == Some("Bad")
    }

    /// The CRTC that drives it now.
    pub fn crtc(&self) -> Option<CrtcId> {
        self.props.value("CRTC_ID").and_then(CrtcId::from_value)
    }
}

/// An encoder; of no use to atomic clients except for what it can join.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Encoder {
    /// Object id.
    pub id: EncoderId,
    /// What it makes of images: `TMDS`, `DSI`, `Virtual` …
    pub kind: String,
    /// CRTCs that it takes images from, as bits by index.
    pub possible_crtcs: u32,
    /// Encoders that can share its CRTC, as bits by index.
    pub possible_clones: u32,
}

/// A plane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaneInfo {
    /// Object id.
    pub id: PlaneId,
    /// Its kind.
    pub kind: PlaneKind,
    /// CRTCs that it can be shown on, as bits by index.
    pub possible_crtcs: u32,
    /// Formats and their modifiers.
    pub formats: Vec<FormatModifiers>,
    /// Those that asynchronous flips take (`IN_FORMATS_ASYNC`, Linux 6.16); empty where the driver
    /// does not say.
    pub formats_async: Vec<FormatModifiers>,
    /// Sizes that a cursor plane takes (`SIZE_HINTS`, Linux 6.9).
    pub size_hints: Vec<(u32, u32)>,
    /// Colour pipelines that it offers; empty before [`Device::show_colour_pipelines`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pipelines: Vec<ColorPipeline>,
    /// Its properties.
    pub props: PropertyTable,
}

impl PlaneInfo {
    /// The CRTC that shows it now.
    pub fn crtc(&self) -> Option<CrtcId> {
        self.props.value("CRTC_ID").and_then(CrtcId::from_value)
    }
}

/// A format with the modifiers that go with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatModifiers {
    /// `DRM_FORMAT_*`.
    #[serde(with = "json::fourcc")]
    pub format: u32,
    /// `DRM_FORMAT_MOD_*`; empty where the plane has no `IN_FORMATS` (then no modifier may be
    /// given).
    #[serde(with = "json::modifiers")]
    pub modifiers: Vec<u64>,
}

/// Whether `formats` has the pair. Without modifiers in the list only the implicit and the linear
/// one count.
pub fn supports(formats: &[FormatModifiers], format: u32, modifier: u64) -> bool {
    const IMPLICIT: u64 = 0x00ff_ffff_ffff_ffff;
    formats.iter().any(|entry| {
        entry.format == format
            && (modifier == IMPLICIT
                || entry.modifiers.contains(&modifier)
                || (entry.modifiers.is_empty() && modifier == 0))
    })
}

/// How a connector changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectorChange {
    /// A display was plugged in.
    Connected(ConnectorId),
    /// A display was unplugged.
    Disconnected(ConnectorId),
    /// Still connected, but with other modes, another EDID or another link status: a modeset may be
    /// due.
    Changed(ConnectorId),
    /// The connector itself is new (DisplayPort daisy chains, docks, configfs).
    Added(ConnectorId),
    /// The connector itself is gone.
    Removed(ConnectorId),
}

impl Inventory {
    /// A connector by id.
    pub fn connector(&self, id: ConnectorId) -> Option<&Connector> {
        self.connectors.iter().find(|connector| connector.id == id)
    }

    /// A connector by name.
    pub fn connector_by_name(&self, name: &str) -> Option<&Connector> {
        self.connectors.iter().find(|connector| connector.name == name)
    }

    /// A CRTC by id.
    pub fn crtc(&self, id: CrtcId) -> Option<&Crtc> {
        self.crtcs.iter().find(|crtc| crtc.id == id)
    }

    /// Every table of properties, with its object.
    pub(crate) fn tables(&mut self) -> impl Iterator<Item = (ObjectId, &mut PropertyTable)> {
        let crtcs = self.crtcs.iter_mut().map(|crtc| (crtc.id.into(), &mut crtc.props));
        let connectors = self.connectors.iter_mut().map(|connector| (connector.id.into(), &mut connector.props));
        let planes = self.planes.iter_mut().map(|plane| (plane.id.into(), &mut plane.props));
        crtcs.chain(connectors).chain(planes)
    }

    /// Sets the values of the properties for which `value` knows one.
    pub(crate) fn set_values(&mut self, value: impl Fn(ObjectId, PropertyId) -> Option<u64>) {
        for (object, table) in self.tables() {
            for property in table.0.values_mut() {
                property.value = value(object, property.id).unwrap_or(property.value);
            }
        }
    }

    /// Connectors that can show a desktop now, and of those that cannot tell ([`Connection::Unknown`])
    /// the ones that are taken by their name.
    pub fn usable(&self, take: impl Fn(&str) -> bool) -> impl Iterator<Item = &Connector> {
        let usable = move |connector: &&Connector| {
            !connector.non_desktop && (connector.connected() || connector.may_be_connected() && take(&connector.name))
        };
        self.connectors.iter().filter(usable)
    }

    /// Connectors that can show a desktop now.
    pub fn connected(&self) -> impl Iterator<Item = &Connector> {
        self.connectors.iter().filter(|connector| connector.connected() && !connector.non_desktop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::Stock;

    #[test]
    fn a_connector_that_cannot_tell_is_usable_where_it_is_taken() {
        let table = [
            (Connection::Connected, false, true),
            (Connection::Connected, true, true),
            (Connection::Unknown, false, false),
            (Connection::Unknown, true, true),
            (Connection::Disconnected, true, false),
        ];
        for (connection, taken, usable) in table {
            let mut inventory = Stock::default().inventory();
            inventory.connectors[0].connection = connection;
            let found = inventory.usable(|name| taken && name == "Virtual-1").count();
            assert_eq!(found, usize::from(usable), "{connection:?}, taken: {taken}");
        }
    }
}
