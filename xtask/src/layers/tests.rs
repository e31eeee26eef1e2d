//! The layer test, and tests of it: small crates in memory for each kind of path, and a forbidden path in every real file.

use std::collections::BTreeMap;
use std::fs;

use super::check;
use super::graph::{Graph, Package};
use super::read::read;
use super::rules::{self, Exception, Rules};
use super::{House, shrunk};
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

#[test]
fn a_finding_names_file_line_path_layers_and_the_rule() {
    let found = cellar("\nuse crate::top::attic::climb;");
    assert_eq!(
        found,
        [
            "house/src/low/cellar.rs:2: `use crate::top::attic::climb` leads from layer low to layer top (src/top/attic.rs); \
          low may import nothing of this crate"
        ]
    );
    let found = messages(&house(&[("src/side/mod.rs", "use crate::middle::Middle;")]));
    assert_eq!(
        found,
        [
            "house/src/side/mod.rs:1: `use crate::middle::Middle` leads from layer side to layer middle (src/middle.rs); \
          side may import only the layers below it, and of these not middle"
        ]
    );
}

#[test]
fn imports_of_every_form_are_found() {
    found("use crate::top::Top;", 1);
    found("use crate::{\n low::cellar,\n top::{self as t, attic},\n};", 3);
    found("use crate::top::attic::{climb as up};", 1);
    found("use crate::top::*;", 1);
    found("use crate::top as _;", 1);
    found("use super::super::top::Top;", 1);
    found("use self::super::super::top::Top;", 1);
    found("use crate::{top::Top};", 1);
    found("pub use crate::top::Top;", 1);
    found("fn f() {\n use crate::top::attic;\n attic::climb() }", 2);
    found("use house::top::Top;", 1);
    found("use ::house::top::Top;", 1);
    found("mod inner {\n use super::super::super::top::Top;\n}", 2);
    found("extern crate house as home;\nuse home::top::Top;", 2);
}

#[test]
fn paths_of_every_form_are_found() {
    found("fn f() {\n crate::top::attic::climb() }", 2);
    found("fn f(top: &crate::top::Top) {}", 1);
    found("fn f(list: Vec<Option<crate::top::Top>>) {}", 1);
    found("fn f() -> impl Iterator<Item = crate::top::Top> { None.into_iter() }", 1);
    found("fn f() -> ::house::top::Top { loop {} }", 1);
    found("fn f(n: u32) -> bool { matches!(n, crate::top::attic::beam::LENGTH) }", 1);
    found("fn f(n: u32) -> u32 { match n { crate::top::attic::beam::LENGTH => 1, _ => 0 } }", 1);
    found("impl Clone for crate::top::Top { fn clone(&self) -> Self { loop {} } }", 1);
    found("impl<T: Into<crate::top::Top>> From<T> for X {}", 1);
    found("fn f() { <crate::top::Top as Default>::default(); }", 1);
    found("fn f() { Vec::<crate::top::Top>::new(); }", 1);
    found("struct S<const N: usize = { crate::top::attic::beam::LENGTH as usize }>;", 1);
    found("type T = crate::top::Top;", 1);
    found("use crate::top;", 1);
    found("fn f() { let x = || super::super::top::attic::climb(); }", 1);
    found("pub(in crate::top) struct S;", 1);
    found("struct S { pub(in super::super::top) field: u32 }", 1);
    found("trait T { type A: crate::top::Roofed; }", 1);
}

#[test]
fn macros_and_attributes_are_found() {
    found("fn f() { println!(\"{}\", crate::top::attic::beam::LENGTH) }", 1);
    found("fn f() { vec![[{ crate::top::attic::climb() }]]; }", 1);
    found("macro_rules! m {\n () => { $crate::top::attic::climb() };\n}", 2);
    found("macro_rules! m {\n () => { use $crate::top::Top; };\n}", 2);
    found("macro_rules! m {\n ($x:ident) => { super::super::top::$x() };\n}", 2);
    found("m! { struct S { field: crate::top::Top } }", 1);
    found("#[derive(crate::top::Derive)]\nstruct S;", 1);
    found("#[serde(with = \"crate::top::attic\")]\nstruct S;", 1);
    found("struct S {\n #[arg(value_parser = crate::top::attic::climb)]\n f: u32,\n}", 2);
    found("#[cfg_attr(all(), crate::top::attribute)] fn f() {}", 1);
}

#[test]
fn names_are_followed_to_the_file_that_defines_them() {
    // Through a module, a rename, a glob, a re-export, and a module that hands on a whole layer.
    let passes_on = (
        "src/low/mod.rs",
        "pub mod cellar; pub use crate::top::attic::climb as way; pub use crate::top::attic as loft;",
    );
    for source in [
        "use super::way;",
        "use super::*; fn f() { way() }",
        "fn f() { super::way() }",
        "use crate::low as l; fn f() { l::loft::beam::LENGTH; }",
        "use crate::low::loft::*; fn f() { climb() }",
    ] {
        let found = messages(&house(&[passes_on, ("src/low/cellar.rs", source)]));
        assert!(
            found
                .iter()
                .any(|message| message.starts_with("house/src/low/cellar.rs:1") && message.contains("attic.rs")),
            "{source}: {found:?}"
        );
    }
    // Down through a layer above: the name is low, the way is not.
    let through = ("src/top/mod.rs", "pub mod attic; pub struct Top; pub use crate::low::Stone;");
    let stone = ("src/low/mod.rs", "pub mod cellar; pub struct Stone;");
    let found = messages(&house(&[through, stone, ("src/low/cellar.rs", "use crate::top::Stone;")]));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("to layer top (src/top/mod.rs)"), "{found:?}");
}

#[test]
fn what_is_allowed_is_not_found() {
    let nothing: [String; 0] = [];
    assert_eq!(cellar("//! [`crate::top`]\n/// crate::top::Top\nfn f() { let top = \"crate::top::Top\"; }"), nothing);
    assert_eq!(cellar("use serde::top; fn f() { top::attic::climb() } // crate::top"), nothing);
    assert_eq!(cellar("use super::super::low; use crate::low::cellar as c; fn f() { self::g() } fn g() {}"), nothing);
    assert_eq!(
        messages(&house(&[("src/top/attic.rs", "use crate::{low::cellar, middle::stairs, side}; use super::Top;")])),
        nothing
    );
    assert_eq!(
        messages(&house(&[("src/lib.rs", "mod low; mod middle; mod side; mod top; use top::Top; use low::cellar;")])),
        nothing
    );
}

#[test]
fn code_for_tests_is_exempt_and_nothing_else_is() {
    let nothing: [String; 0] = [];
    assert_eq!(cellar("#[cfg(test)]\nmod tests {\n use crate::top::Top;\n fn f() { Roof::new() } }"), nothing);
    assert_eq!(cellar("#[cfg(all(test, feature = \"x\"))]\nuse crate::top::Top;"), nothing);
    assert_eq!(cellar("impl X {\n #[cfg(test)]\n fn f(&self) -> Y { crate::top::attic::climb() } }"), nothing);
    found("impl X {\n #[cfg(test)]\n fn f(&self) {}\n fn g() { crate::top::attic::climb() } }", 4);
    found("#[cfg(not(test))]\nuse crate::top::Top;", 2);
    found("#[cfg(any(test, feature = \"x\"))]\nuse crate::top::Top;", 2);
    let apart = ("src/low/cellar/tests.rs", "use crate::top::Top; fn f(roof: Roof) {}");
    assert_eq!(messages(&house(&[("src/low/cellar.rs", "#[cfg(test)] mod tests;"), apart])), nothing);
    assert_eq!(messages(&house(&[("src/low/cellar.rs", "mod tests;"), apart])).len(), 2);
}

#[test]
fn a_name_of_the_upper_floor_is_found_wherever_it_stands() {
    for source in [
        "fn f(roof: &mut Roof) {}",
        "m!(impl Roof {});",
        "use crate::low::Roof as R;",
        "fn f() { X::<top::Roof>::y() }",
    ] {
        let found = cellar(source);
        let rule = "`Roof` is named in layer low; only top, root may name `Roof`";
        assert!(found.iter().any(|message| message.ends_with(rule)), "{source}: {found:?}");
    }
    assert!(messages(&house(&[("src/top/attic.rs", "pub struct Roof;")])).is_empty());
}

#[test]
fn files_and_crates_without_a_place_are_found() {
    let odd =
        messages(&house(&[("src/lib.rs", "mod low; mod middle; mod side; mod top; mod shed;"), ("src/shed.rs", "")]));
    assert_eq!(
        odd,
        ["house/src/shed.rs: belongs to no layer; put its folder into the table of layers of docs/architecture.md"]
    );
    let lost = messages(&house(&[("src/low/lost.rs", "")]));
    assert_eq!(lost, ["house/src/low/lost.rs is no module of any target: no `mod` leads to it"]);
    let gone = messages(&house(&[("src/low/cellar.rs", "mod gone;")]));
    assert_eq!(gone, ["house/src/low/cellar.rs:1: `mod gone` has no file"]);
    found("use wayland_server::Display;", 1);
    found("fn f() { wayland_server::Display::new() }", 1);
    let rules = Rules::read(RULES).unwrap();
    let mut package = house(&[]);
    package.dependencies.insert("smithay".into(), "smithay".into());
    package.dependencies.insert("kms".into(), "kms/".into());
    package.manifest = "[dependencies]\nkms.workspace = true\nsmithay = \"0.7\"\nwayland-server = \"1\"\n".into();
    let found: Vec<String> =
        check::package(&package, &rules).findings.into_iter().map(|finding| finding.message).collect();
    assert_eq!(
        found,
        [
            "house/Cargo.toml:2: `kms`: crate house to crate kms; it depends on no other crate of this workspace",
            "house/Cargo.toml:3: `smithay`: crate house to crate smithay; it never depends on smithay",
            "house/Cargo.toml:4: `wayland-server`: crate house to crate wayland-server; it never depends on wayland-*",
        ]
    );
    package.folder = "hut".into();
    assert!(check::package(&package, &rules).findings[0].message.contains("no row in the table of crates"));
}

#[test]
fn circles_are_made_of_needs_and_not_of_names_that_are_passed_on() {
    let circles = |files: &[(&str, &str)]| {
        let package = house(files);
        let arrows = Graph::new(&package).arrows();
        super::circles::circles(&arrows)
    };
    let none: Vec<Vec<String>> = Vec::new();
    // Declares and passes on; the children name each other through it.
    assert_eq!(
        circles(&[
            ("src/low/mod.rs", "mod cellar; mod stone; pub use cellar::dig; pub use stone::Stone;"),
            ("src/low/cellar.rs", "use super::Stone; pub fn dig() {}"),
            ("src/low/stone.rs", "pub struct Stone;"),
        ]),
        none
    );
    // It uses what it passes on, and a child uses what it defines.
    let pair = vec![vec!["src/low/cellar.rs".to_owned(), "src/low/mod.rs".to_owned()]];
    let child = ("src/low/cellar.rs", "use super::Wall; pub fn dig() {}");
    assert_eq!(
        circles(&[("src/low/mod.rs", "mod cellar; pub use cellar::dig; pub struct Wall; fn f() { dig() }"), child]),
        pair
    );
    assert_eq!(circles(&[("src/low/mod.rs", "mod cellar; pub struct Wall; fn f() { cellar::dig() }"), child]), pair);
    assert_eq!(circles(&[("src/low/mod.rs", "mod cellar; pub use cellar::dig; pub struct Wall;"), child]), none);
    let by_glob = ("src/low/cellar.rs", "use super::*; pub fn dig() { Wall }");
    assert_eq!(circles(&[("src/low/mod.rs", "mod cellar; pub struct Wall; fn f() { cellar::dig() }"), by_glob]), pair);
    let by_macro = ("src/low/cellar.rs", "pub fn dig() { wall!() }");
    assert_eq!(
        circles(&[("src/low/mod.rs", "macro_rules! wall { () => {} } mod cellar; fn f() { cellar::dig() }"), by_macro]),
        pair
    );
    // In tests only.
    let tested = ("src/low/cellar.rs", "pub fn dig() {} #[cfg(test)] mod tests { use crate::low::Wall; }");
    assert_eq!(circles(&[("src/low/mod.rs", "mod cellar; pub struct Wall; fn f() { cellar::dig() }"), tested]), none);
}

#[test]
fn exceptions_and_circles_only_shrink() {
    let low = ("src/low/mod.rs", "pub mod cellar; pub struct Wall; pub fn f() { cellar::dig() }");
    let package = house(&[low, ("src/low/cellar.rs", "use super::Wall; use crate::top::Top; pub fn dig() {}")]);
    let verdict = |tables: &str, exceptions: &str| {
        let rules = Rules::read(&format!("{}{tables}", RULES.replace(", wayland-*", ""))).unwrap();
        let exceptions = rules::exceptions(exceptions).unwrap();
        let checked = check::package(&package, &rules);
        check::verdict(std::slice::from_ref(&package), &[checked], &rules, &exceptions)
    };
    let none: [String; 0] = [];
    let table = "<!-- circles -->\n| crate | files | why |\n| --- | --- | --- |\n| `house` | `low/mod.rs`, `low/cellar.rs` | old |\n";
    let line = "house/src/low/cellar.rs -> top: until the roof is on\n";
    assert_eq!(verdict(table, line), none);
    assert_eq!(verdict("", &format!("{line}circle house: 2 files, until then")), none);
    assert_eq!(
        verdict("", line),
        ["house: a circle of 2 files that is not in the table \"Circles that stay\" of docs/architecture.md: \
          low/cellar.rs, low/mod.rs\n    house/src/low/cellar.rs:1: `use super::Wall` → src/low/mod.rs\n    \
          house/src/low/mod.rs:1: `cellar::dig` → src/low/cellar.rs"]
    );
    assert_eq!(
        verdict("", &format!("{line}circle house: 3 files, until then")),
        ["exceptions, line 2: the circle of house has shrunk to 2 files: write that number"]
    );
    assert_eq!(
        verdict(table, &format!("{line}circle house: 3 files, until then")),
        ["exceptions, line 2: this circle of house is gone: remove this line"]
    );
    let other = table.replace("low/mod.rs", "top/mod.rs");
    let found = verdict(&other, &format!("{line}circle house: 2 files, until then"));
    assert_eq!(found, ["docs/architecture.md: the circle low/cellar.rs, top/mod.rs of house is gone: remove its row"]);
    let stale = format!("{line}house/src/low/mod.rs -> top: no more\n");
    assert_eq!(
        verdict(table, &stale),
        ["exceptions, line 2: `house/src/low/mod.rs -> top` is no longer needed: remove this line"]
    );
    assert_eq!(verdict(table, "").len(), 1);
    // The list rewritten: a moved file, a line too many, a smaller circle.
    let text =
        "# moved\nhouse/src/cellar.rs -> top: kept\nhouse/src/low/mod.rs -> top: gone\ncircle house: 5 files, kept\n";
    let rules = Rules::read(&RULES.replace(", wayland-*", "")).unwrap();
    let checked = vec![check::package(&package, &rules)];
    let exceptions = rules::exceptions(text).unwrap();
    let house = House { packages: vec![package.clone()], checked, rules, exceptions };
    assert_eq!(shrunk(text, &house), "# moved\nhouse/src/low/cellar.rs -> top: kept\ncircle house: 2 files, kept\n");
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    for (table, why) in [
        (
            "<!-- layers: a -->\n| l | f | m |\n| - | - | - |\n| x | `x/` | belowe |",
            "layer `x` names `belowe`, which is no layer",
        ),
        (
            "<!-- layers: a -->\n| l | f | m |\n| - | - | - |\n| x | `x/` | below |\n| x | `y/` | below |",
            "two layers are called `x`",
        ),
        ("<!-- layers: a -->\nnothing", "line 1: no table follows `<!-- layers: a -->`"),
        ("<!-- names: a -->\n| n | o |\n| - | - |\n| N | x |", "names of a: it has no layers"),
        (
            "<!-- circles -->\n| c | f | w |\n| - | - | - |\n| a | b, c | |",
            "line 4: a circle that stays needs its reason",
        ),
    ] {
        assert_eq!(Rules::read(table).unwrap_err(), why);
    }
    assert!(rules::exceptions("a -> b").unwrap_err().starts_with("line 1: neither"));
}

/// A forbidden path in each file of the real tree, one at a time, is found in that file.
#[test]
fn a_forbidden_path_anywhere_is_found() {
    let House { packages, rules, exceptions, .. } = House::load().unwrap();
    let mut tried = 0;
    for mut package in packages.into_iter().filter(|package| rules.layers.contains_key(&package.folder)) {
        let layers = &rules.layers[&package.folder];
        let layer = |file: &str| file.strip_prefix("src/").and_then(|file| layers.of(file));
        let tests = Graph::new(&package).test_files();
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
            let graph = Graph::new(&package);
            let arrows = graph.arrows_of(|changed| changed == file);
            let findings = check::findings(&graph, &arrows, &package, &rules);
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
