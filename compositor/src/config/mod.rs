//! The user's configuration file (TOML).
//!
//! A file with an error is rejected as a whole, and the error names the line. Options of the
//! command line take precedence over the file.

pub mod idle;
pub mod limits;
pub mod output;
mod overrides;
pub mod sandbox;
pub mod words;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

pub use overrides::Overrides;
use serde::Deserialize;

use crate::{
    config::words::{FencePolicy, PlaneUse},
    system::error::{Context, Error},
};

pub use self::{idle::IdleConfig, limits::Limits, output::OutputConfig, sandbox::SandboxRule};

/// Everything that can be configured, with defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// The colour of the desktop behind all windows, `#rrggbb`.
    pub background: Colour,
    /// The command that Super+Return starts.
    pub terminal: Vec<String>,
    /// Whether a fullscreen client that asks for tearing gets it, if the display supports it.
    pub tearing: bool,
    /// Whether displays use a variable refresh rate if they support it. An `[[output]]` may differ.
    pub vrr: bool,
    /// Whether the main thread gets the lowest real-time priority, if the system allows it.
    pub realtime: bool,
    /// How the buffers of `wl_shm` clients are read.
    pub shm: ShmMode,
    pub keyboard: KeyboardConfig,
    pub cursor: CursorConfig,
    pub fences: FencesConfig,
    /// Which layers may go onto planes.
    pub planes: PlaneUse,
    pub cec: CecConfig,
    pub idle: IdleConfig,
    pub mem2mem: Mem2memConfig,
    /// What one client may use.
    pub limits: Limits,
    /// `[[output]]`: the settings of displays, by the name of their connector.
    #[serde(rename = "output", deserialize_with = "output::outputs")]
    pub outputs: Vec<OutputConfig>,
    /// `[[sandbox]]`: what sandboxed applications see of the session.
    #[serde(rename = "sandbox")]
    pub sandboxes: Vec<SandboxRule>,
}

/// How the buffers of `wl_shm` clients are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShmMode {
    /// In place with udmabuf, where possible.
    Auto,
    /// Always by a copy.
    Copy,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct KeyboardConfig {
    pub layout: String,
    pub variant: String,
    pub model: String,
    pub options: Option<String>,
    /// Milliseconds until a key that is held down repeats.
    pub repeat_delay: i32,
    /// Repeats per second; 0 turns repeating off.
    pub repeat_rate: i32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct CursorConfig {
    /// The name of the cursor theme; XCURSOR_THEME takes precedence.
    pub theme: String,
    /// The size in pixels; XCURSOR_SIZE takes precedence.
    pub size: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FencesConfig {
    /// Which pending fences are handed over to the display or the GPU.
    pub policy: FencePolicy,
    /// Drivers whose fences the policy `trusted` hands over as well.
    #[serde(deserialize_with = "words::drivers")]
    pub trusted: Vec<String>,
    /// Milliseconds after which a pending acquire fence is reported with the name of its client.
    pub watchdog: u64,
}

/// Televisions, through CEC. Off by default: a session that starts would take the television from
/// whoever is watching.
#[derive(Debug, Clone, Deserialize)]
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

/// A V4L2 converter (memory-to-memory device) for buffers that no plane can show as they are. Off
/// by default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mem2memConfig {
    pub device: Option<Mem2memDevice>,
}

/// Which converter to use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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

/// A name that CEC can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
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

impl Default for CecConfig {
    fn default() -> Self {
        let osd_name = OsdName(kms::cec::OsdName::new("Syncline").expect("eight letters"));
        Self { enable: false, osd_name, standby_on_sleep: false, follow_tv_standby: false, adapter: None }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            background: Colour([0x2b, 0x30, 0x3a]),
            terminal: vec!["foot".into()],
            tearing: false,
            vrr: false,
            realtime: true,
            shm: ShmMode::Auto,
            keyboard: KeyboardConfig::default(),
            cursor: CursorConfig::default(),
            fences: FencesConfig::default(),
            planes: PlaneUse::Auto,
            cec: CecConfig::default(),
            idle: IdleConfig::default(),
            mem2mem: Mem2memConfig::default(),
            limits: Limits::default(),
            outputs: Vec::new(),
            sandboxes: Vec::new(),
        }
    }
}

impl Default for KeyboardConfig {
    fn default() -> Self {
        Self {
            layout: String::new(),
            variant: String::new(),
            model: String::new(),
            options: None,
            repeat_delay: 400,
            repeat_rate: 30,
        }
    }
}

impl Default for CursorConfig {
    fn default() -> Self {
        Self { theme: "default".into(), size: 24 }
    }
}

impl Default for FencesConfig {
    fn default() -> Self {
        Self { policy: FencePolicy::SameDriver, trusted: Vec::new(), watchdog: 2000 }
    }
}

/// An opaque colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour(pub [u8; 3]);

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a colour; write #rrggbb, for example \"#2b303a\"");
        let hex = text.strip_prefix('#').filter(|h| h.len() == 6 && h.is_ascii()).ok_or_else(wrong)?;
        let byte = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).map_err(|_| wrong());
        Ok(Self([byte(0)?, byte(2)?, byte(4)?]))
    }
}

impl Config {
    /// The settings for a connector.
    pub fn output(&self, connector: &str) -> Option<&OutputConfig> {
        self.outputs.iter().find(|output| output.name == connector)
    }

    /// Whether a connector's display should use a variable refresh rate, if it supports it.
    pub fn vrr(&self, connector: &str) -> bool {
        self.output(connector).and_then(|output| output.vrr).unwrap_or(self.vrr)
    }

    /// Reads the file that the command line or the environment names. The command line takes
    /// precedence over the settings in it.
    pub fn load(overrides: &Overrides) -> Result<Self, Error> {
        let mut config = match &overrides.config {
            Some(path) => {
                Self::parse(path, &fs::read_to_string(path).context(format!("cannot read {}", path.display()))?)?
            }
            None => match default_path() {
                None => Self::default(),
                Some(path) => match fs::read_to_string(&path) {
                    Ok(text) => Self::parse(&path, &text)?,
                    Err(e) if e.kind() == io::ErrorKind::NotFound => Self::default(),
                    Err(e) => return Err(e).context(format!("cannot read {}", path.display())),
                },
            },
        };
        if let Some(policy) = overrides.fence_policy {
            config.fences.policy = policy;
        }
        if let Some(planes) = overrides.planes {
            config.planes = planes;
        }
        config.fences.trusted.extend(overrides.trust.iter().cloned());
        if let Ok(theme) = env::var("XCURSOR_THEME") {
            config.cursor.theme = theme;
        }
        if let Some(size) = env::var("XCURSOR_SIZE").ok().and_then(|s| s.parse().ok()) {
            config.cursor.size = size;
        }
        Ok(config)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|e| {
            let at = e.span().map_or(0, |span| span.start);
            let line = text[..at.min(text.len())].bytes().filter(|b| *b == b'\n').count() + 1;
            let message = match renamed(e.message()) {
                Some(new) => format!("{}; this key is called `{new}` now", e.message()),
                None => e.message().to_owned(),
            };
            Error::Config { path: path.to_owned(), line, message }
        })
    }
}

/// The new name of a key that an error calls unknown: keys used to have underscores.
fn renamed(message: &str) -> Option<String> {
    let (unknown, expected) = message.strip_prefix("unknown field `")?.split_once('`')?;
    let new = unknown.replace('_', "-");
    (new != unknown && expected.contains(&format!("`{new}`"))).then_some(new)
}

fn default_path() -> Option<PathBuf> {
    let base = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".config")))?;
    Some(base.join("syncline/config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("config.toml"), text).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_absent_keeps_its_default() {
        let config = parse("background = \"#102030\"\n[keyboard]\nlayout = \"de\"\n").unwrap();
        assert_eq!(config.background, Colour([0x10, 0x20, 0x30]));
        assert_eq!((config.keyboard.layout.as_str(), config.keyboard.repeat_rate), ("de", 30));
        assert_eq!(config.fences.policy, FencePolicy::SameDriver);
    }

    #[test]
    fn cec_is_off_and_its_name_fits_a_television() {
        assert!(!parse("").unwrap().cec.enable);
        let config = parse("[cec]\nenable = true\nosd-name = \"Den\"\nadapter = \"/dev/cec1\"\n").unwrap().cec;
        assert_eq!((config.enable, config.adapter), (true, Some("/dev/cec1".into())));
        let error = parse("[cec]\nosd-name = \"a name that is too long\"\n").unwrap_err();
        assert!(error.starts_with("config.toml:2: ") && error.contains("1 to 14 ASCII characters"), "{error}");
    }

    #[test]
    fn a_converter_is_off_automatic_or_named() {
        assert_eq!(parse("").unwrap().mem2mem.device, None);
        let device = |text: &str| parse(&format!("[mem2mem]\ndevice = \"{text}\"\n")).map(|c| c.mem2mem.device);
        assert_eq!(device("auto").unwrap(), Some(Mem2memDevice::Auto));
        assert_eq!(device("/dev/video10").unwrap(), Some(Mem2memDevice::Path("/dev/video10".into())));
        let error = device("video10").unwrap_err();
        assert!(error.starts_with("config.toml:2: ") && error.contains("/dev/video10"), "{error}");
    }

    #[test]
    fn displays_are_configured_by_name() {
        let config = parse(
            "[[output]]\nname = \"HDMI-A-1\"\nmode = \"1920x1080@50\"\nposition = [-1920, 0]\nmax-bpc = 10\n\
             content-type = \"cinema\"\nbroadcast-rgb = \"limited\"\n\n[[output]]\nname = \"DP-1\"\n",
        )
        .unwrap();
        let output = config.output("HDMI-A-1").unwrap();
        assert_eq!((output.mode.unwrap().to_string().as_str(), output.position), ("1920x1080@50", Some((-1920, 0))));
        let state = output.connector_state();
        assert_eq!((state.max_bpc, state.content_type), (Some(10), Some(kms::ContentType::Cinema)));
        assert_eq!(state.broadcast_rgb, Some(kms::BroadcastRgb::Limited));
        assert!(config.output("DP-1").unwrap().mode.is_none() && config.output("DP-2").is_none());
    }

    #[test]
    fn a_display_is_turned_in_the_words_of_wl_output() {
        use smithay::utils::Transform::{_90, Flipped270, Normal};
        let table = [("normal", Normal), ("90", _90), ("flipped-270", Flipped270)];
        for (name, transform) in table {
            let config = parse(&format!("[[output]]\nname = \"A\"\ntransform = \"{name}\"\n")).unwrap();
            assert_eq!((config.outputs[0].transform, output::transform_name(transform)), (transform, name));
        }
        assert_eq!(parse("[[output]]\nname = \"A\"\n").unwrap().outputs[0].transform, Normal);
    }

    #[test]
    fn a_display_may_differ_in_variable_refresh() {
        let config = parse("vrr = true\n[[output]]\nname = \"A\"\nvrr = false\n[[output]]\nname = \"B\"\n").unwrap();
        assert_eq!(["A", "B", "C"].map(|name| config.vrr(name)), [false, true, true]);
        let config = parse("[[output]]\nname = \"A\"\nvrr = true\n").unwrap();
        assert_eq!(["A", "B"].map(|name| config.vrr(name)), [true, false]);
    }

    #[test]
    fn a_wrong_display_is_an_error_of_its_line() {
        let table = [
            ("[[output]]\nname = \"a\"\nmode = \"huge\"\n", 3, "`huge` is not a mode"),
            ("[[output]]\nname = \"a\"\nmax-bpc = 3\n", 3, "write 6 to 16"),
            (
                "[[output]]\nname = \"a\"\ntransform = \"45\"\n",
                3,
                "`45` is not a transform; write one of \"normal\", \"90\"",
            ),
            ("[[output]]\nname = \"a\"\ntransform = 90\n", 3, "expected a string"),
            ("[[output]]\nname = \"a\"\ncontent-type = \"text\"\n", 3, "unknown variant `text`"),
            ("[[output]]\nname = \"a\"\nbroadcast-rgb = \"16\"\n", 3, "unknown variant `16`"),
            ("[[output]]\nname = \"a\"\nposition = [1]\n", 3, ""),
            ("[[output]]\nname = \"a\"\nscale = 2\n", 3, "unknown field `scale`"),
            ("[[output]]\nmode = \"800x600\"\n", 1, "missing field `name`"),
            ("[[output]]\nname = \"a\"\n[[output]]\nname = \"a\"\n", 1, "two [[output]] sections for `a`"),
        ];
        for (text, line, why) in table {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(&format!("config.toml:{line}: ")) && error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn an_old_key_gets_its_new_name() {
        let error = parse("[keyboard]\nlayout = \"de\"\nrepeat_delay = 300\n").unwrap_err();
        assert!(error.starts_with("config.toml:3: ") && error.ends_with("is called `repeat-delay` now"), "{error}");
        assert_eq!(parse("[keyboard]\nrepeat-delay = 300\n").unwrap().keyboard.repeat_delay, 300);
        let error = parse("[keyboard]\nrepeat_speed = 300\n").unwrap_err();
        assert!(!error.contains("is called"), "{error}");
    }

    #[test]
    fn an_error_names_its_line() {
        let error = parse("terminal = [\"foot\"]\n\nbackground = \"red\"\n").unwrap_err();
        assert!(
            error.starts_with("config.toml:3: ") && error.contains("`red` is not a colour; write #rrggbb"),
            "{error}"
        );
        let error = parse("[fences]\npolicy = \"sometimes\"\n").unwrap_err();
        assert!(error.starts_with("config.toml:2: "), "{error}");
        let error = parse("colour = 1\n").unwrap_err();
        assert!(error.contains("unknown field `colour`"), "{error}");
    }
}
