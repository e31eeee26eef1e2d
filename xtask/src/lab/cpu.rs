//! Which CPU of the host a guest is pinned to.
//!
//! A guest's system call is a hand-over between two threads of the host: about 10 µs on one CPU,
//! about 100 µs across two. So each guest gets a CPU to itself, and labs that run side by side
//! claim different ones, by a lock file per CPU. Where all are claimed they are shared: slower,
//! never wrong. Never changes the affinity of this process.

use std::fs::File;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::thread::{CpuSet, sched_getaffinity};

use crate::error::{Context, Result};

/// A claim on CPUs; it lasts as long as this value.
#[derive(Debug)]
pub struct Claim {
    /// The CPUs to pin the guest to.
    pub cpus: Vec<usize>,
    _locks: Vec<File>,
}

/// Claims `count` of the CPUs that this process may use, at least one and at most all.
pub fn claim(count: usize, lock_dir: &Path) -> Result<Claim> {
    let allowed = sched_getaffinity(None).context("read which CPUs this process may use")?;
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).collect();
    let count = count.clamp(1, allowed.len().max(1));
    let mut claim = Claim { cpus: Vec::new(), _locks: Vec::new() };
    // From the last one down: interrupts and most other work sit on the first.
    for cpu in allowed.iter().rev().copied() {
        if claim.cpus.len() == count {
            break;
        }
        let path = lock_dir.join(format!("cpu{cpu}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        let file = file.context(format_args!("open {}", path.display()))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            claim.cpus.push(cpu);
            claim._locks.push(file);
        }
    }
    let spread = std::process::id() as usize;
    for step in 0..allowed.len() {
        if claim.cpus.len() == count {
            break;
        }
        let cpu = allowed[(spread + step) % allowed.len()];
        if !claim.cpus.contains(&cpu) {
            claim.cpus.push(cpu);
        }
    }
    Ok(claim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_claims_differ_while_there_are_cpus_left() {
        let dir = tempfile::tempdir().unwrap();
        let first = claim(1, dir.path()).unwrap();
        let second = claim(1, dir.path()).unwrap();
        assert_eq!((first.cpus.len(), second.cpus.len()), (1, 1));
        if std::thread::available_parallelism().unwrap().get() > 1 {
            assert_ne!(first.cpus, second.cpus);
        }
        let everything = claim(usize::MAX, dir.path()).unwrap();
        assert_eq!(everything.cpus.len(), std::thread::available_parallelism().unwrap().get());
        drop(first);
        drop(second);
    }
}
