//! The README's map is true: the paths that it names exist.

use std::path::Path;

#[test]
fn every_path_in_the_readme_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let quoted = readme.split('`').skip(1).step_by(2);
    let linked = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let is_path = |text: &&str| text.ends_with('/') || text.starts_with("docs/");
    let paths: Vec<&str> = quoted.chain(linked).filter(is_path).collect();
    assert!(paths.len() > 10, "the README names its folders: {paths:?}");
    for path in paths {
        assert!(root.join(path).exists(), "the README names {path}, which is not there");
    }
}
