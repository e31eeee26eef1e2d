//! The packages of this workspace as they lie on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::package::Package;
use super::read;
use crate::error::{Context, Error, Result};
use crate::paths;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Described>,
}

#[derive(Deserialize)]
struct Described {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    rename: Option<String>,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

/// All packages of the workspace, sorted by folder.
pub fn packages() -> Result<Vec<Package>> {
    let root = paths::workspace();
    let output = Command::new(paths::cargo())
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(&root)
        .output()
        .context("run `cargo metadata`")?;
    if !output.status.success() {
        return Err(Error::new(format!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("read what `cargo metadata` says")?;
    let mut packages = Vec::new();
    for described in metadata.packages {
        packages.push(package(&root, described)?);
    }
    packages.sort_by(|a, b| a.folder.cmp(&b.folder));
    Ok(packages)
}

fn package(root: &Path, described: Described) -> Result<Package> {
    let folder = described.manifest_path.parent().unwrap_or(root).to_path_buf();
    let relative = |path: &Path, base: &Path| path.strip_prefix(base).unwrap_or(path).to_string_lossy().into_owned();
    let code_name = |name: &str| name.replace('-', "_");
    let mut package = Package {
        folder: relative(&folder, root),
        manifest: fs::read_to_string(&described.manifest_path)
            .context(format_args!("read the manifest of {}", described.name))?,
        ..Package::default()
    };
    for target in described.targets {
        let is = |kind: &str| target.kind.iter().any(|known| known == kind);
        if is("lib") {
            package.library = Some(code_name(&target.name));
        }
        let for_tests = is("test") || is("bench") || is("example");
        package.roots.push((relative(&target.src_path, &folder), for_tests));
    }
    for dependency in described.dependencies {
        let in_code = code_name(dependency.rename.as_ref().unwrap_or(&dependency.name));
        let to = match &dependency.path {
            Some(path) => format!("{}/", relative(path, root)),
            None => dependency.name,
        };
        package.dependencies.insert(in_code, to);
    }
    let mut files = BTreeMap::new();
    for part in ["src", "tests", "benches", "examples"] {
        sources(&folder, &folder.join(part), &mut files)?;
    }
    package.files = files;
    Ok(package)
}

fn sources(base: &Path, folder: &Path, files: &mut BTreeMap<String, read::Scope>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let path = entry.context(format_args!("list {}", folder.display()))?.path();
        if path.is_dir() {
            sources(base, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).context(format_args!("read {}", path.display()))?;
            let scope = read::read(&text).context(format_args!("read {}", path.display()))?;
            let name = path.strip_prefix(base).unwrap_or(&path).to_string_lossy().into_owned();
            files.insert(name, scope);
        }
    }
    Ok(())
}
