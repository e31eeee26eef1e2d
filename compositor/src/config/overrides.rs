//! Options of the command line that take precedence over the configuration file.

use std::path::PathBuf;

use clap::Args;

use crate::config::words::{FencePolicy, PlaneUse, driver};

/// The settings that the command line overrides.
#[derive(Debug, Clone, Default, Args)]
pub struct Overrides {
    /// Which pending fences are handed over to the display or the GPU instead of being waited for.
    /// Default: `same-driver`.
    #[arg(long, value_enum)]
    pub fence_policy: Option<FencePolicy>,
    /// Driver whose fences `trusted` also hands over; may be given several times.
    #[arg(long, value_name = "DRIVER", value_parser = driver)]
    pub trust: Vec<String>,
    /// Which client buffers may go onto planes instead of being composited. Default: `auto`.
    #[arg(long, value_enum)]
    pub planes: Option<PlaneUse>,
    /// Configuration file. Default: $XDG_CONFIG_HOME/syncline/config.toml, if it exists.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A setting of the configuration file that counts instead of what the files say, as a line of TOML:
    /// `--set desktop.gap=8`, `--set 'background="#336699"'`; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl Overrides {
    /// What an error calls the settings of the command line, where others have the path of a file.
    pub const SET: &str = "--set";
}
