//! The rules: tables of docs/architecture.md, and the list of exceptions from them.
//!
//! An HTML comment before a table says which it is: `<!-- layers: FOLDER -->`,
//! `<!-- names: FOLDER -->`, `<!-- crates -->` or `<!-- circles -->`. A cell that cannot be
//! understood is an error; it is never skipped.

use std::collections::BTreeMap;

/// Everything that the tables say.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Layers by the folder of their package, top first.
    pub layers: BTreeMap<String, Layers>,
    /// Names that only some layers may use.
    pub names: Vec<NameRule>,
    /// Packages by folder.
    pub crates: BTreeMap<String, CrateRule>,
    /// Circles that stay.
    pub circles: Vec<Circle>,
}

/// The layers of one package.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Top first.
    pub rows: Vec<Layer>,
    /// Files are on the move: a prefix without a file is no fault.
    pub moving: bool,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Files and folders (`a/`) relative to `src/`.
    pub prefixes: Vec<String>,
    /// Names of the layers that it may import.
    pub may: Vec<String>,
    /// The cell as written, for messages.
    pub words: String,
}

/// A name that only some layers may use.
#[derive(Debug, Clone)]
pub struct NameRule {
    /// Folder of the package.
    pub folder: String,
    /// The identifier.
    pub name: String,
    /// Layers that may.
    pub only_in: Vec<String>,
}

/// What one package may depend on.
#[derive(Debug, Clone, Default)]
pub struct CrateRule {
    /// Folders of packages of this workspace.
    pub may: Vec<String>,
    /// Crates of others that it never names; `wayland-*` is a prefix.
    pub never: Vec<String>,
}

/// A circle that stays.
#[derive(Debug, Clone)]
pub struct Circle {
    /// Folder of the package.
    pub folder: String,
    /// Its files, relative to `src/`, sorted.
    pub files: Vec<String>,
}

/// One line of the list of exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exception {
    /// `from-file -> layer-or-crate: reason`
    Arrow {
        /// File relative to the workspace.
        from: String,
        /// Layer, or package.
        to: String,
        /// Why it is there still.
        reason: String,
        /// Line in the list.
        line: usize,
    },
    /// `circle folder: files, reason`
    Circle {
        /// Folder of the package.
        folder: String,
        /// Number of files in it.
        files: usize,
        /// Why it is there still.
        reason: String,
        /// Line in the list.
        line: usize,
    },
}

impl Rules {
    /// Reads the tables.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut rules = Self::default();
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())).peekable();
        while let Some((at, line)) = lines.next() {
            let Some(mark) = line.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->")) else { continue };
            let (kind, argument) = mark.split_once(':').unwrap_or((mark, ""));
            let (kind, argument) = (kind.trim(), argument.trim());
            if !["layers", "names", "crates", "circles"].contains(&kind) {
                continue;
            }
            let mut rows = Vec::new();
            while lines.peek().is_some_and(|(_, line)| line.is_empty()) {
                lines.next();
            }
            while let Some((at, line)) = lines.next_if(|(_, line)| line.starts_with('|')) {
                rows.push((at, line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>()));
            }
            if rows.len() < 2 {
                return Err(format!("line {at}: no table follows `{line}`"));
            }
            for (at, cells) in rows.iter().skip(2) {
                rules.row(kind, argument, cells).map_err(|why| format!("line {at}: {why}"))?;
            }
        }
        for layers in rules.layers.values_mut() {
            layers.resolve()?;
        }
        for rule in &rules.names {
            let known = rules.layers.get(&rule.folder).ok_or(format!("names of {}: it has no layers", rule.folder))?;
            for layer in &rule.only_in {
                known.index(layer).ok_or(format!("names of {}: there is no layer `{layer}`", rule.folder))?;
            }
        }
        Ok(rules)
    }

    fn row(&mut self, kind: &str, argument: &str, cells: &[&str]) -> Result<(), String> {
        let [first, second, third, ..] = cells else {
            if kind == "names"
                && let [name, only_in] = cells
            {
                let rule = NameRule { folder: argument.into(), name: bare(name), only_in: list(only_in) };
                self.names.push(rule);
                return Ok(());
            }
            return Err(format!("a row of `{kind}` has {} cells", cells.len()));
        };
        match kind {
            "layers" => {
                let (folder, moving) = match argument.strip_suffix(", moving") {
                    Some(folder) => (folder, true),
                    None => (argument, false),
                };
                let layers = self.layers.entry(folder.to_owned()).or_default();
                layers.moving = moving;
                let (name, prefixes, words) = (bare(first), list(second), bare(third));
                layers.rows.push(Layer { name, prefixes, may: Vec::new(), words });
            }
            "crates" => {
                let folder = bare(first).trim_end_matches('/').to_owned();
                self.crates.insert(folder, CrateRule { may: list(second), never: list(third) });
            }
            "circles" => {
                let mut files = list(second);
                files.sort();
                if third.is_empty() {
                    return Err("a circle that stays needs its reason".into());
                }
                self.circles.push(Circle { folder: bare(first), files });
            }
            _ => return Err(format!("a row of `{kind}` has {} cells", cells.len())),
        }
        Ok(())
    }
}

impl Layers {
    /// Turns `below except a` into names.
    fn resolve(&mut self) -> Result<(), String> {
        let names: Vec<String> = self.rows.iter().map(|row| row.name.clone()).collect();
        for (at, row) in self.rows.iter_mut().enumerate() {
            if names[..at].contains(&row.name) {
                return Err(format!("two layers are called `{}`", row.name));
            }
            let (base, except) = match row.words.split_once(" except ") {
                Some((base, except)) => (base.trim(), list(except)),
                None => (row.words.as_str(), Vec::new()),
            };
            let may = match base {
                "all" => names.clone(),
                "below" => names[at + 1..].to_vec(),
                other => list(other),
            };
            for name in may.iter().chain(&except) {
                if !names.contains(name) {
                    return Err(format!("layer `{}` names `{name}`, which is no layer", row.name));
                }
            }
            row.may = may.into_iter().filter(|name| !except.contains(name)).collect();
        }
        Ok(())
    }

    /// Place of a layer in the table.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.name == name)
    }

    /// The layer of a file below `src/`: that of the longest prefix.
    pub fn of(&self, file: &str) -> Option<usize> {
        let fits = |prefix: &str| file == prefix || (prefix.ends_with('/') && file.starts_with(prefix));
        let length = |row: &Layer| row.prefixes.iter().filter(|prefix| fits(prefix)).map(String::len).max();
        self.rows.iter().enumerate().filter_map(|(at, row)| Some((length(row)?, at))).max().map(|(_, at)| at)
    }
}

impl CrateRule {
    /// The entry of `never` that a package falls under.
    pub fn forbids(&self, package: &str) -> Option<&str> {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(prefix) => package.starts_with(prefix),
            None => package == pattern,
        };
        self.never.iter().map(String::as_str).find(|pattern| fits(pattern))
    }
}

/// Reads the list of exceptions.
pub fn exceptions(text: &str) -> Result<Vec<Exception>, String> {
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let form =
            || format!("line {at}: neither `from-file -> to-layer: reason` nor `circle crate: files, reason`: {line}");
        let (head, reason) = line.split_once(": ").ok_or_else(form)?;
        if let Some(folder) = head.strip_prefix("circle ") {
            let (files, reason) = reason.split_once(", ").ok_or_else(form)?;
            let files = files.trim().trim_end_matches(" files").parse().map_err(|_| form())?;
            all.push(Exception::Circle { folder: folder.trim().into(), files, reason: reason.trim().into(), line: at });
        } else {
            let (from, to) = head.split_once("->").ok_or_else(form)?;
            let (from, to) = (from.trim().to_owned(), to.trim().to_owned());
            all.push(Exception::Arrow { from, to, reason: reason.trim().into(), line: at });
        }
    }
    Ok(all)
}

/// A cell's only word.
fn bare(cell: &str) -> String {
    cell.replace('`', "").trim().to_owned()
}

/// A cell's words; a dash is none.
fn list(cell: &str) -> Vec<String> {
    cell.split(',').map(bare).filter(|word| !["", "–", "-"].contains(&word.as_str())).collect()
}
