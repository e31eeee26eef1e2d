//! The last atomic request as text, and the kernel's view of the display, for reports of failures.

use std::fmt::Write;

use kms::crc::CrcReader;
use kms::property::{PropertyKind, PropertyTable};
use kms::{ObjectId, PropertyId};

use super::Screen;

impl Screen {
    /// The last atomic request with its flags, a line for each property: object, name, value.
    pub fn request_text(&self) -> String {
        let (values, flags) = &self.last;
        let mut text = format!("{flags:?}\n");
        for (object, property, value) in values {
            let _ = writeln!(text, "{}", self.line(*object, *property, *value));
        }
        text
    }

    fn line(&self, object: ObjectId, property: PropertyId, value: u64) -> String {
        let planes = self.planes.iter().map(|plane| {
            (ObjectId::from(plane.id), format!("plane {} ({})", plane.id, plane.kind.name()), &plane.info.props)
        });
        let crtcs = self.inventory.crtcs.iter().map(|crtc| (crtc.id.into(), format!("CRTC {}", crtc.id), &crtc.props));
        let connectors = self.inventory.connectors.iter().map(|connector| {
            (connector.id.into(), format!("connector {} ({})", connector.id, connector.name), &connector.props)
        });
        let found = planes.chain(crtcs).chain(connectors).find(|(id, ..)| *id == object);
        let (place, name, value) = match found {
            Some((_, place, props)) => {
                let (name, value) = named(props, property, value);
                // Hidden from the inventory; only planes have it.
                let pipeline = self.planes.iter().any(|plane| plane.pipeline_prop == Some(property));
                (place, name.or_else(|| pipeline.then(|| "COLOR_PIPELINE".to_owned())), value)
            }
            None => (format!("object {}", object.raw()), None, value.to_string()),
        };
        let name = name.unwrap_or_else(|| format!("property {}", property.raw()));
        format!("{place}: {name} = {value}")
    }

    /// What the kernel says of all planes, CRTCs and connectors of the card (debugfs `state`).
    /// Errors: one line why it cannot be read.
    pub fn kernel_state(&self) -> Result<String, String> {
        let reader = CrcReader::open(&self.device, self.output.crtc_index()).map_err(|error| error.to_string())?;
        let card = reader.dir().ancestors().nth(2).ok_or("there is no folder of the card")?;
        let path = card.join("state");
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// The name of a property and its value as people write it.
fn named(props: &PropertyTable, id: PropertyId, value: u64) -> (Option<String>, String) {
    let Some((name, property)) = props.0.iter().find(|(_, property)| property.id == id) else {
        return (None, value.to_string());
    };
    let text = match &property.kind {
        PropertyKind::SignedRange { .. } => (value as i64).to_string(),
        PropertyKind::Enum(values) => {
            let known = values.iter().find(|known| known.value == value);
            known.map_or_else(|| value.to_string(), |known| format!("{} ({value})", known.name))
        }
        PropertyKind::Bitmask(bits) => {
            let set = bits.iter().filter(|bit| value.checked_shr(bit.value as u32).is_some_and(|rest| rest & 1 != 0));
            let set: Vec<_> = set.map(|bit| bit.name.as_str()).collect();
            format!("{} ({value})", set.join(", "))
        }
        _ if name.starts_with("SRC_") => format!("{} (16.16: {value})", value as f64 / 65536.0),
        _ => value.to_string(),
    };
    (Some(name.clone()), text)
}
