//! The DRM device nodes of this machine, as `/dev/dri` lists them. It opens none of them, and asks
//! no udev.

use std::path::{Path, PathBuf};

const FOLDER: &str = "/dev/dri";
const CARD: &str = "card";
const RENDER: &str = "renderD";

/// The primary nodes (`/dev/dri/card0`), in the order of their numbers; none if the folder cannot
/// be read.
pub fn cards() -> Vec<PathBuf> {
    list(Path::new(FOLDER), CARD)
}

/// The render nodes (`/dev/dri/renderD128`), in the order of their numbers; none if the folder
/// cannot be read.
pub fn render_nodes() -> Vec<PathBuf> {
    list(Path::new(FOLDER), RENDER)
}

/// The number of a primary node: its folder under `dri/` in debugfs. `None` for every other path.
pub fn card_number(node: &Path) -> Option<u32> {
    number(node, CARD)
}

/// The device number (`dev_t`) of the render node of the device whose primary node has the device
/// number `node`; `None`: it has none, or sysfs does not say.
pub fn render_node_of(node: u64) -> Option<u64> {
    let (major, minor) = (rustix::fs::major(node), rustix::fs::minor(node));
    render_in(&PathBuf::from(format!("/sys/dev/char/{major}:{minor}/device/drm")))
}

fn render_in(folder: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(list(folder, RENDER).first()?.join("dev")).ok()?;
    let (major, minor) = text.trim().split_once(':')?;
    Some(rustix::fs::makedev(major.parse().ok()?, minor.parse().ok()?))
}

fn number(node: &Path, prefix: &str) -> Option<u32> {
    node.file_name()?.to_str()?.strip_prefix(prefix)?.parse().ok()
}

fn list(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<(u32, PathBuf)> = entries.filter_map(|path| Some((number(&path, prefix)?, path))).collect();
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_primary_nodes_are_cards() {
        assert_eq!(card_number(Path::new("/dev/dri/card12")), Some(12));
        for other in ["/dev/dri/renderD128", "/dev/dri/card", "/dev/dri/cardX", "/dev/dri/by-path"] {
            assert_eq!(card_number(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn a_render_node_is_found_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(render_in(folder.path()), None);
        for (name, dev) in [("card1", "226:1\n"), ("renderD129", "226:129\n")] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            std::fs::write(folder.path().join(name).join("dev"), dev).unwrap();
        }
        assert_eq!(render_in(folder.path()), Some(rustix::fs::makedev(226, 129)));
    }

    #[test]
    fn nodes_are_listed_by_kind_and_number() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["card10", "card2", "renderD129", "renderD128", "by-path", "cardinal"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |prefix| -> Vec<String> {
            let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
            list(folder.path(), prefix).into_iter().map(name).collect()
        };
        assert_eq!(names(CARD), ["card2", "card10"]);
        assert_eq!(names(RENDER), ["renderD128", "renderD129"]);
        assert!(list(&folder.path().join("absent"), CARD).is_empty());
    }
}
