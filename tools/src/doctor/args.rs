//! The command line of `syncline doctor`.

use std::path::PathBuf;

use clap::Args;

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
