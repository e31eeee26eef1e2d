//! The layer test, and tests of it: small crates in memory for each form of a path, and a forbidden
//! path in every file of this workspace.

mod forms;
mod tables;

use std::collections::BTreeMap;
use std::fs;

use super::House;
use super::arrows::arrows;
use super::check;
use super::package::Package;
use super::read::read;
use super::rules::{Exception, Rules};
use super::tree::Tree;
use crate::paths;

/// The test that this module is for.
#[test]
fn the_code_keeps_to_docs_architecture_md() {
    let house = House::load().unwrap();
    let wrong = house.verdict();
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

/// A forbidden path in each file of the real tree, one at a time, is found in that file.
#[test]
fn a_forbidden_path_anywhere_is_found() {
    let House { packages, rules, exceptions, .. } = House::load().unwrap();
    let mut tried = 0;
    for mut package in packages.into_iter().filter(|package| rules.layers.contains_key(&package.folder)) {
        let layers = &rules.layers[&package.folder];
        let layer = |file: &str| file.strip_prefix("src/").and_then(|file| layers.of(file));
        let tests = Tree::new(&package).test_files();
        let built: Vec<String> = package.files.keys().filter(|file| !tests.contains(file.as_str())).cloned().collect();
        let excepted = |file: &str, layer: &str| {
            exceptions.iter().any(|exception| {
                matches!(exception, Exception::Arrow { from, to, .. } if from.ends_with(file) && to == layer)
            })
        };
        for file in &built {
            let Some(from) = layer(file) else { continue };
            let row = &layers.rows[from];
            let forbidden = built.iter().find(|other| {
                layer(other).is_some_and(|to| {
                    let name = &layers.rows[to].name;
                    to != from && !row.may.contains(name) && !excepted(file, name) && !other.ends_with("main.rs")
                })
            });
            let Some(forbidden) = forbidden else { continue };
            let path = forbidden.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
            let path = format!("crate::{}::forbidden", path.replace('/', "::"));
            let text = fs::read_to_string(paths::workspace().join(&package.folder).join(file)).unwrap();
            let line = text.lines().count() + 1;
            let changed = format!("{}\nfn forbidden() {{ {path}() }}\n", text.trim_end_matches('\n'));
            let before = package.files.insert(file.clone(), read(&changed).unwrap()).unwrap();
            let tree = Tree::new(&package);
            let arrows = arrows(&tree, |changed| changed == file);
            let findings = check::findings(&tree, &arrows, &rules);
            let place = format!("{}/{file}:{line}: `{path}`", package.folder);
            let key = (format!("{}/{file}", package.folder), layers.rows[layer(forbidden).unwrap()].name.clone());
            let is_it =
                |finding: &check::Finding| finding.message.starts_with(&place) && finding.key.as_ref() == Some(&key);
            assert!(findings.iter().any(is_it), "{place} was not found");
            package.files.insert(file.clone(), before);
            tried += 1;
        }
    }
    assert!(tried >= 60, "only {tried} files could be tried");
}
