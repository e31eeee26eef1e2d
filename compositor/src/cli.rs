//! The command line of `syncline`.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A Wayland compositor that carries explicit fences end to end and proves with display CRCs what reached the screen.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the compositor on a display device.
    Run(Box<RunArgs>),
    /// Talk to a running compositor.
    Msg(MsgArgs),
    /// Say what of explicit sync, planes, colour, CRCs … this machine can do, what is missing, and what to do about it.
    Doctor(DoctorArgs),
    /// Read display CRCs, and prove with them that a display shows what it is told to.
    Crc(Box<crate::crc_tool::CrcArgs>),
}

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Display device (repeatable); default: every card of the seat with a connected display. It is
    /// opened through the seat (seatd, logind) where there is one, else directly.
    #[arg(long, value_name = "PATH")]
    pub device: Vec<PathBuf>,
    /// What draws that which no plane takes. `auto`: GLES on a GPU; pixman where there is none, GL
    /// runs on the CPU, or the GPU gets no memory that the display shows.
    #[arg(long, value_enum, default_value_t = RendererChoice::Auto)]
    pub renderer: RendererChoice,
    /// Whose pending fences are handed to the display or GPU driver instead of being waited for; default: `same-driver`.
    #[arg(long, value_enum)]
    pub fence_policy: Option<FencePolicy>,
    /// A driver whose fences `trusted` hands on, by the name in SYNC_IOC_FILE_INFO (repeatable).
    #[arg(long, value_name = "DRIVER")]
    pub trust: Vec<String>,
    /// What may go onto planes instead of being rendered; default: `all` that they take.
    #[arg(long, value_enum)]
    pub planes: Option<PlaneUse>,
    /// Mode of every display, e.g. 1920x1080 or 1920x1080@60; default: the preferred one.
    #[arg(long, value_name = "WxH[@HZ]")]
    pub mode: Option<ModeRequest>,
    /// Write a Chrome/Perfetto trace of acquire → latch → commit → flip → release.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Read the display CRC of every frame and, where the driver's arithmetic is known, compare it with a prediction.
    #[arg(long)]
    pub crc: bool,
    /// Name of the Wayland socket in XDG_RUNTIME_DIR; default: the first free wayland-N.
    #[arg(long, value_name = "NAME")]
    pub socket: Option<String>,
    /// Configuration file; default: $XDG_CONFIG_HOME/syncline/config.toml, if it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// End when CMD ends, with its exit status.
    #[arg(long, requires = "cmd")]
    pub until_exit: bool,
    /// A client to start once the displays are lit.
    #[arg(last = true, value_name = "CMD")]
    pub cmd: Vec<OsString>,
}

#[derive(Debug, Args)]
pub struct MsgArgs {
    /// The compositor's Wayland socket name; default: $WAYLAND_DISPLAY.
    #[arg(long, env = "WAYLAND_DISPLAY", value_name = "NAME")]
    pub socket: String,
    #[command(subcommand)]
    pub message: Message,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 a session can run, 1 something that it needs is missing, 2 there is no display device."
)]
pub struct DoctorArgs {
    /// Only this device; default: all of them.
    #[arg(long, value_name = "PATH")]
    pub device: Option<PathBuf>,
    /// For programs: the machine as it was found, and every check (docs/doctor.md).
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum Message {
    /// End the compositor.
    Quit,
    /// Save the first output's picture as PNG.
    Screenshot {
        /// Where to.
        file: PathBuf,
    },
    /// Turn a display off or on.
    Output {
        /// Its connector, as `syncline doctor` lists it: HDMI-A-1.
        name: String,
        /// Whether it is to be on.
        #[arg(value_enum)]
        power: Power,
    },
    /// Counters of the running session.
    Status {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Clients' dma-bufs: how each is drawn, and which cards scan it out.
    Buffers {
        /// For programs; docs/cards.md names the fields.
        #[arg(long)]
        json: bool,
    },
    /// Pending acquire fences, unreleased buffers with their users, and what the watchdog found.
    Fences {
        /// For programs; docs/fences.md names the fields.
        #[arg(long)]
        json: bool,
    },
    /// Display CRCs of the running session: on, off, what they say; needs debugfs and a compositor that may read it.
    Crc {
        #[command(subcommand)]
        action: CrcAction,
    },
    /// The last frames of each display: when they were shown, what was on which plane, and what their CRCs say.
    Frames {
        /// Connector; default: all.
        output: Option<String>,
        /// A JSON object a line, for programs; docs/crc.md names the fields.
        #[arg(long)]
        json: bool,
        /// Go on until interrupted, each frame as soon as its CRC is judged.
        #[arg(long)]
        follow: bool,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub enum CrcAction {
    /// Read and judge the CRC of every frame from now on.
    On {
        /// Connector; default: all, also those that are plugged in later.
        output: Option<String>,
        /// Where in the display CRCs are taken (`syncline crc sources`); default: at its end.
        #[arg(long, value_name = "NAME")]
        source: Option<String>,
    },
    /// Stop reading.
    Off {
        /// Connector; default: all.
        output: Option<String>,
    },
    /// What was counted, and the last changes of the screen without a frame.
    Status {
        /// Connector; default: all.
        output: Option<String>,
        /// For programs; docs/crc.md names the fields.
        #[arg(long)]
        json: bool,
    },
    /// Show the scene with planes, then fully drawn, and compare. Exit status: 0 equal, 1 different, 2 not possible.
    Check {
        /// Connector; default: the only one.
        output: Option<String>,
        /// For programs; docs/crc.md names the fields.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Power {
    On,
    Off,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_parse_or_say_what_is_wrong() {
        assert_eq!("800x600".parse(), Ok(ModeRequest { width: 800, height: 600, refresh: None }));
        assert_eq!("1920x1080@59.94".parse(), Ok(ModeRequest { width: 1920, height: 1080, refresh: Some(59.94) }));
        for bad in ["", "800", "800x", "x600", "0x600", "800x600@", "800x600@fast", "99999x1"] {
            assert!(bad.parse::<ModeRequest>().unwrap_err().contains("1920x1080@60"), "{bad}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
