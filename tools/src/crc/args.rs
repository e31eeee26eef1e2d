//! The command line of `syncline crc`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kms::ModeRequest;

#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 everything is as expected, 1 a CRC differs, 2 nothing was tested or the command could not run (one line says why)."
)]
pub struct CrcArgs {
    /// Display device; default: the first card with a connected display.
    #[arg(long, global = true, value_name = "PATH")]
    pub device: Option<PathBuf>,
    /// Connector, for example HDMI-A-1; default: the first one with a display.
    #[arg(long, global = true, value_name = "NAME")]
    pub output: Option<String>,
    /// CRC source: where in the display pipeline CRCs are taken. `sources` lists them. Default: the
    /// driver's own choice.
    #[arg(long, global = true, value_name = "NAME", default_value = "auto")]
    pub source: String,
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// List the driver's CRC sources; a star marks the one in use.
    Sources,
    /// Print the CRC of every frame until interrupted, and mark the changes. Runs beside any
    /// compositor.
    Watch,
    /// Print the CRCs of N frames.
    Capture {
        /// Number of frames.
        #[arg(value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        frames: u32,
    },
    /// Record the CRCs of the test scenes as references, for drivers whose CRCs cannot be
    /// predicted.
    Record {
        /// Directory of the references: a file for each driver, kernel, source, mode and format.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        test: TestArgs,
    },
    /// Show the test scenes again and compare their CRCs with the references.
    Verify {
        /// Directory of the references.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        #[command(flatten)]
        test: TestArgs,
    },
    /// Show the differences between two reference files.
    Diff {
        #[arg(value_name = "FILE")]
        left: PathBuf,
        #[arg(value_name = "FILE")]
        right: PathBuf,
    },
    /// Show test scenes on the display, without a compositor, and check the CRC of each. A failed
    /// one leaves a folder with what is needed to find out why (docs/crc.md).
    Test {
        #[command(flatten)]
        test: TestArgs,
        #[command(flatten)]
        replay: ReplayArgs,
    },
}

/// Which tests of a suite, how often, and with which images.
#[derive(Debug, Args, Default)]
pub struct ReplayArgs {
    /// Run only this case: its title, as in `rotation: overlay by 90`, or the name of its folder.
    #[arg(long, value_name = "ID")]
    pub case: Option<String>,
    /// Run each test N times, and count how often it fails.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: u32,
    /// What the random images are made of; the same seed gives the same images.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u32,
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// Which suite to run; `list` lists the suites.
    #[arg(value_name = "SUITE", default_value = "all")]
    pub suite: String,
    /// Format of the report.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Where the expected CRCs of `test` come from.
    #[arg(long, value_enum, default_value_t = JudgeBy::Best)]
    pub judge: JudgeBy,
    /// A folder for each failed test is made here. Default: below $XDG_STATE_HOME (docs/crc.md).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Mode, for example 1920x1080 or 1920x1080@60; default: the preferred one.
    #[arg(long, value_name = "WxH[@HZ]")]
    pub mode: Option<ModeRequest>,
    /// Also suspend the machine for two seconds and test that the display shows the same image
    /// afterwards. Needs root.
    #[arg(long)]
    pub suspend: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people; with a progress bar on a terminal.
    Table,
    /// Kernel TAP, with a subtest for each suite.
    Ktap,
    /// TAP version 13.
    Tap,
    /// JUnit XML.
    Junit,
    /// JSON with all results and the configuration.
    Json,
}

/// Where expected CRCs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JudgeBy {
    /// Predicted where the driver's arithmetic is known, else by composition.
    Best,
    /// From the same picture, composed in memory and shown on the primary plane alone; what each
    /// display rounds in its own way is skipped.
    Composition,
}
