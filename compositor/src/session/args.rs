//! The arguments of `syncline run`.
//!
//! They only say what the user wrote; the configuration file is joined to them in [`crate::config`].

use std::{ffi::OsString, path::PathBuf};

use clap::Args;
use kms::ModeRequest;

use crate::config::{Overrides, words::RendererChoice};

#[derive(Debug, Args)]
pub struct RunArgs {
    /// Display device (repeatable); default: every card of the seat with a connected display. It is
    /// opened through the seat (seatd, logind) where there is one, else directly.
    #[arg(long, value_name = "PATH")]
    pub device: Vec<PathBuf>,
    /// What composites the surfaces that no plane takes. `auto`: GLES on a GPU; pixman where there is
    /// none, GL runs on the CPU, or the GPU gets no memory that the display shows.
    #[arg(long, value_enum, default_value_t = RendererChoice::Auto)]
    pub renderer: RendererChoice,
    #[command(flatten)]
    pub overrides: Overrides,
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
    /// End when CMD ends, with its exit status.
    #[arg(long, requires = "cmd")]
    pub until_exit: bool,
    /// A client to start once the displays are lit.
    #[arg(last = true, value_name = "CMD")]
    pub cmd: Vec<OsString>,
}
