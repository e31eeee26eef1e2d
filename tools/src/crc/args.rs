//! The command line of `syncline crc`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use kms::ModeRequest;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 all is as expected, 1 a picture differs, 2 it could not be run (one line says why)."
)]
pub struct CrcArgs {
    /// Display device; default: the first card with a connected display.
    #[arg(long, global = true, value_name = "PATH")]
    pub device: Option<PathBuf>,
    /// Connector, e.g. HDMI-A-1; default: the first one with a display.
    #[arg(long, global = true, value_name = "NAME")]
    pub output: Option<String>,
    /// Where in the pipeline CRCs are taken; `sources` lists the places. Default: what the driver calls `auto`.
    #[arg(long, global = true, value_name = "NAME", default_value = "auto")]
    pub source: String,
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// List the driver's CRC sources; the chosen one has a star.
    Sources,
    /// Print the CRC of every frame until interrupted; changes are marked. Runs beside any compositor.
    Watch,
    /// Print the CRCs of N frames.
    Capture {
        /// How many.
        #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        frames: u32,
    },
    /// Learn the CRCs of the test scenes, for drivers whose arithmetic nobody knows.
    Record {
        /// Folder of the references: a file for each driver, kernel, source, mode and format.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        test: TestArgs,
    },
    /// Show the test scenes again and compare their CRCs with what was learnt.
    Verify {
        /// Folder of the references.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        test: TestArgs,
    },
    /// Say what differs between two files of references.
    Diff {
        #[arg(value_name = "FILE")]
        left: PathBuf,
        #[arg(value_name = "FILE")]
        right: PathBuf,
    },
    /// Show scenes on the bare display and judge each by its CRC.
    Test(TestArgs),
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// What to test; `list` names the suites.
    #[arg(value_name = "SUITE", default_value = "all")]
    pub suite: String,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Keep the expected and the shown picture of each mismatch, and their difference, as PNG here.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Mode, e.g. 1920x1080 or 1920x1080@60; default: the preferred one.
    #[arg(long, value_name = "WxH[@HZ]")]
    pub mode: Option<ModeRequest>,
    /// Also test that the picture is there again after the machine has slept for two seconds. Needs root.
    #[arg(long)]
    pub suspend: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people; with a progress bar on a terminal.
    Table,
    /// Kernel TAP, with a subtest for each group.
    Ktap,
    /// TAP version 13.
    Tap,
    /// JUnit XML.
    Junit,
    /// Everything that is known.
    Json,
}
