//! The command line of the `desktop` benchmark.

use std::path::PathBuf;

use clap::Args;

/// Options of `desktop`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The card; found automatically if it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// How often the workspace is switched.
    #[arg(long, default_value_t = 40)]
    pub switches: u32,
}
