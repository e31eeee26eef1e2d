//! The words that the command line and the configuration file have in common.

use clap::ValueEnum;

/// What composites the surfaces that no plane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RendererChoice {
    /// GLES on a GPU, otherwise pixman.
    Auto,
    /// GLES; an error if the machine has no GPU for it.
    Gles,
    /// Pixman, on the CPU.
    Pixman,
}

/// Which pending fences are handed over to the display or the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FencePolicy {
    /// None: every fence is waited for.
    Never,
    /// Fences of the driver that would wait for them.
    SameDriver,
    /// As `same-driver`, and fences of the drivers that are trusted.
    Trusted,
    /// All fences: a single client can then stop the display.
    Always,
}

/// What planes are used for. The cursor always has a plane of its own if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaneUse {
    /// Every client buffer that a plane can show.
    All,
    /// No client buffer: everything is composited. This helps to find out whether a plane is at
    /// fault.
    None,
}
