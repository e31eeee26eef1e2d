//! `[cec]` and `[mem2mem]`: televisions and V4L2 converters.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

documented! {
    /// Televisions, through CEC. Off by default: a session that starts would take the television from
    /// whoever is watching.
    #[derive(Debug, Clone, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct CecConfig {
        /// Registers each output whose connector has an adapter as a playback device: its television
        /// wakes and shows the session.
        pub enable: bool,
        /// The name that the television displays: at most 14 ASCII characters.
        pub osd_name: OsdName,
        /// Whether to put the television to standby when the outputs are turned off, if it shows this
        /// session.
        pub standby_on_sleep: bool,
        /// Whether the session's CEC device follows when the television goes to standby: it then
        /// reports standby when asked, and does not wake the television by itself.
        pub follow_tv_standby: bool,
        /// An adapter that belongs to no connector, for example `/dev/cec0` of a USB dongle. The
        /// adapters of connectors are not used then.
        pub adapter: Option<PathBuf>,
    }
}

documented! {
    /// A V4L2 converter (memory-to-memory device) for buffers that no plane can show as they are. Off
    /// by default.
    #[derive(Debug, Clone, Default, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct Mem2memConfig {
        /// `auto`, or the path of a device; absent: none.
        pub device: Option<Mem2memDevice>,
    }
}

/// Which converter to use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mem2memDevice {
    /// The first one that is found.
    Auto,
    /// The one at this path.
    Path(PathBuf),
}

impl TryFrom<String> for Mem2memDevice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            path if path.starts_with('/') => Ok(Self::Path(text.into())),
            _ => Err(format!("`{text}` is not a converter; write \"auto\" or a path such as \"/dev/video10\"")),
        }
    }
}

impl From<Mem2memDevice> for String {
    fn from(device: Mem2memDevice) -> Self {
        match device {
            Mem2memDevice::Auto => "auto".to_owned(),
            Mem2memDevice::Path(path) => path.to_string_lossy().into_owned(),
        }
    }
}

/// A name that CEC can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct OsdName(pub kms::cec::OsdName);

impl TryFrom<String> for OsdName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let most = kms::cec::OsdName::LEN;
        let name = kms::cec::OsdName::new(&text);
        name.map(Self).ok_or_else(|| {
            format!("`{text}` is not a name that a television can display; write 1 to {most} ASCII characters")
        })
    }
}

impl From<OsdName> for String {
    fn from(OsdName(name): OsdName) -> Self {
        name.as_str().to_owned()
    }
}

impl Default for CecConfig {
    fn default() -> Self {
        let osd_name = OsdName(kms::cec::OsdName::new("Syncline").expect("eight letters"));
        Self { enable: false, osd_name, standby_on_sleep: false, follow_tv_standby: false, adapter: None }
    }
}
