//! The command line of the `hostile` benchmark, and the compositors that it measures.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::bench::scale::animated::SCREEN;
use crate::bench::scale::sample::Rounds;
use crate::compositor::Compositor;
use crate::error::Result;
use crate::lab;

/// Options of `hostile`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Measure only these parts; may be given several times, or as a list with commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub part: Vec<Part>,
    /// How often each scenario is measured, in turn with its control; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Frames of one measurement, at 60 Hz; it is longer if a bad client needs more time.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub frames: u64,
    /// The card; found automatically if it is vkms or the only one.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Print each round.
    #[arg(long)]
    pub verbose: bool,
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Fences in the memory of buffers that never signal.
    Fences,
    /// Very many requests, rectangles, objects and descriptors.
    Amounts,
    /// Damage, a viewport, cursor images.
    Pictures,
    /// Commits for a time that never comes, and nested popups.
    Waits,
}

/// How the compositor shows what clients commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// On planes, where it can.
    Planes,
    /// Composited by pixman.
    Pixman,
    /// Composited by GLES, on the CPU.
    Gles,
}

impl Options {
    /// Whether a part is to be measured.
    pub fn wants(&self, part: Part) -> bool {
        self.part.is_empty() || self.part.contains(&part)
    }

    /// How often scenarios are measured.
    pub fn in_rounds(&self) -> Rounds {
        Rounds { count: self.rounds, verbose: self.verbose }
    }

    /// The card.
    pub fn card(&self) -> Result<PathBuf> {
        lab::find_card(self.device.as_deref())
    }
}

impl Way {
    /// A compositor that shows windows so.
    pub fn start(self, card: &Path) -> Result<Compositor> {
        let mode = format!("{}x{}", SCREEN.0, SCREEN.1);
        let args: &[&str] = match self {
            Way::Planes => &[],
            Way::Pixman => &["--renderer", "pixman", "--planes", "none"],
            Way::Gles => &["--renderer", "gles", "--planes", "none"],
        };
        Compositor::start_on(card, &[&["--mode", &mode], args].concat())
    }
}
