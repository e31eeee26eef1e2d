//! Options of the command line that win over the configuration file.

use std::path::PathBuf;

use clap::Args;

use crate::config::words::{FencePolicy, PlaneUse};

/// What the command line says of the configuration.
#[derive(Debug, Clone, Default, Args)]
pub struct Overrides {
    /// Whose pending fences are handed to the display or GPU driver instead of being waited for; default: `same-driver`.
    #[arg(long, value_enum)]
    pub fence_policy: Option<FencePolicy>,
    /// A driver whose fences `trusted` hands on, by the name in SYNC_IOC_FILE_INFO (repeatable).
    #[arg(long, value_name = "DRIVER")]
    pub trust: Vec<String>,
    /// What may go onto planes instead of being rendered; default: `all` that they take.
    #[arg(long, value_enum)]
    pub planes: Option<PlaneUse>,
    /// Configuration file; default: $XDG_CONFIG_HOME/syncline/config.toml, if it is there.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}
