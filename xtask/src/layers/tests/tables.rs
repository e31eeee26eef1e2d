//! Files and crates without a row, circles, exceptions, and tables that make no sense.

use super::{RULES, found, house, messages};
use crate::layers::arrows::arrows;
use crate::layers::circles::circles;
use crate::layers::rules::{self, Rules};
use crate::layers::tree::Tree;
use crate::layers::{House, check, shrunk};

#[test]
fn files_and_crates_without_a_place_are_found() {
    let odd =
        messages(&house(&[("src/lib.rs", "mod low; mod middle; mod side; mod top; mod shed;"), ("src/shed.rs", "")]));
    assert_eq!(
        odd,
        ["house/src/shed.rs: belongs to no layer; put its folder into the table of layers of docs/architecture.md"]
    );
    let lost = messages(&house(&[("src/low/lost.rs", "")]));
    assert_eq!(lost, ["house/src/low/lost.rs: no `mod` leads to this file"]);
    let gone = messages(&house(&[("src/low/cellar.rs", "mod gone;")]));
    assert_eq!(gone, ["house/src/low/cellar.rs:1: `mod gone` has no file"]);
    let included = messages(&house(&[("src/low/cellar.rs", "mod a {\n include!(\"../top.rs\"); }")]));
    assert_eq!(included, ["house/src/low/cellar.rs:2: `include!` of code is not followed; make it a module"]);
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
    let circles = |files: &[(&str, &str)]| circles(&arrows(&Tree::new(&house(files)), |_| true));
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
