//! What the lab's kernel is built from besides its source: the configuration and the patches in
//! `xtask/lab/`, and the key they make.
//!
//! The key names the cache folder, so a change of either builds a new kernel and a change of
//! neither never does.

use std::fs;
use std::path::Path;

use crate::error::{Context, Result};

/// Increased when the build itself changes, so that kernels built before are not used.
const GENERATION: u32 = 1;

/// Configuration and patches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The fragment that `allnoconfig` starts from.
    pub config: String,
    /// Name and text of each patch, in the order in which they apply.
    pub patches: Vec<(String, String)>,
}

impl Recipe {
    /// Reads `xtask/lab/` below the workspace.
    pub fn load(workspace: &Path) -> Result<Self> {
        let dir = workspace.join("xtask/lab");
        let read = |path: &Path| fs::read_to_string(path).context(format_args!("read {}", path.display()));
        let config = read(&dir.join("kernel.config"))?;
        let patch_dir = dir.join("patches");
        let mut patches = Vec::new();
        for entry in fs::read_dir(&patch_dir).context(format_args!("list {}", patch_dir.display()))? {
            let path = entry.context(format_args!("list {}", patch_dir.display()))?.path();
            if path.extension().is_some_and(|e| e == "patch") {
                patches.push((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), read(&path)?));
            }
        }
        patches.sort();
        Ok(Self { config, patches })
    }

    /// The settings, without comments.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.config.lines().map(str::trim).filter(|line| line.starts_with("CONFIG_"))
    }

    /// The key, 16 hexadecimal digits. Comments do not count.
    pub fn key(&self) -> String {
        let mut text = format!("{GENERATION} {}\n", std::env::consts::ARCH);
        self.settings().for_each(|setting| text.push_str(&format!("{setting}\n")));
        for (name, patch) in &self.patches {
            text.push_str(&format!("{name} {}\n{patch}", patch.len()));
        }
        format!("{:016x}", fnv1a(text.as_bytes()))
    }

    /// The settings that a finished `.config` does not have: Kconfig drops silently what it cannot
    /// satisfy.
    pub fn unmet<'a>(&'a self, finished: &str) -> Vec<&'a str> {
        let met = |setting: &str| match setting.strip_suffix("=n") {
            Some(name) => {
                !finished.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')))
            }
            None => finished.lines().any(|line| line == setting),
        };
        self.settings().filter(|setting| !met(setting)).collect()
    }
}

/// FNV-1a: names a cache folder, guards nothing.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe(config: &str, patch: &str) -> Recipe {
        Recipe { config: config.to_owned(), patches: vec![("0001-a.patch".to_owned(), patch.to_owned())] }
    }

    #[test]
    fn the_key_follows_settings_and_patches_and_nothing_else() {
        let base = recipe("CONFIG_A=y\n", "x").key();
        assert_eq!(base.len(), 16);
        assert_eq!(recipe("# why\n\nCONFIG_A=y\n", "x").key(), base);
        assert_ne!(recipe("CONFIG_A=n\n", "x").key(), base);
        assert_ne!(recipe("CONFIG_A=y\n", "y").key(), base);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c, "the published value");
    }

    #[test]
    fn settings_that_kconfig_dropped() {
        let recipe = recipe("CONFIG_A=y\nCONFIG_B=n\nCONFIG_C=\"x\"\nCONFIG_D=n\n", "");
        let finished = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"y\"\nCONFIG_D=y\nCONFIG_BB=y\n";
        assert_eq!(recipe.unmet(finished), ["CONFIG_C=\"x\"", "CONFIG_D=n"]);
    }

    #[test]
    fn the_committed_recipe_loads() {
        let recipe = Recipe::load(&crate::paths::workspace()).unwrap();
        assert!(recipe.settings().any(|s| s == "CONFIG_DRM_VKMS=y"));
        assert!(recipe.patches.iter().any(|(_, patch)| patch.contains("DRIVER_SYNCOBJ_TIMELINE")));
    }
}
