//! The words that the command line and the configuration file have in common.

use clap::ValueEnum;
use serde::{Deserialize, Deserializer, de::Error};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize, serde::Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaneUse {
    /// `fullscreen` on the GPUs of desktop computers (i915, xe, amdgpu, radeon, nouveau, nvidia-drm),
    /// `all` on everything else.
    Auto,
    /// Every client buffer that a plane can show.
    All,
    /// A client buffer that fills the display, on the primary plane. Overlay planes are not used.
    Fullscreen,
    /// No client buffer: everything is composited. This helps to find out whether a plane is at
    /// fault.
    None,
}

impl PlaneUse {
    /// What this means on a card on which overlays are used only where they are `asked_for`; never
    /// [`PlaneUse::Auto`].
    pub fn on(self, asked_for: bool) -> Self {
        match (self, asked_for) {
            (Self::Auto, true) => Self::Fullscreen,
            (Self::Auto, false) => Self::All,
            (other, _) => other,
        }
    }
}

/// The name of a driver whose fences are trusted.
pub fn driver(name: &str) -> Result<String, String> {
    match name {
        kms::producer::SCHEDULER => Err(format!(
            "`{name}` is the scheduler that the drivers of many GPUs share; name the driver, such as `amdgpu`"
        )),
        "" => Err("a driver has a name, such as `amdgpu`".to_owned()),
        name => Ok(kms::producer::driver(name).to_owned()),
    }
}

/// The same for a list of them.
pub fn drivers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| driver(name)).collect::<Result<_, _>>().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlays_are_used_unless_a_card_wants_to_be_asked() {
        assert_eq!([false, true].map(|asked_for| PlaneUse::Auto.on(asked_for)), [PlaneUse::All, PlaneUse::Fullscreen]);
        for planes in [PlaneUse::All, PlaneUse::Fullscreen, PlaneUse::None] {
            assert_eq!([false, true].map(|asked_for| planes.on(asked_for)), [planes; 2]);
        }
    }

    #[test]
    fn a_trusted_driver_is_no_scheduler() {
        assert_eq!(driver("amdgpu").as_deref(), Ok("amdgpu"));
        assert_eq!(driver("NVIDIA").as_deref(), Ok("nvidia-drm"), "as its fences say");
        assert!(driver("drm_sched").unwrap_err().contains("name the driver"));
        assert!(driver("").is_err());
    }
}
