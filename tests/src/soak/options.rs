//! Command line of `syncline-soak`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs a compositor beside many clients, and checks that nothing is left of them.
#[derive(Debug, Clone, Parser)]
#[command(name = "syncline-soak", version)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What the program is.
#[derive(Debug, Clone, Subcommand)]
pub enum What {
    /// The whole.
    Run(Run),
    /// One of its clients.
    Client(Part),
}

/// Options of the whole.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The same seed makes the same choices.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// End after so many commits.
    #[arg(long)]
    pub commits: Option<u64>,
    /// A byte on standard input ends a phase, too, and its end all of them.
    #[arg(long)]
    pub marks: bool,
    /// Clients at a time.
    #[arg(long, default_value_t = 8)]
    pub clients: usize,
    /// The compositor's renderer.
    #[arg(long, default_value = "pixman")]
    pub renderer: String,
}

/// How a client ends that is not killed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum End {
    /// It destroys everything, in order.
    Bye,
    /// It goes without a word.
    Vanish,
    /// It no longer reads what the compositor says, does not answer, and waits to be killed.
    Mute,
}

/// Options of one client.
#[derive(Debug, Clone, Args)]
pub struct Part {
    /// Wayland socket to connect to.
    #[arg(long, env = "WAYLAND_DISPLAY", default_value = "wayland-0")]
    pub socket: String,
    /// The same seed makes the same choices.
    #[arg(long)]
    pub seed: u64,
    /// Commits before its end.
    #[arg(long)]
    pub commits: u64,
    /// How it ends.
    #[arg(long, value_enum)]
    pub end: End,
    /// File for its tally.
    #[arg(long)]
    pub tally: PathBuf,
}
