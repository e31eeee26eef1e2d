//! Where the guest's memory lies: User-Mode Linux maps it from an unlinked file, sparse, in the
//! folder that TMPDIR names.
//!
//! A tmpfs is wanted, since a file on a disk gets written back. It must hold the whole size,
//! because a full tmpfs kills the guest with SIGBUS in mid-run, and must not be `noexec`. Never
//! creates a file itself.

use std::path::{Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statfs, statvfs};

use super::failure;
use crate::error::Result;

const TMPFS_MAGIC: u64 = 0x0102_1994;
const GIB: u64 = 1 << 30;
/// What a guest gets where there is room for it.
const WANTED: u64 = 4 * GIB;
/// Less than this and Mesa's software renderer has no room.
const LEAST: u64 = GIB;

/// A folder that could hold the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub dir: PathBuf,
    /// Bytes free.
    pub free: u64,
    /// In memory rather than on a disk.
    pub tmpfs: bool,
}

/// Size of the guest's memory in bytes and the folder for it.
pub fn choose(asked: Option<&str>, cache: &Path) -> Result<(u64, PathBuf)> {
    let asked = asked.map(parse_size).transpose()?;
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let tmp = std::env::temp_dir();
    let dirs = [
        Some(PathBuf::from("/dev/shm")),
        runtime,
        Some(tmp),
        Some(PathBuf::from("/var/tmp")),
        Some(cache.to_path_buf()),
    ];
    let places: Vec<Place> = dirs.into_iter().flatten().filter_map(look).collect();
    pick(asked, &places).ok_or_else(|| {
        let seen: Vec<String> = places.iter().map(|p| format!("{} {} MiB", p.dir.display(), p.free >> 20)).collect();
        failure(format!(
            "no folder has room for the guest's memory ({} MiB); free: {}",
            asked.unwrap_or(LEAST) >> 20,
            seen.join(", ")
        ))
        .hint("free some, point TMPDIR to a folder with room, or ask for less with --mem")
    })
}

/// The whole size on a tmpfs; else, unless a size was asked for, what a tmpfs has; else a disk.
fn pick(asked: Option<u64>, places: &[Place]) -> Option<(u64, PathBuf)> {
    let size = asked.unwrap_or(WANTED);
    let tmpfs = || places.iter().filter(|p| p.tmpfs);
    if let Some(place) = tmpfs().find(|p| p.free >= size) {
        return Some((size, place.dir.clone()));
    }
    if asked.is_none()
        && let Some(place) = tmpfs().find(|p| p.free / 4 * 3 >= LEAST)
    {
        return Some((place.free / 4 * 3, place.dir.clone()));
    }
    places.iter().find(|p| p.free >= size).map(|p| (size, p.dir.clone()))
}

fn look(dir: PathBuf) -> Option<Place> {
    let usable = statvfs(&dir).ok().filter(|v| !v.f_flag.contains(StatVfsMountFlags::NOEXEC))?;
    rustix::fs::access(&dir, rustix::fs::Access::WRITE_OK).ok()?;
    let tmpfs = statfs(&dir).is_ok_and(|s| u64::try_from(s.f_type).is_ok_and(|t| t == TMPFS_MAGIC));
    Some(Place { free: usable.f_bavail.saturating_mul(usable.f_frsize), dir, tmpfs })
}

/// `4G`, `512M`, or bytes.
fn parse_size(text: &str) -> Result<u64> {
    let (digits, shift) = match text.trim().to_ascii_uppercase() {
        t if t.ends_with('G') => (t[..t.len() - 1].to_owned(), 30),
        t if t.ends_with('M') => (t[..t.len() - 1].to_owned(), 20),
        t => (t, 0),
    };
    let size = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|n| *n >= 64 << 20);
    size.ok_or_else(|| failure(format!("--mem {text}: expected a size of at least 64M, such as 512M or 4G")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(dir: &str, free: u64, tmpfs: bool) -> Place {
        Place { dir: dir.into(), free, tmpfs }
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("4G"), Ok(4 << 30));
        assert_eq!(parse_size(" 512m"), Ok(512 << 20));
        assert_eq!(parse_size("1073741824"), Ok(1 << 30));
        for bad in ["", "G", "4T", "-1G", "1M", "99999999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_roomy_tmpfs_first_then_a_smaller_guest_then_a_disk() {
        let shm = |free| place("/dev/shm", free, true);
        let disk = place("/tmp", 100 << 30, false);
        let table = [
            (None, vec![shm(8 << 30), disk.clone()], Some((4 << 30, "/dev/shm"))),
            (None, vec![shm(2 << 30), disk.clone()], Some((3 << 29, "/dev/shm"))),
            (None, vec![shm(64 << 20), disk.clone()], Some((4 << 30, "/tmp"))),
            (Some(3 << 30), vec![shm(2 << 30), disk.clone()], Some((3 << 30, "/tmp"))),
            (None, vec![shm(64 << 20)], None),
            (None, vec![], None),
        ];
        for (asked, places, expected) in table {
            let expected = expected.map(|(size, dir)| (size, PathBuf::from(dir)));
            assert_eq!(pick(asked, &places), expected, "{asked:?} {places:?}");
        }
    }
}
