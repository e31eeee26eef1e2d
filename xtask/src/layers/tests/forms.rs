//! Every form in which code can name a path is found; what names none is not.

use super::{cellar, found, house, messages};

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
    found("fn f() -> X { return ::house::top::Top }", 1);
    found("fn f<T>() where ::house::top::Top: Into<T> {}", 1);
    found("fn f() { let [a, b] = [x, ::house::top::attic::climb()]; }", 1);
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
    assert_eq!(cellar("#[cfg(test)]\nimpl<A, B> From<A> for X<B> where A: crate::top::Roofed, B: Roof {}"), nothing);
    found("impl X {\n #[cfg(test)]\n fn f(&self) {}\n fn g() { crate::top::attic::climb() } }", 4);
    found("struct X {\n #[cfg(test)]\n a: u32,\n b: crate::top::Top,\n}", 4);
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
