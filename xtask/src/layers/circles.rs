//! Circles: files that import each other, directly or through others.
//!
//! An arrow counts if the file needs something that the other file defines. `mod x;`, the name of a
//! module and a re-export do not make a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::arrows::{Arrow, To};

/// The circles of a package, largest first; each a sorted list of files.
pub fn circles(arrows: &[Arrow]) -> Vec<Vec<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to, _) in binding(arrows) {
        next.entry(from).or_default().insert(to);
        next.entry(to).or_default();
    }
    let mut search = Search { next: Some(&next), ..Search::default() };
    for &file in next.keys() {
        if !search.found.contains_key(file) {
            search.visit(file);
        }
    }
    let mut circles = search.circles;
    circles.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    circles
}

/// The arrows between the files of a circle, one path for each.
pub fn arrows_within<'a>(circle: &[String], arrows: &'a [Arrow]) -> Vec<(&'a str, &'a str, &'a Arrow)> {
    let inside = |file: &str| circle.iter().any(|member| member == file);
    let mut one = BTreeMap::new();
    for (from, to, arrow) in binding(arrows) {
        if inside(from) && inside(to) {
            one.entry((from, to)).or_insert(arrow);
        }
    }
    one.into_iter().map(|((from, to), arrow)| (from, to, arrow)).collect()
}

fn binding(arrows: &[Arrow]) -> impl Iterator<Item = (&str, &str, &Arrow)> {
    arrows.iter().filter(|arrow| arrow.binds && !arrow.test).filter_map(|arrow| match &arrow.to {
        To::File(to) => Some((arrow.from.as_str(), to.as_str(), arrow)),
        To::Crate(_) => None,
    })
}

/// Tarjan's search for strongly connected components.
#[derive(Default)]
struct Search<'a> {
    next: Option<&'a BTreeMap<&'a str, BTreeSet<&'a str>>>,
    found: BTreeMap<&'a str, usize>,
    low: BTreeMap<&'a str, usize>,
    stack: Vec<&'a str>,
    circles: Vec<Vec<String>>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, file: &'a str) {
        let order = self.found.len();
        self.found.insert(file, order);
        self.low.insert(file, order);
        self.stack.push(file);
        let Some(next) = self.next else { return };
        for &to in &next[file] {
            if !self.found.contains_key(to) {
                self.visit(to);
                let low = self.low[to].min(self.low[file]);
                self.low.insert(file, low);
            } else if self.stack.contains(&to) {
                let low = self.found[to].min(self.low[file]);
                self.low.insert(file, low);
            }
        }
        if self.low[file] == order {
            let at = self.stack.iter().position(|&member| member == file).unwrap_or(0);
            let mut circle: Vec<String> = self.stack.split_off(at).into_iter().map(str::to_owned).collect();
            if circle.len() > 1 {
                circle.sort();
                self.circles.push(circle);
            }
        }
    }
}
