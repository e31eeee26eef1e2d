//! Where things lie: the workspace, its target directory, and the cache of the lab.
//!
//! Never creates anything but the cache directory itself.

use std::env;
use std::path::{Path, PathBuf};

use crate::error::{Context, Error, Result};

/// Root of the workspace: the folder that holds `xtask/`.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target directory, as the environment sets it.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) if !dir.is_empty() => workspace().join(dir),
        _ => workspace().join("target"),
    }
}

/// The cargo that runs this program, or the one in PATH.
pub fn cargo() -> PathBuf {
    env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// The cache of the lab, created if it is missing.
pub fn lab_cache() -> Result<PathBuf> {
    let base = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
        (Some(dir), _) if Path::new(&dir).is_absolute() => PathBuf::from(dir),
        (_, Some(home)) if Path::new(&home).is_absolute() => Path::new(&home).join(".cache"),
        _ => {
            return Err(Error::new(
                "there is no folder for the lab's kernel: neither XDG_CACHE_HOME nor HOME is an absolute path",
            )
            .hint("set XDG_CACHE_HOME to a folder with 3 GB of free space"));
        }
    };
    let dir = base.join("syncline/lab");
    std::fs::create_dir_all(&dir).context(format_args!("create {}", dir.display()))?;
    Ok(dir)
}

/// The first executable of that name in PATH or in the system folders that a user's PATH may lack.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .map(|dir| dir.join(name))
        .find(|file| rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok() && file.is_file())
}
