//! The arguments of `syncline msg`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub struct MsgArgs {
    /// The compositor's Wayland socket name; default: $WAYLAND_DISPLAY.
    #[arg(long, env = "WAYLAND_DISPLAY", value_name = "NAME")]
    pub socket: String,
    #[command(subcommand)]
    pub message: Message,
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
