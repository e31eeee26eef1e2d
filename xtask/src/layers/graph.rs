//! The module trees of one package, and what each path in it really names.
//!
//! A path is followed through imports, globs and re-exports to the file that defines the name. Names that a macro makes are
//! attributed to the module in which they were looked for.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

use super::read::{Child, Scope};

/// What a package is made of: enough to check it, from disk or from a test.
#[derive(Debug, Clone, Default)]
pub struct Package {
    /// The folder, relative to the workspace.
    pub folder: String,
    /// Name of its library in code, where it has one.
    pub library: Option<String>,
    /// Root files of all targets, relative to the folder; true where the target is for tests (and benches).
    pub roots: Vec<(String, bool)>,
    /// Its Cargo.toml.
    pub manifest: String,
    /// Dependencies: name in code → name of the package, or `folder/` where it is one of this workspace.
    pub dependencies: BTreeMap<String, String>,
    /// All `.rs` files, relative to the folder, as they were read.
    pub files: BTreeMap<String, Scope>,
}

impl Package {
    /// The line of Cargo.toml that names a dependency.
    pub fn manifest_line(&self, code_name: &str, to: &str) -> usize {
        let names = [code_name, &code_name.replace('_', "-"), to.trim_end_matches('/')].map(str::to_owned);
        let is_it = |line: &str| {
            let word = line.split(['.', '=', ' ']).next().unwrap_or_default();
            names.iter().any(|name| name == word)
        };
        self.manifest.lines().position(is_it).map_or(0, |at| at + 1)
    }
}

/// A path in one file that leads into another, or into another crate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrow {
    /// File with the path, relative to the package's folder.
    pub from: String,
    /// Line of the path.
    pub line: usize,
    /// As written.
    pub path: String,
    /// Where it leads.
    pub to: To,
    /// The other file is needed for more than the name: a circle can be made of it.
    pub binds: bool,
    /// In code that is compiled for tests only.
    pub test: bool,
}

/// Where an arrow leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum To {
    /// A file of the same package, relative to its folder.
    File(String),
    /// A crate: its package's name, or `folder/` where it is one of this workspace.
    Crate(String),
}

/// Modules of all targets of a package.
#[derive(Debug)]
pub struct Graph<'a> {
    package: &'a Package,
    modules: Vec<Module<'a>>,
    library: Option<usize>,
    /// What is wrong with the tree itself: files that are missing, or that no target reaches.
    pub faults: Vec<String>,
}

#[derive(Debug)]
struct Module<'a> {
    file: &'a str,
    scope: &'a Scope,
    parent: Option<usize>,
    root: usize,
    test: bool,
    names: HashMap<&'a str, Vec<Name<'a>>>,
    globs: Vec<&'a [String]>,
}

#[derive(Debug, Clone, Copy)]
enum Name<'a> {
    Module(usize),
    Item(usize),
    Import(&'a [String]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Target<'a> {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
    Crate(&'a str),
}

/// One step of a walk, so that imports that name each other end.
type Seen<'a> = BTreeSet<(usize, &'a str)>;

impl<'a> Graph<'a> {
    /// Builds the trees.
    pub fn new(package: &'a Package) -> Self {
        let mut graph = Self { package, modules: Vec::new(), library: None, faults: Vec::new() };
        for (root, test) in &package.roots {
            let folder = Path::new(root).parent().unwrap_or(Path::new("")).to_path_buf();
            let Some((file, scope)) = package.files.get_key_value(root) else {
                graph.faults.push(format!("{}/{root} is the root of a target and is missing", package.folder));
                continue;
            };
            let id = graph.add(file, scope, None, *test, &folder);
            if root == "src/lib.rs" {
                graph.library = Some(id);
            }
        }
        let reached: BTreeSet<&str> = graph.modules.iter().map(|module| module.file).collect();
        for file in package.files.keys().filter(|file| !reached.contains(file.as_str())) {
            graph.faults.push(format!("{}/{file} is no module of any target: no `mod` leads to it", package.folder));
        }
        graph
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
        if let Some(scope) = &child.inline {
            let file = self.modules[parent].file;
            return Some(self.add(file, scope, Some(parent), test, &inner));
        }
        let candidates = match &child.path {
            Some(path) => {
                let here = Path::new(self.modules[parent].file).parent().unwrap_or(Path::new(""));
                vec![tidy(&here.join(path))]
            }
            None => vec![tidy(&folder.join(format!("{}.rs", child.name))), tidy(&inner.join("mod.rs"))],
        };
        let package = self.package;
        let found = candidates.iter().find_map(|candidate| package.files.get_key_value(candidate));
        let Some((file, scope)) = found else {
            let (file, line) = (self.modules[parent].file, child.line);
            self.faults.push(format!("{}/{file}:{line}: `mod {}` has no file", package.folder, child.name));
            return None;
        };
        let below = if file.ends_with("/mod.rs") || child.path.is_some() {
            Path::new(file).parent().unwrap_or(Path::new("")).to_path_buf()
        } else {
            inner
        };
        Some(self.add(file, scope, Some(parent), test, &below))
    }

    /// Files that are compiled for tests only.
    pub fn test_files(&self) -> BTreeSet<&'a str> {
        let built: BTreeSet<&str> =
            self.modules.iter().filter(|module| !module.test).map(|module| module.file).collect();
        self.modules.iter().map(|module| module.file).filter(|file| !built.contains(file)).collect()
    }

    /// Every arrow of the package, sorted, each once.
    pub fn arrows(&self) -> Vec<Arrow> {
        self.arrows_of(|_| true)
    }

    /// Every arrow of some files.
    pub fn arrows_of(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Arrow> {
        let mut arrows = BTreeSet::new();
        for id in (0..self.modules.len()).filter(|&id| is_wanted(self.modules[id].file)) {
            self.arrows_of_imports(id, &mut arrows);
            self.arrows_of_paths(id, &mut arrows);
            self.arrows_of_words(id, &mut arrows);
        }
        arrows.into_iter().collect()
    }

    fn arrows_of_imports(&self, id: usize, arrows: &mut BTreeSet<Arrow>) {
        let module = &self.modules[id];
        for import in &module.scope.imports {
            let (targets, through) = self.walk_all(id, &import.path);
            let text = format!("use {}{}", import.path.join("::"), if import.name.is_none() { "::*" } else { "" });
            let test = import.test || module.test;
            for target in targets {
                // A module is only a way to a name, and a glob brings what is used of it: those are arrows of their own.
                // What is passed on from below is no need of this file either.
                let passes_on = import.public && self.is_below(target, id);
                let binds = matches!(target, Target::Item(_)) && !passes_on;
                self.arrow(id, import.line, &text, target, binds, test, arrows);
            }
            for hop in through {
                self.arrow(id, import.line, &text, Target::Item(hop), false, test, arrows);
            }
        }
    }

    fn arrows_of_paths(&self, id: usize, arrows: &mut BTreeSet<Arrow>) {
        let module = &self.modules[id];
        for path in &module.scope.paths {
            if !path.test && self.comes_by_import(id, &path.path) {
                continue;
            }
            let (targets, through) = self.walk_all(id, &path.path);
            let text = path.path.join("::");
            let test = path.test || module.test;
            for target in targets {
                let binds = matches!(target, Target::Item(_));
                self.arrow(id, path.line, &text, target, binds, test, arrows);
            }
            for hop in through {
                self.arrow(id, path.line, &text, Target::Item(hop), false, test, arrows);
            }
        }
    }

    /// Whether the head of a path is an item that a private `use` of this module brings: then that `use` is the arrow.
    fn comes_by_import(&self, id: usize, path: &[String]) -> bool {
        let is_head = |name: &Option<String>| name.as_ref() == path.first();
        let mut imports = self.modules[id].scope.imports.iter().filter(|import| is_head(&import.name)).peekable();
        imports.peek().is_some()
            && imports.all(|import| {
                let is_module = |target: &Target<'_>| matches!(target, Target::Module(_));
                !import.public && !import.test && !self.walk_all(id, &import.path).0.iter().any(is_module)
            })
    }

    /// Names that come by a glob, names that are passed on and used as well, and macros that are in sight.
    fn arrows_of_words(&self, id: usize, arrows: &mut BTreeSet<Arrow>) {
        let module = &self.modules[id];
        if module.test {
            return;
        }
        for (word, &line) in module.scope.words.iter().filter(|(word, _)| !word.starts_with("::")) {
            let name = word.as_str();
            let Some(known) = module.names.get(name) else {
                let mut found = (Vec::new(), Vec::new());
                let built = module.scope.imports.iter().filter(|import| import.name.is_none() && !import.test);
                for glob in built {
                    self.in_glob(id, &glob.path, name, &mut Seen::new(), &mut found);
                }
                for target in found.0 {
                    let binds = matches!(target, Target::Item(_));
                    self.arrow(id, line, name, target, binds, false, arrows);
                }
                if let Some(&line) = module.scope.calls.get(name) {
                    if let Some(definer) = self.macros_in_sight(id, name) {
                        self.arrow(id, line, &format!("{name}!"), Target::Item(definer), true, false, arrows);
                    }
                }
                continue;
            };
            let is_passed_on =
                module.scope.imports.iter().any(|import| import.public && import.name.as_deref() == Some(name));
            if is_passed_on && known.iter().any(|name| matches!(name, Name::Import(_))) {
                for target in self.walk_all(id, std::slice::from_ref(word)).0 {
                    if matches!(target, Target::Item(_)) {
                        self.arrow(id, line, name, target, true, false, arrows);
                    }
                }
            }
        }
    }

    /// The nearest module above that has such a `macro_rules!`.
    fn macros_in_sight(&self, id: usize, name: &str) -> Option<usize> {
        let mut at = Some(id);
        while let Some(module) = at {
            if self.modules[module].scope.macros.iter().any(|known| known == name) {
                return Some(module);
            }
            at = self.modules[module].parent;
        }
        None
    }

    #[allow(clippy::too_many_arguments)]
    fn arrow(
        &self,
        from: usize,
        line: usize,
        path: &str,
        to: Target<'a>,
        binds: bool,
        test: bool,
        arrows: &mut BTreeSet<Arrow>,
    ) {
        let from = self.modules[from].file;
        let to = match to {
            Target::Module(id) | Target::Item(id) => To::File(self.modules[id].file.to_owned()),
            Target::Crate(name) => To::Crate(name.to_owned()),
        };
        if to == To::File(from.to_owned()) {
            return;
        }
        arrows.insert(Arrow {
            from: from.to_owned(),
            line,
            path: path.trim_start_matches("::").to_owned(),
            to,
            binds,
            test,
        });
    }

    fn is_below(&self, target: Target<'a>, ancestor: usize) -> bool {
        let (Target::Module(mut id) | Target::Item(mut id)) = target else { return false };
        while let Some(parent) = self.modules[id].parent {
            if parent == ancestor {
                return true;
            }
            id = parent;
        }
        false
    }

    /// What a path names, and the modules whose re-exports it went through.
    fn walk_all(&self, from: usize, path: &'a [String]) -> (Vec<Target<'a>>, Vec<usize>) {
        let mut found = (Vec::new(), Vec::new());
        self.walk(from, path, &mut Seen::new(), &mut found);
        found.0.dedup();
        found.1.retain(|&hop| hop != from);
        found
    }

    fn walk(&self, from: usize, path: &'a [String], seen: &mut Seen<'a>, found: &mut (Vec<Target<'a>>, Vec<usize>)) {
        let Some(head) = path.first() else { return };
        let rest = &path[1..];
        let module = &self.modules[from];
        match head.as_str() {
            "" => {
                if let Some(name) = rest.first() {
                    self.foreign(name, &rest[1..], seen, found);
                }
            }
            "crate" => self.descend(module.root, rest, from, seen, found),
            "self" if rest.first().is_some_and(|segment| segment == "super") => self.walk(from, rest, seen, found),
            "self" => self.descend(from, rest, from, seen, found),
            "super" => {
                let Some(mut up) = module.parent else { return };
                let mut rest = rest;
                while rest.first().is_some_and(|segment| segment == "super") {
                    let Some(parent) = self.modules[up].parent else { return };
                    (up, rest) = (parent, &rest[1..]);
                }
                self.descend(up, rest, from, seen, found);
            }
            "Self" => {}
            name => {
                let before = found.0.len();
                self.member(from, name, rest, from, seen, found);
                if found.0.len() == before {
                    self.foreign(name, rest, seen, found);
                }
            }
        }
    }

    /// The rest of a path, seen from inside of a module.
    fn descend(
        &self,
        at: usize,
        rest: &'a [String],
        from: usize,
        seen: &mut Seen<'a>,
        found: &mut (Vec<Target<'a>>, Vec<usize>),
    ) {
        let Some(name) = rest.first() else {
            found.0.push(Target::Module(at));
            return;
        };
        let before = found.0.len();
        self.member(at, name, &rest[1..], from, seen, found);
        if found.0.len() == before {
            // Made by a macro, or not there at all: then the compiler says so.
            found.0.push(Target::Item(at));
        }
    }

    /// A name of a module: its own, imported, or by a glob.
    fn member(
        &self,
        at: usize,
        name: &'a str,
        rest: &'a [String],
        from: usize,
        seen: &mut Seen<'a>,
        found: &mut (Vec<Target<'a>>, Vec<usize>),
    ) {
        if !seen.insert((at, name)) {
            return;
        }
        let module = &self.modules[at];
        let known = module.names.get(name).map_or(&[][..], Vec::as_slice);
        let is_module = known.iter().any(|name| matches!(name, Name::Module(_)));
        for what in known {
            match *what {
                Name::Module(child) => self.descend(child, rest, from, seen, found),
                // `a::b` with a module and a function `a`: the module.
                Name::Item(_) if is_module && !rest.is_empty() => {}
                Name::Item(definer) => found.0.push(Target::Item(definer)),
                Name::Import(path) => {
                    if at != from {
                        found.1.push(at);
                    }
                    let mut inner = (Vec::new(), Vec::new());
                    self.walk(at, path, seen, &mut inner);
                    found.1.append(&mut inner.1);
                    for target in inner.0 {
                        match target {
                            Target::Module(child) => self.descend(child, rest, from, seen, found),
                            other => found.0.push(other),
                        }
                    }
                }
            }
        }
        if known.is_empty() {
            for path in &module.globs {
                let mut inner = (Vec::new(), Vec::new());
                self.in_glob(at, path, name, seen, &mut inner);
                if !inner.0.is_empty() && at != from {
                    found.1.push(at);
                }
                found.1.append(&mut inner.1);
                for target in inner.0 {
                    match target {
                        Target::Module(child) => self.descend(child, rest, from, seen, found),
                        other => found.0.push(other),
                    }
                }
            }
        }
        seen.remove(&(at, name));
    }

    /// A name that the glob `path::*` brings into `at`.
    fn in_glob<'b>(
        &self,
        at: usize,
        path: &'a [String],
        name: &'b str,
        seen: &mut Seen<'a>,
        found: &mut (Vec<Target<'a>>, Vec<usize>),
    ) {
        let mut bases = (Vec::new(), Vec::new());
        self.walk(at, path, seen, &mut bases);
        for base in bases.0 {
            let Target::Module(base) = base else { continue };
            if base == at {
                continue;
            }
            // The name as the module itself keeps it, so that it lives as long as the tree.
            if let Some((&name, _)) = self.modules[base].names.get_key_value(name) {
                self.member(base, name, &[], at, seen, found);
            } else {
                for glob in &self.modules[base].globs {
                    if seen.insert((base, "*")) {
                        self.in_glob(base, glob, name, seen, found);
                        seen.remove(&(base, "*"));
                    }
                }
            }
        }
    }

    /// Another crate, or this package's library.
    fn foreign(
        &self,
        name: &'a str,
        rest: &'a [String],
        seen: &mut Seen<'a>,
        found: &mut (Vec<Target<'a>>, Vec<usize>),
    ) {
        if let Some(package) = self.package.dependencies.get(name) {
            found.0.push(Target::Crate(package));
        } else if self.package.library.as_deref() == Some(name)
            && let Some(library) = self.library
        {
            self.descend(library, rest, library, seen, found);
        }
    }
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
