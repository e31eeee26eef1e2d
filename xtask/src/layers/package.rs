//! A package as the layer test sees it: what its Cargo.toml says, and its files as they were read.

use std::collections::BTreeMap;

use super::read::Scope;

/// A package, from disk or from a test.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// The folder, relative to the workspace.
    pub folder: String,
    /// Name of its library in code, where it has one.
    pub library: Option<String>,
    /// Root files of all targets, relative to the folder; true where the target is a test, a
    /// benchmark or an example.
    pub roots: Vec<(String, bool)>,
    /// Its Cargo.toml.
    pub manifest: String,
    /// Dependencies: name in code → name of the package, or `folder/` for one of this workspace.
    pub dependencies: BTreeMap<String, String>,
    /// All `.rs` files, relative to the folder.
    pub files: BTreeMap<String, Scope>,
}

impl Package {
    /// The line of Cargo.toml that names a dependency; 0 if none does.
    pub fn manifest_line(&self, code_name: &str, to: &str) -> usize {
        let names = [code_name, &code_name.replace('_', "-"), to.trim_end_matches('/')].map(str::to_owned);
        let is_it = |line: &str| {
            let word = line.split(['.', '=', ' ']).next().unwrap_or_default();
            names.iter().any(|name| name == word)
        };
        self.manifest.lines().position(is_it).map_or(0, |at| at + 1)
    }
}
