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
}
