//! The command line of the `scale` benchmark, and the compositors that it measures.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::sample::Rounds;
use crate::compositor::Compositor;
use crate::error::Result;
use crate::lab;

/// Options of `scale`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Measure only these parts; may be given several times, or as a list with commas.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub part: Vec<Part>,
    /// How often each scenario is measured, in turn with its control; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,
    /// Frames of one measurement, at 60 Hz.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..))]
    pub frames: u64,
    /// The card; found automatically if it is vkms or the only one. Displays are counted on cards
    /// of their own.
    #[arg(long)]
    pub device: Option<PathBuf>,
    /// Print each round, and how often each system call was made.
    #[arg(long)]
    pub verbose: bool,
}

/// A part of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Beside static sub-surfaces.
    SubSurfaces,
    /// Beside static windows.
    Windows,
    /// On several displays.
    Outputs,
    /// System calls of a fullscreen client with explicit fences.
    Fences,
    /// GLES against pixman.
    Gles,
    /// Beside a client that rearranges its tree.
    Tree,
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

/// A compositor with displays of this size that composites every window with this renderer.
pub fn compositing(card: &Path, renderer: &str, screen: (i32, i32), args: &[&str]) -> Result<Compositor> {
    let mode = format!("{}x{}", screen.0, screen.1);
    Compositor::start_on(card, &[&["--renderer", renderer, "--planes", "none", "--mode", &mode], args].concat())
}
