//! The layer test, and tests of it: small crates in memory for each form of a path, and a forbidden
//! path in every file of this workspace.

mod forms;
mod promises;
mod tables;

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use super::House;
use super::check;
use super::package::Package;
use super::read::{Scope, read};
use super::rules::{Exception, Rules};
use super::tree::Tree;
use crate::paths;

/// This workspace, read once for all tests.
fn this_house() -> &'static House {
    static HOUSE: LazyLock<House> = LazyLock::new(|| House::load().unwrap());
    &HOUSE
}

/// The test that this module is for.
#[test]
fn the_code_keeps_to_docs_architecture_md() {
    let wrong = this_house().verdict();
    assert!(wrong.is_empty(), "{} findings\n{}\n", wrong.len(), wrong.join("\n"));
}

const RULES: &str = "
<!-- crates -->
| crate | may depend on | never on |
| --- | --- | --- |
| `house` | – | smithay, wayland-* |

<!-- layers: house -->
| layer | files | may import |
| --- | --- | --- |
| root | `lib.rs` | all |
| top | `top/` | below |
| side | `side/` | below except middle |
| middle | `middle/`, `middle.rs` | below |
| low | `low/` | – |

<!-- names: house -->
| name | only in |
| --- | --- |
| `Roof` | top, root |
";

fn house(files: &[(&str, &str)]) -> Package {
    let mut all: BTreeMap<&str, &str> = BTreeMap::from([
        ("src/lib.rs", "mod low; mod middle; mod side; mod top;"),
        ("src/top/mod.rs", "pub mod attic; pub struct Top;"),
        ("src/top/attic.rs", "pub fn climb() {} pub mod beam { pub const LENGTH: u32 = 1; }"),
        ("src/side/mod.rs", ""),
        ("src/middle.rs", "pub mod stairs; pub struct Middle;"),
        ("src/middle/stairs.rs", ""),
        ("src/low/mod.rs", "pub mod cellar;"),
        ("src/low/cellar.rs", ""),
    ]);
    all.extend(files.iter().copied());
    Package {
        folder: "house".into(),
        library: Some("house".into()),
        roots: vec![("src/lib.rs".into(), false)],
        dependencies: BTreeMap::from([
            ("wayland_server".into(), "wayland-server".into()),
            ("serde".into(), "serde".into()),
        ]),
        manifest: "[dependencies]\nserde = \"1\"\n".into(),
        files: all.into_iter().map(|(name, source)| (name.to_owned(), read(source).unwrap())).collect(),
    }
}

fn messages(package: &Package) -> Vec<String> {
    let rules = Rules::read(RULES).unwrap();
    let checked = check::package(package, &rules);
    checked
        .findings
        .into_iter()
        .map(|finding| finding.message)
        .filter(|message| !message.contains("Cargo.toml"))
        .collect()
}

/// The cellar, in the lowest layer, with this source: what is found in it.
fn cellar(source: &str) -> Vec<String> {
    messages(&house(&[("src/low/cellar.rs", source)]))
}

#[track_caller]
fn found(source: &str, line: usize) {
    let found = cellar(source);
    let place = format!("house/src/low/cellar.rs:{line}: ");
    assert!(found.iter().any(|message| message.starts_with(&place)), "not found on line {line}: {source}\n{found:?}");
}

/// A line that calls `path` at the end of a file of this workspace: the number of that line, and
/// the file as it is read then.
fn with_call(package: &Package, file: &str, path: &str) -> (usize, Scope) {
    let text = fs::read_to_string(paths::workspace().join(&package.folder).join(file)).unwrap();
    let text = text.trim_end_matches('\n');
    (text.lines().count() + 1, read(&format!("{text}\nfn forbidden() {{ {path}() }}\n")).unwrap())
}

/// Puts a forbidden path into every file for which `path_for` has one; how many there were.
fn all_are_found(package: &Package, rules: &Rules, path_for: impl Fn(&str) -> Option<String>) -> usize {
    let mut changed = package.clone();
    let mut places = Vec::new();
    for file in package.files.keys() {
        let Some(path) = path_for(file) else { continue };
        let (line, scope) = with_call(package, file, &path);
        places.push(format!("{}/{file}:{line}: `{path}` leads from ", package.folder));
        changed.files.insert(file.clone(), scope);
    }
    let messages: Vec<String> =
        check::package(&changed, rules).findings.into_iter().map(|finding| finding.message).collect();
    for place in &places {
        assert!(messages.iter().any(|message| message.starts_with(place)), "not found: {place}");
    }
    places.len()
}

#[test]
fn a_forbidden_path_in_any_file_of_the_compositor_is_found() {
    let House { packages, rules, exceptions, .. } = this_house();
    for package in packages.iter().filter(|package| rules.layers.contains_key(&package.folder)) {
        let layers = &rules.layers[&package.folder];
        let tree = Tree::new(package);
        let tests = tree.test_files();
        let built = || package.files.keys().filter(|file| !tests.contains(file.as_str()));
        let layer = |file: &str| file.strip_prefix("src/").and_then(|file| layers.of(file));
        let is_excepted = |file: &str, layer: &str| {
            let file = format!("{}/{file}", package.folder);
            exceptions
                .iter()
                .any(|exception| matches!(exception, Exception::Arrow { from, to, .. } if *from == file && to == layer))
        };
        let forbidden = |file: &str| {
            let from = layer(file).filter(|_| !tests.contains(file))?;
            let other = built().find(|other| {
                let Some(to) = layer(other) else { return false };
                let name = &layers.rows[to].name;
                let is_root = other.ends_with("/main.rs") || other.ends_with("/lib.rs");
                to != from && !is_root && !layers.rows[from].may.contains(name) && !is_excepted(file, name)
            })?;
            let path = other.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
            Some(format!("crate::{}::forbidden", path.replace('/', "::")))
        };
        // The top layer may import everything.
        let bound = built().filter(|file| layer(file).is_some_and(|at| layers.rows[at].words != "all")).count();
        assert_eq!(all_are_found(package, rules, forbidden), bound);
        assert!(bound > 100, "only {bound} files have a layer");
    }
}

#[test]
fn a_forbidden_crate_in_any_file_is_found() {
    let House { packages, rules, .. } = this_house();
    for package in packages {
        let mut package = package.clone();
        let pattern = rules.crates[&package.folder].never[0].clone();
        let name = pattern.replace('*', "any");
        package.dependencies.insert(name.replace('-', "_"), name.clone());
        let tried = all_are_found(&package, rules, |_| Some(format!("{}::forbidden", name.replace('-', "_"))));
        assert_eq!(tried, package.files.len());
        package.dependencies.insert("next_door".into(), "next_door/".into());
        all_are_found(&package, rules, |_| Some("next_door::forbidden".into()));
    }
}
