//! The user whose seat it is: as whom the compositor runs in the lab, while the tests are root's.
//!
//! What an ordinary session has by udev's rules it has in the lab too. What it lacks everywhere,
//! the display CRCs in debugfs, is handed to it here (`lab_crcd.rs` does without). Nothing is
//! handed over where the lab has no such user: on another machine the compositor runs as whoever
//! runs the tests.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::error::{Error, Result};

const DEBUGFS: &str = "/sys/kernel/debug";

/// An ordinary user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// As in `/etc/passwd`.
    pub name: String,
    /// Also the number of the only group that the user is in.
    pub uid: u32,
}

impl User {
    /// The seat's user: what the lab says in `$SYNCLINE_LAB_USER`, `name:uid`, if this process is
    /// root and may become that user.
    pub fn of_seat() -> Option<User> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        User::parse(&std::env::var("SYNCLINE_LAB_USER").ok()?)
    }

    fn parse(text: &str) -> Option<User> {
        let (name, uid) = text.split_once(':')?;
        Some(User { name: name.to_owned(), uid: uid.parse().ok()? })
    }

    /// The user's XDG_RUNTIME_DIR.
    pub fn runtime(&self) -> PathBuf {
        PathBuf::from(format!("/run/user/{}", self.uid))
    }
}

/// XDG_RUNTIME_DIR of the compositor, if the environment has one.
pub fn runtime() -> Option<PathBuf> {
    User::of_seat().map(|user| user.runtime()).or_else(|| std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from))
}

/// A program that will run as the seat's user, in the user's own environment and without any
/// further group.
pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = User::of_seat() {
        // With a user of its own the child of a root process drops all groups but this one.
        command.uid(user.uid).gid(user.uid).env("XDG_RUNTIME_DIR", user.runtime()).env("HOME", "/run/home");
    }
    command
}

/// For the message of a start that failed.
pub fn as_whom() -> String {
    User::of_seat()
        .map_or_else(String::new, |user| format!(" as user {} (are the folders above it open to everybody?)", user.uid))
}

/// A folder for files that tests write and the compositor reads, or the other way round. Removed on
/// drop.
pub fn folder() -> Result<TempDir> {
    let user = User::of_seat();
    let within = user.as_ref().map_or_else(std::env::temp_dir, User::runtime);
    let folder = tempfile::Builder::new().prefix("syncline-test-").tempdir_in(within);
    let folder = folder.map_err(Error::io("make a scratch folder"))?;
    give(folder.path())?;
    Ok(folder)
}

/// Makes a file or folder the seat's user's.
pub fn give(path: &Path) -> Result<()> {
    let Some(user) = User::of_seat() else { return Ok(()) };
    chown(path, Some(user.uid), Some(user.uid)).map_err(Error::io(format!("give {} to {}", path.display(), user.name)))
}

/// Whether a device's node is there and udev has given it to the seat's user, which it does after the
/// kernel has made the node.
pub fn may_open(node: &Path) -> bool {
    let Ok(node) = fs::metadata(node) else { return false };
    User::of_seat().is_none_or(|user| node.uid() == user.uid)
}

/// Lets the seat's user read the display CRCs of all cards and make fences of sw_sync, which in
/// debugfs is root's alone: its root folder can be entered by nobody else, and a CRC source is
/// chosen by writing. Files of later cards need it again.
pub fn give_debugfs() -> Result<()> {
    let root = Path::new(DEBUGFS);
    if User::of_seat().is_none() || !root.join("dri").is_dir() {
        return Ok(());
    }
    give(root)?;
    for card in folders(&root.join("dri")) {
        // Each card has a link by its device's name as well.
        if card.is_symlink() {
            continue;
        }
        let crcs = folders(&card).into_iter().map(|crtc| crtc.join("crc")).filter(|crc| crc.is_dir());
        crcs.flat_map(|crc| [crc.join("control"), crc.join("data")]).try_for_each(|file| give(&file))?;
    }
    let sw_sync = root.join("sync/sw_sync");
    if sw_sync.exists() { give(&sw_sync) } else { Ok(()) }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_labs_word_for_the_user() {
        assert_eq!(User::parse("seat:1000"), Some(User { name: "seat".into(), uid: 1000 }));
        for nobody in ["", "seat", "seat:", "seat:x"] {
            assert_eq!(User::parse(nobody), None, "{nobody}");
        }
    }
}
