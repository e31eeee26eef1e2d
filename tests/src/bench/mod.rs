//! `syncline-bench`: what a frame costs, against limits, beside what other compositors were
//! measured to cost.
//!
//! docs/measuring.md says how each figure is counted, and how it is judged ([`judge`]).

pub mod capture;
pub mod control;
pub mod desktop;
pub mod dmabuf;
pub mod frame;
pub mod hostile;
pub mod judge;
pub mod kms;
mod row;
pub mod runs;
pub mod scale;
pub mod shm;
pub mod strace;

use clap::{Parser, Subcommand};

pub use row::{Row, table};

/// Measures Syncline in the lab. The exit status is 1 if a limit is exceeded.
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
    /// What it costs that each frame of a display is captured, and whether frames come late for it.
    Capture(capture::Options),
    /// A bar and windows: wake-ups while nothing happens, planes, from a key to another workspace.
    Desktop(desktop::Options),
    /// Buffers of clients: what describing, importing and showing them again costs.
    Dmabuf(dmabuf::Options),
    /// One fullscreen client with explicit fences: missed frames, system calls, CPU time, memory.
    Frame(frame::Options),
    /// What another client keeps of its frame rate beside bad clients, and what these cost.
    Hostile(hostile::Options),
    /// The display's side: latest signals that make their vblank, many windows, input to photon,
    /// idling.
    Kms(kms::Options),
    /// Growing desktops: what a frame costs beside many surfaces, windows and displays, with GLES,
    /// and beside a client that rearranges its tree.
    Scale(scale::Options),
}
