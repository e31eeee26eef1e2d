use clap::ValueEnum;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RendererChoice {
    Auto,
    Gles,
    Pixman,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FencePolicy {
    Never,
    SameDriver,
    Trusted,
    Always,
}

/// What planes are used for. The cursor has its own in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaneUse {
    /// Every client buffer that a plane takes.
    All,
    /// Nothing: every picture is rendered. For finding out whether a plane is at fault.
    None,
}
