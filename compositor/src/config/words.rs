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
    /// Every client buffer that a plane can show.
    All,
    /// No client buffer: everything is composited. This helps to find out whether a plane is at
    /// fault.
    None,
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
    fn a_trusted_driver_is_no_scheduler() {
        assert_eq!(driver("amdgpu").as_deref(), Ok("amdgpu"));
        assert_eq!(driver("NVIDIA").as_deref(), Ok("nvidia-drm"), "as its fences say");
        assert!(driver("drm_sched").unwrap_err().contains("name the driver"));
        assert!(driver("").is_err());
    }
}
