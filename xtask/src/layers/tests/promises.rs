//! The list "What never happens" of docs/architecture.md: a test stands behind each of its lines.

use std::fs;
use std::path::{Path, PathBuf};

use crate::paths;

/// All files of the workspace's code.
fn code() -> Vec<PathBuf> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name());
            let hidden = name.to_string_lossy().starts_with('.') || name == "target";
            match entry.file_type().unwrap() {
                kind if kind.is_dir() && !hidden => walk(&path, into),
                kind if kind.is_file() && path.extension().is_some_and(|it| it == "rs") => into.push(path),
                _ => {}
            }
        }
    }
    let mut files = Vec::new();
    walk(&paths::workspace(), &mut files);
    files
}

/// The tests of each line of the list.
fn promises(page: &str) -> Vec<(String, Vec<String>)> {
    let list = page.split("\n## ").find(|part| part.starts_with("What never happens")).expect("the list is there");
    let lines = list.split("\n- ").skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let tests = |line: &str| {
        let named = line.rsplit_once("Test: ").or_else(|| line.rsplit_once("Tests: ")).map_or("", |(_, named)| named);
        named.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    };
    lines.map(|line| (line.clone(), tests(&line))).collect()
}

#[test]
fn a_test_stands_behind_each_line_of_what_never_happens() {
    let page = fs::read_to_string(paths::workspace().join("docs/architecture.md")).unwrap();
    let code: Vec<_> = code().iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let promises = promises(&page);
    assert!(promises.len() >= 9, "{promises:?}");
    for (line, tests) in promises {
        assert!(!tests.is_empty(), "no test is named: {line}");
        for test in tests {
            let head = format!("fn {test}()");
            let is_test = |text: &String| {
                let before = text.split_once(&head).map(|(before, _)| before.trim_end());
                before.is_some_and(|before| before.ends_with("#[test]") || before.ends_with("#[ignore = \"lab\"]"))
            };
            assert!(code.iter().any(is_test), "there is no test {test}, behind: {line}");
        }
    }
}

#[test]
fn unsafe_code_is_in_files_called_ioctl_only() {
    let manifest = fs::read_to_string(paths::workspace().join("Cargo.toml")).unwrap();
    assert!(manifest.lines().any(|line| line.starts_with("unsafe_code = \"deny\"")), "the compiler refuses it");
    // In two parts, so that this file is not one of them.
    let allows = ["allow(", "unsafe_code"].concat();
    let is_ioctl = |file: &PathBuf| file.file_name().is_some_and(|name| name == "ioctl.rs");
    let elsewhere: Vec<_> = code()
        .into_iter()
        .filter(|file| !is_ioctl(file) && fs::read_to_string(file).unwrap().contains(&allows))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
}
