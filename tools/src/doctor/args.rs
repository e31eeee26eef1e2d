//! The command line of `syncline doctor`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 the machine can run a session, 1 something that a session needs is missing, 2 there is no display device."
)]
pub struct DoctorArgs {
    /// Check only this device; default: all of them.
    #[arg(long, value_name = "PATH")]
    pub device: Option<PathBuf>,
    /// Print JSON for programs: all facts about the machine, and every check (docs/doctor.md).
    #[arg(long)]
    pub json: bool,
}
