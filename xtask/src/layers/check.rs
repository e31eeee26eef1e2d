//! Checks packages against the rules. Each finding has file, line, the path as written, and the
//! rule in words.

use std::collections::BTreeSet;

use super::arrows::{Arrow, To, arrows};
use super::circles::{arrows_within, circles};
use super::package::Package;
use super::rules::{Exception, Rules};
use super::tree::Tree;

/// Circles of one package, and files of one circle, that can stay.
const MOST_CIRCLES: usize = 3;
const MOST_FILES: usize = 5;

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// File and layer (or crate) by which an exception names it; none if there is no exception
    /// from this rule.
    pub key: Option<(String, String)>,
    /// For people.
    pub message: String,
}

/// What was found in one package.
#[derive(Debug, Default)]
pub struct Checked {
    /// All that breaks a rule, circles apart.
    pub findings: Vec<Finding>,
    /// All arrows.
    pub arrows: Vec<Arrow>,
    /// All circles.
    pub circles: Vec<Vec<String>>,
}

/// Checks one package, all but its circles, which need the table and the exceptions.
pub fn package(package: &Package, rules: &Rules) -> Checked {
    let tree = Tree::new(package);
    let arrows = arrows(&tree, |_| true);
    let findings = findings(&tree, &arrows, rules);
    let circles = circles(&arrows);
    Checked { findings, arrows, circles }
}

/// What these arrows of a package, its tree and its manifest break.
pub fn findings(tree: &Tree<'_>, arrows: &[Arrow], rules: &Rules) -> Vec<Finding> {
    let package = tree.package;
    let mut findings: Vec<Finding> =
        tree.faults.iter().map(|fault| Finding { key: None, message: fault.clone() }).collect();
    let tests = tree.test_files();
    layers(package, rules, arrows, &tests, &mut findings);
    names(package, rules, &tests, &mut findings);
    let folder = &package.folder;
    match rules.crates.get(folder) {
        Some(_) => crates(package, rules, arrows, &mut findings),
        None => findings.push(Finding {
            key: None,
            message: format!(
                "{folder}/Cargo.toml: this crate has no row in the table of crates of docs/architecture.md"
            ),
        }),
    }
    findings
}

fn layers(package: &Package, rules: &Rules, arrows: &[Arrow], tests: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    let folder = &package.folder;
    let Some(layers) = rules.layers.get(folder) else { return };
    let sources = || package.files.keys().filter_map(|file| file.strip_prefix("src/"));
    for file in sources().filter(|file| layers.of(file).is_none() && !tests.contains(format!("src/{file}").as_str())) {
        let message = format!(
            "{folder}/src/{file}: belongs to no layer; put its folder into the table of layers of docs/architecture.md"
        );
        findings.push(Finding { key: None, message });
    }
    for row in layers.rows.iter().filter(|_| !layers.moving) {
        for prefix in &row.prefixes {
            if !sources().any(|file| file == prefix || (prefix.ends_with('/') && file.starts_with(prefix.as_str()))) {
                let message =
                    format!("{folder}/src/{prefix}: layer `{}` names it, and there is no such file", row.name);
                findings.push(Finding { key: None, message });
            }
        }
    }
    for arrow in arrows.iter().filter(|arrow| !arrow.test) {
        let To::File(to) = &arrow.to else { continue };
        let layer = |file: &str| file.strip_prefix("src/").and_then(|file| layers.of(file));
        let (Some(from_layer), Some(to_layer)) = (layer(&arrow.from), layer(to)) else { continue };
        let (from_row, to_row) = (&layers.rows[from_layer], &layers.rows[to_layer]);
        if from_layer == to_layer || from_row.may.contains(&to_row.name) {
            continue;
        }
        let (file, line, path) = (&arrow.from, arrow.line, &arrow.path);
        let (from, target) = (&from_row.name, &to_row.name);
        let rule = words(&from_row.words);
        let message = format!(
            "{folder}/{file}:{line}: `{path}` leads from layer {from} to layer {target} ({to}); {from} may import {rule}"
        );
        findings.push(Finding { key: Some((format!("{folder}/{file}"), target.clone())), message });
    }
}

/// The third cell of a row as the end of a sentence.
fn words(cell: &str) -> String {
    match cell {
        "–" | "-" | "" => "nothing of this crate".into(),
        "all" => "everything".into(),
        "below" => "only the layers below it".into(),
        other => match other.strip_prefix("below except ") {
            Some(except) => format!("only the layers below it, and of these not {except}"),
            None => format!("only {other}"),
        },
    }
}

fn names(package: &Package, rules: &Rules, tests: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    let folder = &package.folder;
    let Some(layers) = rules.layers.get(folder) else { return };
    for rule in rules.names.iter().filter(|rule| rule.folder == *folder) {
        for (file, scope) in package.files.iter().filter(|(file, _)| !tests.contains(file.as_str())) {
            let Some(row) = file.strip_prefix("src/").and_then(|file| layers.of(file)).map(|at| &layers.rows[at])
            else {
                continue;
            };
            if rule.only_in.contains(&row.name) {
                continue;
            }
            let Some(line) = scope.names_line(&rule.name) else { continue };
            let (name, only) = (&rule.name, rule.only_in.join(", "));
            let message = format!(
                "{folder}/{file}:{line}: `{name}` is named in layer {}; only {only} may name `{name}`",
                row.name
            );
            let to = rule.only_in.first().cloned().unwrap_or_default();
            findings.push(Finding { key: Some((format!("{folder}/{file}"), to)), message });
        }
    }
}

fn crates(package: &Package, rules: &Rules, arrows: &[Arrow], findings: &mut Vec<Finding>) {
    let folder = &package.folder;
    let Some(rule) = rules.crates.get(folder) else { return };
    let broken = |to: &str| match to.strip_suffix('/') {
        Some(other) if other == folder || rule.may.iter().any(|may| may == other) => None,
        Some(_) if rule.may.is_empty() => Some("it depends on no other crate of this workspace".to_owned()),
        Some(_) => Some(format!("of this workspace it may depend only on {}", rule.may.join(", "))),
        None => rule.forbids(to).map(|pattern| format!("it never depends on {pattern}")),
    };
    for (code_name, to) in &package.dependencies {
        let Some(why) = broken(to) else { continue };
        let line = package.manifest_line(code_name, to);
        let to = to.trim_end_matches('/');
        let message = format!("{folder}/Cargo.toml:{line}: `{to}`: crate {folder} to crate {to}; {why}");
        findings.push(Finding { key: Some((format!("{folder}/Cargo.toml"), to.to_owned())), message });
    }
    for arrow in arrows {
        let To::Crate(to) = &arrow.to else { continue };
        let Some(why) = broken(to) else { continue };
        let to = to.trim_end_matches('/');
        let (file, line, path) = (&arrow.from, arrow.line, &arrow.path);
        let message = format!("{folder}/{file}:{line}: `{path}` leads from crate {folder} to crate {to}; {why}");
        findings.push(Finding { key: Some((format!("{folder}/{file}"), to.to_owned())), message });
    }
}

/// All packages against tables and exceptions: the messages of what is wrong.
pub fn verdict(packages: &[Package], checked: &[Checked], rules: &Rules, exceptions: &[Exception]) -> Vec<String> {
    let mut wrong = Vec::new();
    let keys: BTreeSet<(&str, &str)> = exceptions
        .iter()
        .filter_map(|exception| match exception {
            Exception::Arrow { from, to, .. } => Some((from.as_str(), to.as_str())),
            Exception::Circle { .. } => None,
        })
        .collect();
    let mut needed = BTreeSet::new();
    for finding in checked.iter().flat_map(|checked| &checked.findings) {
        match &finding.key {
            Some((from, to)) if keys.contains(&(from.as_str(), to.as_str())) => {
                needed.insert((from.as_str(), to.as_str()));
            }
            _ => wrong.push(finding.message.clone()),
        }
    }
    let mut seen = BTreeSet::new();
    for exception in exceptions {
        if let Exception::Arrow { from, to, line, .. } = exception {
            if !needed.contains(&(from.as_str(), to.as_str())) {
                wrong.push(format!("exceptions, line {line}: `{from} -> {to}` is no longer needed: remove this line"));
            } else if !seen.insert((from, to)) {
                wrong.push(format!("exceptions, line {line}: `{from} -> {to}` stands there twice: remove this line"));
            }
        }
    }
    for folder in rules.crates.keys().filter(|folder| !packages.iter().any(|package| package.folder == **folder)) {
        wrong.push(format!("docs/architecture.md: the table of crates names {folder}/, and there is no such crate"));
    }
    for (package, checked) in packages.iter().zip(checked) {
        circle_verdict(&package.folder, checked, rules, exceptions, &mut wrong);
    }
    wrong.sort();
    wrong.dedup();
    wrong
}

fn circle_verdict(folder: &str, checked: &Checked, rules: &Rules, exceptions: &[Exception], wrong: &mut Vec<String>) {
    let mut excepted: Vec<(usize, usize)> = exceptions
        .iter()
        .filter_map(|exception| match exception {
            Exception::Circle { folder: of, files, line, .. } if of == folder => Some((*files, *line)),
            _ => None,
        })
        .collect();
    excepted.sort_by(|a, b| b.cmp(a));
    let mut listed: Vec<&Vec<String>> =
        rules.circles.iter().filter(|circle| circle.folder == folder).map(|circle| &circle.files).collect();
    if listed.len() > MOST_CIRCLES {
        wrong.push(format!(
            "docs/architecture.md: {folder} has {} circles that stay; {MOST_CIRCLES} at most",
            listed.len()
        ));
    }
    let mut excepted = excepted.into_iter();
    for circle in &checked.circles {
        let short: Vec<String> =
            circle.iter().map(|file| file.strip_prefix("src/").unwrap_or(file).to_owned()).collect();
        if let Some(at) = listed.iter().position(|files| **files == short) {
            listed.remove(at);
            if circle.len() > MOST_FILES {
                wrong.push(format!(
                    "docs/architecture.md: a circle of {} files of {folder} may not stay; {MOST_FILES} at most",
                    circle.len()
                ));
            }
            continue;
        }
        let arrows = describe(folder, circle, &checked.arrows);
        match excepted.next() {
            Some((files, _)) if files == circle.len() => {}
            Some((files, line)) if files > circle.len() => wrong.push(format!(
                "exceptions, line {line}: the circle of {folder} has shrunk to {} files: write that number",
                circle.len()
            )),
            Some((files, _)) => wrong.push(format!(
                "{folder}: a circle of {} files, {files} are excepted: {}\n{arrows}",
                circle.len(),
                short.join(", ")
            )),
            None => wrong.push(format!(
                "{folder}: a circle of {} files that is not in the table \"Circles that stay\" of docs/architecture.md: {}\n{arrows}",
                circle.len(),
                short.join(", ")
            )),
        }
    }
    for (_, line) in excepted {
        wrong.push(format!("exceptions, line {line}: this circle of {folder} is gone: remove this line"));
    }
    for files in listed {
        wrong
            .push(format!("docs/architecture.md: the circle {} of {folder} is gone: remove its row", files.join(", ")));
    }
}

/// One path for each arrow of a circle, twenty at most.
pub fn describe(folder: &str, circle: &[String], arrows: &[Arrow]) -> String {
    let within = arrows_within(circle, arrows);
    let mut lines: Vec<String> = within
        .iter()
        .take(20)
        .map(|(_, to, arrow)| format!("    {folder}/{}:{}: `{}` → {to}", arrow.from, arrow.line, arrow.path))
        .collect();
    if within.len() > lines.len() {
        lines.push(format!("    and {} more; `cargo xtask layers --circles` shows all", within.len() - lines.len()));
    }
    lines.join("\n")
}
