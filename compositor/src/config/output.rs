//! `[[output]]`: the settings of one display, by the name of its connector or by what the monitor calls itself.
//!
//! A setting for which the connector has no property is dropped with a warning when the display is
//! lit. A value that no connector could have is an error in the file.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use kms::ModeRequest;
use smithay::utils::Transform;

use crate::system::scale::Scale;

documented! {
    /// The settings of one display.
    #[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    pub struct OutputConfig {
        /// The name of the connector as `syncline doctor` lists it, for example `HDMI-A-1`; or make, model and serial
        /// number of the monitor, as `wlr-randr` lists them, for example `DEL DELL U2720Q 4K8X7R3`, wherever it is
        /// plugged in. If both are named, what is said of the monitor counts.
        pub name: String,
        /// Whether the display is lit.
        #[serde(default = "lit", skip_serializing_if = "Clone::clone")]
        pub enabled: bool,
        /// `1920x1080` or `1920x1080@60`; `--mode` takes precedence.
        #[serde(default, deserialize_with = "mode", serialize_with = "written", skip_serializing_if = "Option::is_none")]
        pub mode: Option<ModeRequest>,
        /// The upper left corner of the display on the desktop, `[x, y]`. Displays without a position
        /// are placed in a row to the right of all that have one.
        #[serde(default, deserialize_with = "position")]
        pub position: Option<(i32, i32)>,
        /// How the display is turned, in the words of `wl_output`: `90` turns its image
        /// counter-clockwise. On a panel that is mounted turned, `normal` is upright.
        #[serde(default, deserialize_with = "transform", serialize_with = "transform_word")]
        pub transform: Transform,
        /// How many pixels of the display are one of the desktop: 0.5 to 10, to a multiple of 1/120. `2` doubles
        /// the size of everything, `1.5` is for displays in between.
        #[serde(default, deserialize_with = "scale", serialize_with = "scale_number")]
        pub scale: Scale,
        /// The display that it mirrors, named as in `name`: it shows what that one shows, scaled to fit, and is no part of
        /// the desktop while that one is lit.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub mirror: Option<String>,
        /// Whether to use a variable refresh rate if the display supports it. If absent, `vrr` of the
        /// file applies.
        pub vrr: Option<bool>,
        /// The most bits per colour channel on the cable.
        #[serde(default, deserialize_with = "bpc")]
        pub max_bpc: Option<u8>,
        /// The content type that is sent to the display, unless a fullscreen window sets one.
        pub content_type: Option<ContentType>,
        /// The range of RGB values on HDMI; a display that shows black as grey needs the other one.
        pub broadcast_rgb: Option<BroadcastRgb>,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentType {
    Graphics,
    Photo,
    Cinema,
    Game,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BroadcastRgb {
    Automatic,
    Full,
    Limited,
}

impl OutputConfig {
    /// The connector state with these settings.
    pub fn connector_state(&self) -> kms::ConnectorState {
        let content_type = self.content_type.map(|content| match content {
            ContentType::Graphics => kms::ContentType::Graphics,
            ContentType::Photo => kms::ContentType::Photo,
            ContentType::Cinema => kms::ContentType::Cinema,
            ContentType::Game => kms::ContentType::Game,
        });
        let broadcast_rgb = self.broadcast_rgb.map(|range| match range {
            BroadcastRgb::Automatic => kms::BroadcastRgb::Automatic,
            BroadcastRgb::Full => kms::BroadcastRgb::Full,
            BroadcastRgb::Limited => kms::BroadcastRgb::Limited,
        });
        kms::ConnectorState { max_bpc: self.max_bpc, content_type, broadcast_rgb, ..kms::ConnectorState::default() }
    }
}

fn lit() -> bool {
    true
}

/// How far from the origin of the desktop a display may be, in logical pixels.
pub const FARTHEST: i32 = 1 << 20;

fn position<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<(i32, i32)>, D::Error> {
    let (x, y) = <(i64, i64)>::deserialize(deserializer)?;
    let near = |at: i64| i32::try_from(at).ok().filter(|at| at.unsigned_abs() <= FARTHEST.unsigned_abs());
    let wrong =
        || D::Error::custom(format!("the position [{x}, {y}] is too far away; write -{FARTHEST} to {FARTHEST}"));
    near(x).zip(near(y)).map(Some).ok_or_else(wrong)
}

/// Reads the list. A second section for the same connector is an error.
pub fn outputs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OutputConfig>, D::Error> {
    let list = Vec::<OutputConfig>::deserialize(deserializer)?;
    for (at, output) in list.iter().enumerate() {
        if list[..at].iter().any(|other| other.name == output.name) {
            return Err(D::Error::custom(format!(
                "two [[output]] sections for `{}`; merge them into one",
                output.name
            )));
        }
        if output.mirror.as_ref() == Some(&output.name) {
            return Err(D::Error::custom(format!("`{}` cannot mirror itself; name another display", output.name)));
        }
    }
    Ok(list)
}

fn mode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ModeRequest>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// A mode as it is written in the file.
fn written<S: Serializer>(mode: &Option<ModeRequest>, serializer: S) -> Result<S::Ok, S::Error> {
    match mode {
        Some(mode) => serializer.collect_str(mode),
        None => serializer.serialize_none(),
    }
}

fn transform_word<S: Serializer>(transform: &Transform, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(transform_name(*transform))
}

/// The transforms by their names in the file and in `syncline msg status`.
const TRANSFORMS: [(&str, Transform); 8] = [
    ("normal", Transform::Normal),
    ("90", Transform::_90),
    ("180", Transform::_180),
    ("270", Transform::_270),
    ("flipped", Transform::Flipped),
    ("flipped-90", Transform::Flipped90),
    ("flipped-180", Transform::Flipped180),
    ("flipped-270", Transform::Flipped270),
];

/// The name of a transform.
pub fn transform_name(transform: Transform) -> &'static str {
    TRANSFORMS.iter().find(|(_, known)| *known == transform).map_or("normal", |(name, _)| name)
}

/// The transform of a name; `None`: there is no such transform.
pub fn transform_of_name(name: &str) -> Option<Transform> {
    TRANSFORMS.iter().find(|(known, _)| *known == name).map(|(_, transform)| *transform)
}

/// The names of all transforms, as one writes a list of them.
pub fn transform_names() -> String {
    TRANSFORMS.map(|(name, _)| format!("\"{name}\"")).join(", ")
}

fn transform<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Transform, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || D::Error::custom(format!("`{text}` is not a transform; write one of {}", transform_names()));
    transform_of_name(&text).ok_or_else(wrong)
}

fn scale_number<S: Serializer>(scale: &Scale, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(scale.factor())
}

fn scale<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scale, D::Error> {
    let factor = f64::deserialize(deserializer)?;
    Scale::of(factor).ok_or_else(|| D::Error::custom(Scale::refusal(factor)))
}

fn bpc<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let bits = i64::deserialize(deserializer)?;
    let wrong = || D::Error::custom(format!("`{bits}` bits per colour are not possible; write 6 to 16"));
    u8::try_from(bits).ok().filter(|bits| (6..=16).contains(bits)).map(Some).ok_or_else(wrong)
}
