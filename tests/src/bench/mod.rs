//! `syncline-bench`: what a frame costs, against limits, beside what others were measured to cost.
//!
//! How each figure is counted is written in docs/measuring.md.

pub mod dmabuf;
pub mod frame;
pub mod kms;
mod row;
pub mod runs;
pub mod shm;
pub mod strace;

use clap::{Parser, Subcommand};

pub use row::{Row, table};

/// Measures Syncline in the lab. The exit status is 1 where a limit is broken.
#[derive(Debug, Clone, Parser)]
#[command(name = "syncline-bench", version)]
pub struct Options {
    /// What to measure.
    #[command(subcommand)]
    pub what: Bench,
}

/// The benchmarks.
#[derive(Debug, Clone, Subcommand)]
pub enum Bench {
    /// Buffers of clients: what describing, importing and showing them again costs.
    Dmabuf(dmabuf::Options),
    /// One fullscreen client with explicit fences: missed frames, system calls, CPU time, memory.
    Frame(frame::Options),
    /// The display's side: latest signals that make their vblank, many windows, input to photon, idling.
    Kms(kms::Options),
}
