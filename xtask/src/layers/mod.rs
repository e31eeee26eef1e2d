//! `cargo xtask layers`: who imports whom, against the tables of docs/architecture.md.
//!
//! ```text
//!  load ─→ read ─→ tree ─→ resolve ─→ arrows ─→ check ←─ rules
//!          one file: its modules,  what a path  which file   tables and
//!          imports and paths       names        names which  exceptions
//! ```
//!
//! `cargo test -p xtask layers` runs the check as a test. Nothing is compiled: a call of a method
//! on a value whose type the file never names is not seen.

mod arrows;
mod check;
mod circles;
mod load;
mod package;
mod read;
mod resolve;
mod rules;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use clap::Args;

use crate::error::{Context, Error, Result};
use crate::paths;
use arrows::To;
use check::Checked;
use package::Package;
use rules::{Exception, Rules};

const TABLES: &str = "docs/architecture.md";
const EXCEPTIONS: &str = "xtask/src/layers/exceptions.txt";

/// Arguments of `cargo xtask layers`.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// Only this crate (its folder)
    #[arg(long, value_name = "FOLDER")]
    package: Option<String>,
    /// Show every import of every circle
    #[arg(long)]
    circles: bool,
    /// Show each import from one layer to another, for example `--between session output`
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    between: Vec<String>,
    /// Remove lines that are no longer needed from the list of exceptions, and follow moved files
    #[arg(long)]
    shrink: bool,
}

/// Everything that the check needs.
struct House {
    packages: Vec<Package>,
    checked: Vec<Checked>,
    rules: Rules,
    exceptions: Vec<Exception>,
}

impl House {
    fn load() -> Result<Self> {
        let packages = load::packages()?;
        let root = paths::workspace();
        let text = |name: &str| fs::read_to_string(root.join(name)).context(format_args!("read {name}"));
        let rules = Rules::read(&text(TABLES)?).map_err(|why| Error::new(format!("{TABLES}: {why}")))?;
        let exceptions =
            rules::exceptions(&text(EXCEPTIONS)?).map_err(|why| Error::new(format!("{EXCEPTIONS}: {why}")))?;
        let checked = packages.iter().map(|package| check::package(package, &rules)).collect();
        Ok(Self { packages, checked, rules, exceptions })
    }

    fn verdict(&self) -> Vec<String> {
        check::verdict(&self.packages, &self.checked, &self.rules, &self.exceptions)
    }
}

/// Prints layers, arrows and circles; status 1 if a rule is broken.
pub fn main(options: &Options) -> Result<u8> {
    let mut house = House::load()?;
    if options.shrink {
        shrink(&house)?;
        house = House::load()?;
    }
    for (package, checked) in house.packages.iter().zip(&house.checked) {
        if options.package.as_ref().is_some_and(|only| *only != package.folder) {
            continue;
        }
        show(package, checked, &house.rules, options);
    }
    let wrong = house.verdict();
    for message in &wrong {
        println!("{message}");
    }
    println!("{} exceptions, {} findings", house.exceptions.len(), wrong.len());
    Ok(u8::from(!wrong.is_empty()))
}

fn show(package: &Package, checked: &Checked, rules: &Rules, options: &Options) {
    let folder = &package.folder;
    println!("{folder}: {} files", package.files.len());
    if let Some(layers) = rules.layers.get(folder) {
        let layer = |file: &str| file.strip_prefix("src/").and_then(|file| layers.of(file));
        let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
        let mut shown = BTreeSet::new();
        for arrow in checked.arrows.iter().filter(|arrow| !arrow.test) {
            let To::File(to) = &arrow.to else { continue };
            let (Some(from), Some(to)) = (layer(&arrow.from), layer(to)) else { continue };
            let names = [&layers.rows[from].name, &layers.rows[to].name];
            if options.between.iter().eq(names) {
                shown.insert((&arrow.from, arrow.line, &arrow.path));
            }
            if from != to {
                *counts.entry((from, to)).or_default() += 1;
            }
        }
        for (at, row) in layers.rows.iter().enumerate() {
            let files = package.files.keys().filter(|file| layer(file) == Some(at)).count();
            let to: Vec<String> = counts
                .iter()
                .filter(|((from, _), _)| *from == at)
                .map(|((_, to), count)| {
                    let target = &layers.rows[*to].name;
                    let mark = if row.may.contains(target) { "" } else { "!" };
                    format!("{mark}{target} {count}")
                })
                .collect();
            println!("  {:<11} {files:>3} files → {}", row.name, to.join(", "));
        }
        for (file, line, path) in shown {
            println!("    {folder}/{file}:{line}: {path}");
        }
    }
    for circle in &checked.circles {
        let short: Vec<&str> = circle.iter().map(|file| file.strip_prefix("src/").unwrap_or(file)).collect();
        println!("  circle of {}: {}", circle.len(), short.join(" "));
        if options.circles {
            for (_, to, arrow) in circles::arrows_within(circle, &checked.arrows) {
                println!("    {folder}/{}:{}: {} → {to}", arrow.from, arrow.line, arrow.path);
            }
        }
    }
}

/// Rewrites the list of exceptions: never with more lines than before.
fn shrink(house: &House) -> Result<()> {
    let file = paths::workspace().join(EXCEPTIONS);
    let text = fs::read_to_string(&file).context(format_args!("read {EXCEPTIONS}"))?;
    let shrunk = shrunk(&text, house);
    fs::write(&file, shrunk).context(format_args!("write {EXCEPTIONS}"))
}

fn shrunk(text: &str, house: &House) -> String {
    let keys: Vec<&(String, String)> =
        house.checked.iter().flat_map(|checked| &checked.findings).filter_map(|finding| finding.key.as_ref()).collect();
    let listed = |key: &(String, String)| {
        house
            .exceptions
            .iter()
            .any(|exception| matches!(exception, Exception::Arrow { from, to, .. } if *from == key.0 && *to == key.1))
    };
    let mut missing: Vec<&(String, String)> = keys.iter().copied().filter(|key| !listed(key)).collect();
    missing.sort();
    missing.dedup();
    let mut replaced: BTreeMap<usize, Option<String>> = BTreeMap::new();
    let mut sizes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (package, checked) in house.packages.iter().zip(&house.checked) {
        let stays = |circle: &&Vec<String>| {
            let short: Vec<&str> = circle.iter().map(|file| file.strip_prefix("src/").unwrap_or(file)).collect();
            !house.rules.circles.iter().any(|kept| kept.folder == package.folder && kept.files == short)
        };
        sizes.insert(&package.folder, checked.circles.iter().filter(stays).map(Vec::len).collect());
    }
    let mut circles: Vec<_> = house
        .exceptions
        .iter()
        .filter_map(|exception| match exception {
            Exception::Circle { folder, files, reason, line } => Some((folder, *files, reason, *line)),
            Exception::Arrow { .. } => None,
        })
        .collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.1));
    for (folder, files, reason, line) in circles {
        let left = sizes.get_mut(folder.as_str()).filter(|left| !left.is_empty()).map(|left| left.remove(0));
        let new = left.map(|now| format!("circle {folder}: {} files, {reason}", now.min(files)));
        replaced.insert(line, new);
    }
    for exception in &house.exceptions {
        let Exception::Arrow { from, to, reason, line } = exception else { continue };
        if keys.iter().any(|key| key.0 == *from && key.1 == *to) {
            continue;
        }
        let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let moved = missing.iter().position(|key| base(&key.0) == base(from) && key.1 == *to);
        let new = moved.map(|at| missing.remove(at)).map(|key| format!("{} -> {to}: {reason}", key.0));
        replaced.insert(*line, new);
    }
    let mut shrunk = String::new();
    for (at, line) in text.lines().enumerate() {
        match replaced.get(&(at + 1)) {
            Some(None) => continue,
            Some(Some(new)) => shrunk.push_str(new),
            None => shrunk.push_str(line),
        }
        shrunk.push('\n');
    }
    shrunk
}
