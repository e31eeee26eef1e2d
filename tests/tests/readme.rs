//! What the documents say about the repository is true: the paths that they name exist.

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(document: &str) -> String {
    std::fs::read_to_string(root().join(document)).unwrap()
}

/// What stands between backticks, outside of blocks of code.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

/// The paths that a document names: quoted, and below a folder of the repository. A name with a
/// placeholder, such as `tests/tests/lab_<what>.rs`, is not a path.
fn paths(text: &str) -> Vec<&str> {
    let folder = |path: &str| path.split_once('/').map(|(first, _)| format!("{first}/"));
    let is_ours = |first: String| root().join(first).is_dir();
    let plain = |path: &str| !path.contains(['<', '*', ' ', '…']);
    quoted(text)
        .into_iter()
        .filter(|path| {
            plain(path) && folder(path).is_some_and(|first| !first.starts_with(['/', '.']) && is_ours(first))
        })
        .collect()
}

fn missing<'a>(paths: &[&'a str]) -> Vec<&'a str> {
    paths.iter().filter(|path| !root().join(path).exists()).copied().collect()
}

#[test]
fn every_path_in_the_readme_exists() {
    let readme = read("README.md");
    let linked = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let is_path = |text: &&str| text.ends_with('/') || text.starts_with("docs/");
    let paths: Vec<&str> = quoted(&readme).into_iter().chain(linked).filter(is_path).collect();
    assert!(paths.len() > 10, "the README names its folders: {paths:?}");
    assert_eq!(missing(&paths), [""; 0], "README.md names what is not there");
}

#[test]
fn every_path_in_contributing_exists() {
    let text = read("CONTRIBUTING.md");
    let paths = paths(&text);
    assert!(paths.len() > 30, "it says where things go: {paths:?}");
    assert_eq!(missing(&paths), [""; 0], "CONTRIBUTING.md names what is not there");
}

#[test]
fn every_path_in_the_architecture_exists() {
    let text = read("docs/architecture.md");
    let paths = paths(&text);
    assert!(paths.len() >= 8, "it names the crates: {paths:?}");
    assert_eq!(missing(&paths), [""; 0], "docs/architecture.md names what is not there");
}

#[test]
fn a_path_that_is_not_there_is_found() {
    let text = "see `kms/src/quirks.rs`, `kms/src/gone.rs`, `tests/tests/lab_<what>.rs`, `/sys/x` and `a/b`\n```sh\n`kms/no.rs`\n```";
    let paths = paths(text);
    assert_eq!(paths, ["kms/src/quirks.rs", "kms/src/gone.rs"]);
    assert_eq!(missing(&paths), ["kms/src/gone.rs"]);
}
