//! Arrows: which file names which, by what path, on which line.

use std::collections::BTreeSet;

use super::resolve::{Resolved, Target, resolve, resolve_in_glob};
use super::tree::{Name, Tree};

/// A path in one file that leads into another file, or into another crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// The file with the path, relative to the package's folder.
    pub from: String,
    /// Line of the path.
    pub line: usize,
    /// As written.
    pub path: String,
    /// Where it leads.
    pub to: To,
    /// The file needs what the other one defines, not only a way through it: a circle can be
    /// made of such arrows.
    pub binds: bool,
    /// In code that is compiled for tests only.
    pub test: bool,
}

/// Where an arrow leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    /// A file of the same package, relative to its folder.
    File(String),
    /// A crate: its package's name, or `folder/` for one of this workspace.
    Crate(String),
}

/// The arrows of those files of a package that are wanted; sorted, each once.
pub fn arrows(tree: &Tree<'_>, is_wanted: impl Fn(&str) -> bool) -> Vec<Arrow> {
    let mut arrows = BTreeSet::new();
    for (module, about) in tree.modules.iter().enumerate().filter(|(_, about)| is_wanted(about.file)) {
        let mut source = Source { tree, module, arrows: &mut arrows };
        source.imports();
        source.paths();
        if !about.test {
            source.words();
        }
    }
    arrows.into_iter().collect()
}

/// A module whose arrows are collected.
struct Source<'t, 'a> {
    tree: &'t Tree<'a>,
    module: usize,
    arrows: &'t mut BTreeSet<Arrow>,
}

impl<'a> Source<'_, 'a> {
    fn imports(&mut self) {
        let tree = self.tree;
        let about = &tree.modules[self.module];
        for import in &about.scope.imports {
            let mut resolved = resolve(tree, self.module, &import.path);
            let glob = if import.name.is_none() { "::*" } else { "" };
            let text = format!("use {}{glob}", import.path.join("::"));
            let test = import.test || about.test;
            // A re-export of what lies below is no need of this file.
            if import.public {
                let (below, others) = resolved.targets.into_iter().partition(|target| self.is_below(*target));
                resolved.targets = others;
                for target in below {
                    self.arrow(import.line, &text, target, false, test);
                }
            }
            self.resolved(import.line, &text, resolved, test);
        }
    }

    fn paths(&mut self) {
        let tree = self.tree;
        let about = &tree.modules[self.module];
        for path in &about.scope.paths {
            if path.test || !self.comes_by_import(&path.path) {
                let resolved = resolve(tree, self.module, &path.path);
                self.resolved(path.line, &path.path.join("::"), resolved, path.test || about.test);
            }
        }
    }

    /// Whether the head of a path is an item that a private `use` of this module brings: then the
    /// arrow is that of the `use`.
    fn comes_by_import(&self, path: &[String]) -> bool {
        let about = &self.tree.modules[self.module];
        let Some(known) = path.first().and_then(|head| about.names.get(head.as_str())) else { return false };
        let mut imports = about.scope.imports.iter().filter(|import| import.name.as_ref() == path.first());
        known.iter().all(|name| matches!(name, Name::Import(_)))
            && imports.all(|import| {
                let targets = resolve(self.tree, self.module, &import.path).targets;
                let is_module = |target: &Target<'_>| matches!(target, Target::Module(_));
                !import.public && !import.test && !targets.iter().any(is_module)
            })
    }

    /// Single words: names that a glob brings, names that are re-exported and used here as well,
    /// and macros in sight.
    fn words(&mut self) {
        let tree = self.tree;
        let about = &tree.modules[self.module];
        for (word, &line) in about.scope.words.iter().filter(|(word, _)| !word.starts_with("::")) {
            if about.names.contains_key(word.as_str()) {
                let is_it = |name: &Option<String>| name.as_ref() == Some(word);
                if about.scope.imports.iter().any(|import| import.public && is_it(&import.name)) {
                    for target in resolve(tree, self.module, std::slice::from_ref(word)).targets {
                        self.arrow(line, word, target, matches!(target, Target::Item(_)), false);
                    }
                }
                continue;
            }
            for glob in about.scope.imports.iter().filter(|import| import.name.is_none() && !import.test) {
                let resolved = resolve_in_glob(tree, self.module, &glob.path, word);
                self.resolved(line, word, resolved, false);
            }
            if let Some(&line) = about.scope.calls.get(word)
                && let Some(definer) = tree.macro_in_sight(self.module, word)
            {
                self.arrow(line, &format!("{word}!"), Target::Item(definer), true, false);
            }
        }
    }

    /// The arrows of one path. A module is only a way to a name; what is named in it, also by a
    /// glob, has an arrow of its own.
    fn resolved(&mut self, line: usize, path: &str, resolved: Resolved<'a>, test: bool) {
        for target in resolved.targets {
            self.arrow(line, path, target, matches!(target, Target::Item(_)), test);
        }
        for hop in resolved.hops {
            self.arrow(line, path, Target::Module(hop), false, test);
        }
    }

    fn arrow(&mut self, line: usize, path: &str, to: Target<'a>, binds: bool, test: bool) {
        let from = self.tree.modules[self.module].file;
        let to = match to {
            Target::Module(id) | Target::Item(id) => To::File(self.tree.modules[id].file.to_owned()),
            Target::Crate(name) => To::Crate(name.to_owned()),
        };
        if to != To::File(from.to_owned()) {
            let path = path.trim_start_matches("::").to_owned();
            self.arrows.insert(Arrow { from: from.to_owned(), line, path, to, binds, test });
        }
    }

    fn is_below(&self, target: Target<'_>) -> bool {
        match target {
            Target::Module(id) | Target::Item(id) => self.tree.is_below(id, self.module),
            Target::Crate(_) => false,
        }
    }
}
