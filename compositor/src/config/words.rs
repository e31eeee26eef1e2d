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
    /// What this means on a card of `driver`; never [`PlaneUse::Auto`]. docs/planes.md says why.
    pub fn on(self, driver: &str) -> Self {
        const DESKTOP: [&str; 6] = ["i915", "xe", "amdgpu", "radeon", "nouveau", "nvidia-drm"];
        match self {
            Self::Auto if DESKTOP.contains(&driver) => Self::Fullscreen,
            Self::Auto => Self::All,
            other => other,
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
    fn overlays_are_for_boards_unless_they_are_asked_for() {
        for driver in ["i915", "xe", "amdgpu", "nouveau"] {
            assert_eq!(PlaneUse::Auto.on(driver), PlaneUse::Fullscreen, "{driver}");
            assert_eq!(PlaneUse::All.on(driver), PlaneUse::All, "{driver}: asked for");
        }
        for driver in ["rcar-du", "vkms", "vc4", "msm", "virtio_gpu"] {
            assert_eq!(PlaneUse::Auto.on(driver), PlaneUse::All, "{driver}");
            assert_eq!(PlaneUse::None.on(driver), PlaneUse::None, "{driver}");
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
