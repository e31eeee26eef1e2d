//! The guest kernel's log: collected while the guest runs, written to a file only after a failure.
//!
//! Never mixed into the command's output.

use std::collections::VecDeque;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::error::{Context, Result};

/// Beyond this the oldest bytes go.
const KEPT: usize = 4 << 20;
/// Log files kept in the cache.
const FILES: usize = 20;

/// A log that grows in the background.
#[derive(Debug, Clone, Default)]
pub struct KernelLog {
    bytes: Arc<Mutex<VecDeque<u8>>>,
}

impl KernelLog {
    /// Collects from `stream` until it ends.
    pub fn follow(&self, mut stream: impl Read + Send + 'static) {
        let log = self.clone();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                log.append(&buffer[..n]);
            }
        });
    }

    /// Adds bytes at the end.
    pub fn append(&self, bytes: &[u8]) {
        if let Ok(mut log) = self.bytes.lock() {
            log.extend(bytes);
            let surplus = log.len().saturating_sub(KEPT);
            log.drain(..surplus);
        }
    }

    /// All of it, without the carriage returns of the guest's console.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> =
            self.bytes.lock().map(|log| log.iter().copied().filter(|b| *b != b'\r').collect()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Writes it to a new file in `dir` and removes the oldest ones there.
    pub fn save(&self, dir: &Path) -> Result<PathBuf> {
        fs::create_dir_all(dir).context(format_args!("create {}", dir.display()))?;
        let file = tempfile::Builder::new().prefix("kernel-").suffix(".log").tempfile_in(dir);
        let (_, path) = file
            .and_then(|f| f.keep().map_err(|e| e.error))
            .context(format_args!("create a log in {}", dir.display()))?;
        fs::write(&path, self.text()).context(format_args!("write {}", path.display()))?;
        prune(dir);
        Ok(path)
    }
}

/// The last `lines` lines of a log.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// The first line with which the kernel complained about itself, without its time stamp.
pub fn complaint(text: &str) -> Option<&str> {
    const SIGNS: [&str; 7] =
        ["WARNING: ", "BUG: ", "Kernel panic", "Oops", "------------[ cut here", "Segfault with no mm", "INFO: task "];
    let line = text.lines().find(|line| SIGNS.iter().any(|sign| line.contains(sign)))?;
    Some(line.split_once("] ").map_or(line, |(_, rest)| rest))
}

fn prune(dir: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut logs: Vec<_> =
        entries.filter_map(|e| e.ok()).filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path()))).collect();
    logs.sort();
    for (_, old) in logs.iter().rev().skip(FILES) {
        let _ = fs::remove_file(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_kept_to_a_length_and_saved_readable() {
        let log = KernelLog::default();
        log.append(&vec![b'x'; KEPT]);
        log.append(b"last\r\n");
        assert_eq!(log.text().len(), KEPT - 1);
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..FILES + 3).map(|_| log.save(dir.path()).unwrap()).collect();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), FILES);
        assert!(fs::read_to_string(&paths[FILES + 2]).unwrap().ends_with("last\n"));
    }

    #[test]
    fn complaints_are_found_and_chatter_is_not() {
        let fine = "[    0.01] Checking that seccomp works\n[    0.02] vkms: loaded, errors=remount\n";
        assert_eq!(complaint(fine), None);
        let bad = format!("{fine}[    0.30] WARNING: drivers/x.c:3 at f+0x1\n[    0.31] BUG: no\n");
        assert_eq!(complaint(&bad), Some("WARNING: drivers/x.c:3 at f+0x1"));
        assert_eq!(tail(&bad, 1), "[    0.31] BUG: no");
        assert_eq!(tail("", 3), "");
    }
}
