//! The user's configuration file (TOML).
//!
//! A file with an error is rejected as a whole, and the error names the line. Options of the
//! command line take precedence over the file. docs/configuration.md is the page for users.

#[macro_use]
mod documented;

pub mod bindings;
pub mod colour;
pub mod commands;
mod default_file;
pub mod desktop;
mod devices;
mod environment;
mod fault;
pub mod idle;
pub mod input;
pub mod limits;
pub mod load;
pub mod night_light;
pub mod output;
mod overrides;
pub mod pattern;
pub mod print;
pub mod programs;
pub mod sandbox;
mod system_keyboard;
pub mod window;
pub mod words;

use std::collections::BTreeMap;

use kms::inventory::Edid;
use serde::{Deserialize, Serialize};
use smithay::input::keyboard::XkbConfig;

use crate::config::words::{FencePolicy, PlaneUse};

pub use self::{
    bindings::Bindings,
    commands::Commands,
    desktop::DesktopConfig,
    devices::{CecConfig, Mem2memConfig, Mem2memDevice},
    idle::IdleConfig,
    input::InputRule,
    limits::Limits,
    night_light::NightLightConfig,
    output::OutputConfig,
    overrides::Overrides,
    sandbox::SandboxRule,
    window::WindowRule,
};

documented! {
    /// Everything that can be configured, with defaults.
    #[derive(Debug, Clone, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct Config {
        /// The colour of the desktop behind all windows, `#rrggbb`.
        pub background: Colour,
        /// The program that the action `terminal` starts, which is bound to Super+Return.
        pub terminal: Vec<String>,
        /// The program that the action `launcher` starts, which is bound to Super+d.
        pub launcher: Vec<String>,
        /// Command lines of programs that start with the session, once.
        #[serde(deserialize_with = "environment::command_lines")]
        pub autostart: Vec<String>,
        /// Whether a fullscreen client that asks for tearing gets it, if the display supports it.
        pub tearing: bool,
        /// Whether displays use a variable refresh rate if they support it. An `[[output]]` may differ.
        pub vrr: bool,
        /// Whether the main thread gets the lowest real-time priority, if the system allows it.
        pub realtime: bool,
        /// How the buffers of `wl_shm` clients are read.
        pub shm: ShmMode,
        /// The keyboard.
        pub keyboard: KeyboardConfig,
        /// The pointer's image.
        pub cursor: CursorConfig,
        /// What becomes of clients' fences.
        pub fences: FencesConfig,
        /// Which layers may go onto planes.
        pub planes: PlaneUse,
        /// Televisions.
        pub cec: CecConfig,
        /// How windows are laid out.
        pub desktop: DesktopConfig,
        /// What happens when nobody is active.
        pub idle: IdleConfig,
        /// Warmer colours at night.
        pub night_light: NightLightConfig,
        /// A V4L2 converter for buffers that no plane can show as they are.
        pub mem2mem: Mem2memConfig,
        /// Programs that actions start.
        pub commands: Commands,
        /// Variables in the environment of programs that the session starts.
        #[serde(deserialize_with = "environment::variables")]
        pub environment: BTreeMap<String, String>,
        /// What one client may use.
        pub limits: Limits,
        /// `[[output]]`: the settings of displays, by the name of their connector or monitor.
        #[serde(rename = "output", deserialize_with = "output::outputs")]
        pub outputs: Vec<OutputConfig>,
        /// `[[input]]`: how keyboards, mice and touchpads behave.
        #[serde(rename = "input", deserialize_with = "input::rules")]
        pub inputs: Vec<InputRule>,
        /// `[[sandbox]]`: what sandboxed applications see of the session.
        #[serde(rename = "sandbox")]
        pub sandboxes: Vec<SandboxRule>,
        /// `[[window]]`: what becomes of windows when they appear.
        #[serde(rename = "window", deserialize_with = "window::rules")]
        pub windows: Vec<WindowRule>,
        /// `[bindings]` and `[mode.NAME.bindings]`, which are read by hand.
        #[serde(skip)]
        pub bindings: Bindings,
    }
}

/// How the buffers of `wl_shm` clients are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShmMode {
    /// In place with udmabuf, where possible.
    Auto,
    /// Always by a copy.
    Copy,
}

documented! {
    #[derive(Debug, Clone, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct KeyboardConfig {
        /// The layouts, as xkb calls them: `de`, or `us,ru`. Empty: that of the system.
        #[serde(deserialize_with = "environment::line")]
        pub layout: String,
        /// The variant of each layout.
        #[serde(deserialize_with = "environment::line")]
        pub variant: String,
        /// The model of the keyboard.
        #[serde(deserialize_with = "environment::line")]
        pub model: String,
        /// Options of xkb, such as `compose:caps`; absent: those of the system.
        #[serde(deserialize_with = "environment::optional_line")]
        pub options: Option<String>,
        /// Milliseconds until a key that is held down repeats.
        pub repeat_delay: i32,
        /// Repeats per second; 0 turns repeating off.
        pub repeat_rate: i32,
    }
}

documented! {
    #[derive(Debug, Clone, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct CursorConfig {
        /// The name of the cursor theme; XCURSOR_THEME takes precedence.
        pub theme: String,
        /// The size in pixels; XCURSOR_SIZE takes precedence.
        pub size: u32,
    }
}

documented! {
    #[derive(Debug, Clone, Deserialize, Serialize)]
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
}

impl Default for Config {
    fn default() -> Self {
        Self {
            background: Colour([0x2b, 0x30, 0x3a]),
            terminal: vec!["foot".into()],
            launcher: vec!["fuzzel".into()],
            autostart: Vec::new(),
            tearing: false,
            vrr: false,
            realtime: true,
            shm: ShmMode::Auto,
            keyboard: KeyboardConfig::default(),
            cursor: CursorConfig::default(),
            fences: FencesConfig::default(),
            planes: PlaneUse::Auto,
            cec: CecConfig::default(),
            desktop: DesktopConfig::default(),
            idle: IdleConfig::default(),
            night_light: NightLightConfig::default(),
            mem2mem: Mem2memConfig::default(),
            commands: Commands::default(),
            environment: BTreeMap::new(),
            limits: Limits::default(),
            outputs: Vec::new(),
            inputs: Vec::new(),
            sandboxes: Vec::new(),
            windows: Vec::new(),
            bindings: Bindings::default(),
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

impl KeyboardConfig {
    /// The names for xkb.
    pub fn xkb(&self) -> XkbConfig<'_> {
        let Self { layout, variant, model, options, .. } = self;
        XkbConfig { rules: "", model, layout, variant, options: options.clone() }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
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

impl From<Colour> for String {
    fn from(Colour([red, green, blue]): Colour) -> Self {
        format!("#{red:02x}{green:02x}{blue:02x}")
    }
}

impl Config {
    /// The settings for a connector.
    pub fn output(&self, connector: &str) -> Option<&OutputConfig> {
        self.outputs.iter().find(|output| output.name == connector)
    }

    /// The settings for a display: those that name the monitor, else those that name its connector.
    pub fn output_of(&self, connector: &str, monitor: Option<&Edid>) -> Option<&OutputConfig> {
        let monitor = monitor.map(Edid::full_name);
        let named = monitor.and_then(|name| self.outputs.iter().find(|output| output.name == name));
        named.or_else(|| self.output(connector))
    }

    /// Whether a display should use a variable refresh rate, if it supports it.
    pub fn vrr(&self, connector: &str, monitor: Option<&Edid>) -> bool {
        self.output_of(connector, monitor).and_then(|output| output.vrr).unwrap_or(self.vrr)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        load::parse(Path::new("config.toml"), text).map_err(|e| e.to_string())
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
    fn a_display_has_a_scale_in_steps_of_a_hundred_and_twentieth() {
        let table = [("1", 120), ("2", 240), ("1.25", 150), ("1.333", 160), ("0.5", 60), ("10.0", 1200)];
        for (text, steps) in table {
            let config = parse(&format!("[[output]]\nname = \"A\"\nscale = {text}\n")).unwrap();
            assert_eq!(config.outputs[0].scale.steps(), steps, "{text}");
        }
        assert_eq!(parse("[[output]]\nname = \"A\"\n").unwrap().outputs[0].scale.steps(), 120);
    }

    #[test]
    fn a_display_may_differ_in_variable_refresh() {
        let config = parse("vrr = true\n[[output]]\nname = \"A\"\nvrr = false\n[[output]]\nname = \"B\"\n").unwrap();
        assert_eq!(["A", "B", "C"].map(|name| config.vrr(name, None)), [false, true, true]);
        let config = parse("[[output]]\nname = \"A\"\nvrr = true\n").unwrap();
        assert_eq!(["A", "B"].map(|name| config.vrr(name, None)), [true, false]);
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
            ("[[output]]\nname = \"a\"\nposition = [0, 1048577]\n", 3, "too far away"),
            ("[[output]]\nname = \"a\"\nenabled = \"no\"\n", 3, "expected a boolean"),
            ("[[output]]\nname = \"a\"\nscale = 0.4\n", 3, "a scale of `0.4` is not possible; write 0.5 to 10"),
            ("[[output]]\nname = \"a\"\nscale = 11\n", 3, "a scale of `11` is not possible"),
            ("[[output]]\nname = \"a\"\nscale = nan\n", 3, "a scale of `NaN` is not possible"),
            ("[[output]]\nname = \"a\"\nscale = \"2\"\n", 3, "invalid type"),
            ("[[output]]\nname = \"a\"\nzoom = 2\n", 3, "unknown field `zoom`"),
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
