//! The module trees of one package: which file is which module, and what names each module has.
//!
//! Files are found as rustc finds them: `a.rs`, `a/mod.rs` or `#[path]`. Conditions other than
//! `cfg(test)` are taken for true.

use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use super::package::Package;
use super::read::{Child, Scope};

/// Modules of all targets of a package.
#[derive(Debug)]
pub struct Tree<'a> {
    /// What it was made of.
    pub package: &'a Package,
    /// All modules; a module's parent comes before it.
    pub modules: Vec<Module<'a>>,
    /// The root of the library.
    pub library: Option<usize>,
    /// What is wrong with the tree itself: files that are missing, or that no target reaches.
    pub faults: Vec<String>,
}

/// One module: a file, or an inline module of one.
#[derive(Debug)]
pub struct Module<'a> {
    /// The file, relative to the package's folder.
    pub file: &'a str,
    /// Its content.
    pub scope: &'a Scope,
    /// None for the root of a target.
    pub parent: Option<usize>,
    /// The root of its target.
    pub root: usize,
    /// Compiled for tests only.
    pub test: bool,
    /// Everything that can be named here without a glob.
    pub names: HashMap<&'a str, Vec<Name<'a>>>,
    /// Paths of `use path::*`.
    pub globs: Vec<&'a [String]>,
}

/// What a name of a module is.
#[derive(Debug, Clone, Copy)]
pub enum Name<'a> {
    /// A child module.
    Module(usize),
    /// An item that this module defines.
    Item(usize),
    /// Imported: the path.
    Import(&'a [String]),
}

impl<'a> Tree<'a> {
    /// Builds the trees.
    pub fn new(package: &'a Package) -> Self {
        let mut tree = Self { package, modules: Vec::new(), library: None, faults: Vec::new() };
        for (root, test) in &package.roots {
            let Some((file, scope)) = package.files.get_key_value(root) else {
                tree.faults.push(format!("{}/{root}: the root of a target is missing", package.folder));
                continue;
            };
            let id = tree.add(file, scope, None, *test, folder_of(root));
            if root == "src/lib.rs" {
                tree.library = Some(id);
            }
        }
        let reached: BTreeSet<&str> = tree.modules.iter().map(|module| module.file).collect();
        for (file, scope) in &package.files {
            if !reached.contains(file.as_str()) {
                tree.faults.push(format!("{}/{file}: no `mod` leads to this file", package.folder));
            }
            for line in scope.includes() {
                tree.faults.push(format!(
                    "{}/{file}:{line}: `include!` of code is not followed; make it a module",
                    package.folder
                ));
            }
        }
        tree
    }

    /// Files that are compiled for tests only.
    pub fn test_files(&self) -> BTreeSet<&'a str> {
        let built: BTreeSet<&str> =
            self.modules.iter().filter(|module| !module.test).map(|module| module.file).collect();
        self.modules.iter().map(|module| module.file).filter(|file| !built.contains(file)).collect()
    }

    /// Whether a module lies below another one.
    pub fn is_below(&self, mut module: usize, ancestor: usize) -> bool {
        while let Some(parent) = self.modules[module].parent {
            if parent == ancestor {
                return true;
            }
            module = parent;
        }
        false
    }

    /// The nearest module that has such a `macro_rules!`, from a module upwards.
    pub fn macro_in_sight(&self, from: usize, name: &str) -> Option<usize> {
        let mut at = Some(from);
        while let Some(module) = at {
            if self.modules[module].scope.macros.iter().any(|known| known == name) {
                return Some(module);
            }
            at = self.modules[module].parent;
        }
        None
    }

    /// Adds a module and all below it. `folder` is where the files of its children lie.
    fn add(&mut self, file: &'a str, scope: &'a Scope, parent: Option<usize>, test: bool, folder: &Path) -> usize {
        let id = self.modules.len();
        let root = parent.map_or(id, |parent| self.modules[parent].root);
        let test = test || scope.test;
        let (names, globs) = (HashMap::new(), Vec::new());
        self.modules.push(Module { file, scope, parent, root, test, names, globs });
        for item in &scope.items {
            self.name(id, item, Name::Item(id));
        }
        for macro_name in &scope.exported {
            self.name(root, macro_name, Name::Item(id));
        }
        for import in &scope.imports {
            match &import.name {
                Some(name) => self.name(id, name, Name::Import(&import.path)),
                None => self.modules[id].globs.push(&import.path),
            }
        }
        for child in &scope.children {
            if let Some(module) = self.child(id, child, test, folder) {
                self.name(id, &child.name, Name::Module(module));
            }
        }
        id
    }

    fn name(&mut self, module: usize, name: &'a str, what: Name<'a>) {
        self.modules[module].names.entry(name).or_default().push(what);
    }

    fn child(&mut self, parent: usize, child: &'a Child, test: bool, folder: &Path) -> Option<usize> {
        let test = test || child.test;
        let inner = folder.join(&child.name);
        let here = self.modules[parent].file;
        if let Some(scope) = &child.inline {
            return Some(self.add(here, scope, Some(parent), test, &inner));
        }
        let candidates = match &child.path {
            Some(path) => vec![tidy(&folder_of(here).join(path))],
            None => vec![tidy(&folder.join(format!("{}.rs", child.name))), tidy(&inner.join("mod.rs"))],
        };
        let package = self.package;
        let found = candidates.iter().find_map(|candidate| package.files.get_key_value(candidate));
        let Some((file, scope)) = found else {
            let fault = format!("{}/{here}:{}: `mod {}` has no file", package.folder, child.line, child.name);
            self.faults.push(fault);
            return None;
        };
        let owns_folder = file.ends_with("/mod.rs") || child.path.is_some();
        Some(self.add(file, scope, Some(parent), test, if owns_folder { folder_of(file) } else { &inner }))
    }
}

fn folder_of(file: &str) -> &Path {
    Path::new(file).parent().unwrap_or(Path::new(""))
}

/// `a/../b` without the detour, with slashes.
fn tidy(path: &Path) -> String {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                tidied.pop();
            }
            Component::CurDir => {}
            other => tidied.push(other),
        }
    }
    tidied.to_string_lossy().replace('\\', "/")
}
