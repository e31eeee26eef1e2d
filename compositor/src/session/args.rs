//! The arguments of `syncline run`, as the user wrote them.
//!
//! [`crate::config`] merges them with the configuration file.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;
use kms::{ModeRequest, headless::HeadlessMode};

use crate::config::{Overrides, words::RendererChoice};

/// `syncline session`.
#[derive(Debug, Args)]
pub struct SessionArgs {
    /// Name of the Wayland socket in XDG_RUNTIME_DIR. Default: the first free wayland-N.
    #[arg(long, value_name = "NAME")]
    pub socket: Option<String>,
    /// Options of `syncline run`, and behind another `--` the command to start as a client.
    #[arg(last = true, value_name = "RUN-OPTIONS")]
    pub run: Vec<OsString>,
}

/// `syncline run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Display device to drive; may be given several times. Default: every card of the seat that
    /// has a connected display. Devices are opened through the seat (seatd or logind) if there is
    /// one, otherwise directly.
    #[arg(long, value_name = "PATH")]
    pub device: Vec<PathBuf>,
    /// Run without any display device, on displays that only clients see: HEADLESS-1, HEADLESS-2 …,
    /// one for each time that the option is given, at most 16. Needs neither a seat nor any rights.
    /// There is no input, and clients draw into shared memory. HZ is 60 if absent.
    #[arg(long, value_name = "WIDTHxHEIGHT[@HZ]", conflicts_with_all = ["device", "mode", "crc"])]
    pub headless: Vec<HeadlessMode>,
    /// Renderer for the surfaces that no hardware plane shows. `auto` selects GLES on a GPU. It
    /// selects pixman if there is no GPU, if GL would run on the CPU, or if the display cannot show
    /// the memory that the GPU allocates.
    #[arg(long, value_enum, default_value_t = RendererChoice::Auto)]
    pub renderer: RendererChoice,
    #[command(flatten)]
    pub overrides: Overrides,
    /// Display mode for all displays, e.g. 1920x1080 or 1920x1080@60. Default: the preferred mode
    /// of each display.
    #[arg(long, value_name = "WxH[@HZ]")]
    pub mode: Option<ModeRequest>,
    /// Write a Chrome/Perfetto trace of every frame: acquire → latch → commit → flip → release.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Read the display CRC of every frame, and compare it with a prediction if the colour
    /// arithmetic of the driver is known.
    #[arg(long)]
    pub crc: bool,
    /// Name of the Wayland socket in XDG_RUNTIME_DIR. Default: the first free wayland-N.
    #[arg(long, value_name = "NAME")]
    pub socket: Option<String>,
    /// Number of the descriptor that listens on that socket already. `syncline session` gives it to each
    /// compositor that it starts.
    #[arg(long, value_name = "FD", requires = "socket", hide = true)]
    pub socket_fd: Option<i32>,
    /// A compositor of this session has crashed before: CMD is not started again.
    #[arg(long, requires = "socket_fd", hide = true)]
    pub restarted: bool,
    /// This is the session of a user who has logged in: what programs need to know of it goes into the
    /// environment of D-Bus and of the user's service manager, and is taken out of it at the end.
    #[arg(long)]
    pub session: bool,
    /// Exit when CMD exits, with its exit status.
    #[arg(long, requires = "cmd")]
    pub until_exit: bool,
    /// Command to start as a client once the displays are lit.
    #[arg(last = true, value_name = "CMD")]
    pub cmd: Vec<OsString>,
}
