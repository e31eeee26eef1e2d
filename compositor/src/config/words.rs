//! Words that the configuration file, the command line and the engine share.
//!
//! Each is a closed choice. It parses nothing but its own spelling.

use std::str::FromStr;

use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RendererChoice {
    Auto,
    Gles,
    Pixman,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FencePolicy {
    Never,
    SameDriver,
    Trusted,
    Always,
}

/// What planes are used for. The cursor has its own in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaneUse {
    /// Every client buffer that a plane takes.
    All,
    /// Nothing: every picture is rendered. For finding out whether a plane is at fault.
    None,
}

/// `WxH[@HZ]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModeRequest {
    pub width: u16,
    pub height: u16,
    /// Hz; any refresh rate if absent.
    pub refresh: Option<f64>,
}

impl FromStr for ModeRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no mode; write e.g. 1920x1080 or 1920x1080@60");
        let (size, refresh) = match text.split_once('@') {
            Some((size, hz)) => (size, Some(hz.trim_end_matches("Hz").parse::<f64>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (w, h) = size.split_once('x').ok_or_else(wrong)?;
        let parse = |s: &str| s.parse::<u16>().ok().filter(|v| *v > 0).ok_or_else(wrong);
        Ok(Self { width: parse(w)?, height: parse(h)?, refresh })
    }
}

impl std::fmt::Display for ModeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.width, self.height)?;
        match self.refresh {
            Some(hz) => write!(f, "@{hz}"),
            None => Ok(()),
        }
    }
}
