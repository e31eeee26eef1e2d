//! What a path names: followed through imports, globs and re-exports to the module that defines it.
//!
//! A name that is not found in a module (a macro makes it, say) is attributed to that module.

use std::collections::BTreeSet;

use super::tree::{Name, Tree};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A module itself.
    Module(usize),
    /// Something that this module defines.
    Item(usize),
    /// Something of another crate: its package's name, or `folder/`.
    Crate(&'a str),
}

/// All that a path may mean (a name can be a type, a value and a macro), and how it got there.
#[derive(Debug, Default)]
pub struct Resolved<'a> {
    /// What it leads to.
    pub targets: Vec<Target<'a>>,
    /// Modules whose re-exports it went through.
    pub hops: Vec<usize>,
}

/// Resolves one path.
pub fn resolve<'a>(tree: &Tree<'a>, from: usize, path: &'a [String]) -> Resolved<'a> {
    let mut walk = Walk { tree, seen: BTreeSet::new() };
    let mut resolved = walk.path(from, path);
    resolved.targets.dedup();
    resolved.hops.retain(|&hop| hop != from);
    resolved
}

/// What a single name means that the glob `path::*` may bring into a module.
pub fn resolve_in_glob<'a>(tree: &Tree<'a>, from: usize, path: &'a [String], name: &str) -> Resolved<'a> {
    Walk { tree, seen: BTreeSet::new() }.in_glob(from, path, name)
}

struct Walk<'t, 'a> {
    tree: &'t Tree<'a>,
    /// Names that are being followed, so that imports that name each other end.
    seen: BTreeSet<(usize, &'a str)>,
}

impl<'a> Walk<'_, 'a> {
    fn path(&mut self, from: usize, path: &'a [String]) -> Resolved<'a> {
        let Some((head, rest)) = path.split_first() else { return Resolved::default() };
        let module = &self.tree.modules[from];
        match head.as_str() {
            "" => rest.split_first().map_or_else(Resolved::default, |(name, rest)| self.foreign(name, rest)),
            "crate" => self.inside(module.root, rest, from),
            "self" if rest.first().is_some_and(|next| next == "super") => self.path(from, rest),
            "self" => self.inside(from, rest, from),
            "super" => match module.parent {
                Some(parent) if rest.first().is_some_and(|next| next == "super") => self.path(parent, rest),
                Some(parent) => self.inside(parent, rest, from),
                None => Resolved::default(),
            },
            "Self" => Resolved::default(),
            name => {
                let found = self.member(from, name, rest, from);
                if found.targets.is_empty() { self.foreign(name, rest) } else { found }
            }
        }
    }

    /// The rest of a path, from inside of a module on.
    fn inside(&mut self, at: usize, rest: &'a [String], from: usize) -> Resolved<'a> {
        let Some((name, rest)) = rest.split_first() else {
            return Resolved { targets: vec![Target::Module(at)], hops: Vec::new() };
        };
        let mut found = self.member(at, name, rest, from);
        if found.targets.is_empty() {
            found.targets.push(Target::Item(at));
        }
        found
    }

    /// A name of a module: its own, imported, or brought by a glob.
    fn member(&mut self, at: usize, name: &'a str, rest: &'a [String], from: usize) -> Resolved<'a> {
        let mut found = Resolved::default();
        if !self.seen.insert((at, name)) {
            return found;
        }
        let tree = self.tree;
        let module = &tree.modules[at];
        let known = module.names.get(name).map_or(&[][..], Vec::as_slice);
        let is_module = known.iter().any(|name| matches!(name, Name::Module(_)));
        for what in known {
            match *what {
                Name::Module(child) => found.add(self.inside(child, rest, from)),
                // `a::b` where `a` is a module and a function: the module.
                Name::Item(_) if is_module && !rest.is_empty() => {}
                Name::Item(definer) => found.targets.push(Target::Item(definer)),
                Name::Import(path) => {
                    let base = self.path(at, path);
                    found.add(self.through(at, base, rest, from));
                }
            }
        }
        if known.is_empty() {
            for path in &module.globs {
                let base = self.in_glob(at, path, name);
                if !base.targets.is_empty() {
                    found.add(self.through(at, base, rest, from));
                }
            }
        }
        self.seen.remove(&(at, name));
        found
    }

    /// The rest of a path behind an import of the module `at`.
    fn through(&mut self, at: usize, base: Resolved<'a>, rest: &'a [String], from: usize) -> Resolved<'a> {
        let mut found = Resolved { targets: Vec::new(), hops: base.hops };
        if at != from {
            found.hops.push(at);
        }
        for target in base.targets {
            match target {
                Target::Module(child) => found.add(self.inside(child, rest, from)),
                other => found.targets.push(other),
            }
        }
        found
    }

    /// A name that `use path::*` brings into `at`.
    fn in_glob(&mut self, at: usize, path: &'a [String], name: &str) -> Resolved<'a> {
        let mut found = Resolved::default();
        let tree = self.tree;
        for base in self.path(at, path).targets {
            let Target::Module(base) = base else { continue };
            if base == at {
                continue;
            }
            let module = &tree.modules[base];
            if let Some((name, _)) = module.names.get_key_value(name) {
                found.add(self.member(base, name, &[], at));
            } else if self.seen.insert((base, "*")) {
                for glob in &module.globs {
                    found.add(self.in_glob(base, glob, name));
                }
                self.seen.remove(&(base, "*"));
            }
        }
        found
    }

    /// Another crate, or this package's library.
    fn foreign(&mut self, name: &'a str, rest: &'a [String]) -> Resolved<'a> {
        let package = self.tree.package;
        if let Some(crate_name) = package.dependencies.get(name) {
            return Resolved { targets: vec![Target::Crate(crate_name)], hops: Vec::new() };
        }
        match self.tree.library {
            Some(library) if package.library.as_deref() == Some(name) => self.inside(library, rest, library),
            _ => Resolved::default(),
        }
    }
}

impl Resolved<'_> {
    fn add(&mut self, mut other: Self) {
        self.targets.append(&mut other.targets);
        self.hops.append(&mut other.hops);
    }
}
