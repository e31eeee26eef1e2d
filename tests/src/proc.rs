//! What /proc tells about a process: open files by kind, memory, CPU time. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};

/// A process, by its id.
#[derive(Debug, Clone, Copy)]
pub struct Process(pub u32);

impl Process {
    fn path(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.0))
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = self.path(file);
        fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))
    }

    /// Its open files by kind (`socket`, `anon_inode:sync_file`, `anon_inode:[eventfd]`, `/dmabuf`,
    /// a path …).
    pub fn fds(&self) -> Result<BTreeMap<String, usize>> {
        let dir = self.path("fd");
        let mut kinds = BTreeMap::new();
        for entry in fs::read_dir(&dir).map_err(Error::io(format!("read {}", dir.display())))?.flatten() {
            // A descriptor may be closed between listing and reading.
            if let Ok(target) = fs::read_link(entry.path()) {
                *kinds.entry(kind_of(&target.to_string_lossy())).or_default() += 1;
            }
        }
        Ok(kinds)
    }

    /// Its descriptors of one kind, as in [`Process::fds`].
    pub fn fds_of(&self, kind: &str) -> Result<BTreeSet<u32>> {
        let dir = self.path("fd");
        let entries = fs::read_dir(&dir).map_err(Error::io(format!("read {}", dir.display())))?.flatten();
        let number = |entry: fs::DirEntry| {
            let target = fs::read_link(entry.path()).ok()?;
            (kind_of(&target.to_string_lossy()) == kind).then(|| entry.file_name().to_str()?.parse().ok()).flatten()
        };
        Ok(entries.filter_map(number).collect())
    }

    /// How many files it has open.
    pub fn fd_count(&self) -> Result<usize> {
        Ok(self.fds()?.values().sum())
    }

    /// Resident memory in KiB.
    pub fn rss_kib(&self) -> Result<u64> {
        self.memory_kib("VmRSS")
    }

    /// Resident memory that is its own, in KiB: no files, and no buffers that it has mapped.
    pub fn own_rss_kib(&self) -> Result<u64> {
        self.memory_kib("RssAnon")
    }

    /// The most that its resident memory has ever been, in KiB.
    pub fn peak_rss_kib(&self) -> Result<u64> {
        self.memory_kib("VmHWM")
    }

    fn memory_kib(&self, name: &str) -> Result<u64> {
        let status = self.read("status")?;
        kib(&status, name).ok_or_else(|| Error::Missing(format!("{name} of process {}", self.0)))
    }

    /// How often its threads have been woken up: their voluntary context switches.
    pub fn wakeups(&self) -> Result<u64> {
        let dir = self.path("task");
        let tasks = fs::read_dir(&dir).map_err(Error::io(format!("read {}", dir.display())))?;
        let count = |status: String| {
            let line = status.lines().find_map(|l| l.strip_prefix("voluntary_ctxt_switches:"))?;
            line.trim().parse::<u64>().ok()
        };
        let each = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("status")).ok());
        each.map(|status| count(status).ok_or_else(|| Error::Missing("voluntary_ctxt_switches in /proc".into()))).sum()
    }

    /// CPU time of all of its threads in nanoseconds: exact where the kernel has schedstat, else in
    /// clock ticks.
    pub fn cpu_ns(&self) -> Result<u64> {
        let dir = self.path("task");
        let tasks = fs::read_dir(&dir).map_err(Error::io(format!("read {}", dir.display())))?;
        let mut exact = Some(0);
        for task in tasks.flatten() {
            let ran = fs::read_to_string(task.path().join("schedstat")).ok();
            let ran = ran.and_then(|t| t.split_whitespace().next()?.parse::<u64>().ok());
            exact = exact.zip(ran).map(|(sum, ran)| sum + ran);
        }
        match exact {
            Some(ns) if ns > 0 => Ok(ns),
            _ => {
                let ticks = parse_stat_ticks(&self.read("stat")?)
                    .ok_or_else(|| Error::Missing(format!("CPU time of process {}", self.0)))?;
                Ok(ticks * (1_000_000_000 / rustix::param::clock_ticks_per_second().max(1)))
            }
        }
    }
}

/// How long the machine's CPUs have worked, and have been there at all, in clock ticks since its start.
pub fn machine_ticks() -> Result<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat").map_err(Error::io("read /proc/stat"))?;
    parse_machine_ticks(&stat).ok_or_else(|| Error::Missing("the times of cpu in /proc/stat".into()))
}

/// user, nice, system, idle, iowait and so on; what a guest used is in user already.
fn parse_machine_ticks(stat: &str) -> Option<(u64, u64)> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let times: Vec<u64> =
        line.split_whitespace().take(8).map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
    let (total, idle) = (times.iter().sum(), times.get(3)? + times.get(4)?);
    Some((total - idle, total))
}

/// `socket:[123]` and its like lose the number; devices and files keep their path.
fn kind_of(target: &str) -> String {
    match target.split_once(":[") {
        Some((kind @ ("socket" | "pipe"), _)) => kind.into(),
        _ => target.trim_end_matches(" (deleted)").into(),
    }
}

/// utime + stime: fields 14 and 15, counted after the name, which may hold spaces and brackets.
fn parse_stat_ticks(stat: &str) -> Option<u64> {
    let rest = &stat[stat.rfind(')')? + 1..];
    let mut fields = rest.split_whitespace().skip(11);
    let utime: u64 = fields.next()?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some(utime + stime)
}

/// A line of `/proc/PID/status` in KiB.
fn kib(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_the_machine_are_read() {
        let stat = "cpu  10 1 20 60 5 2 2 0 7 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(parse_machine_ticks(stat), Some((35, 100)));
        assert_eq!(parse_machine_ticks("cpu0 1 2 3 4 5"), None);
        assert_eq!(parse_machine_ticks("cpu  1 2"), None);
    }

    #[test]
    fn stat_with_a_nasty_name() {
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 70 30 0 0 20 0 1";
        assert_eq!(parse_stat_ticks(stat), Some(100));
    }

    #[test]
    fn kinds() {
        assert_eq!(kind_of("socket:[77]"), "socket");
        assert_eq!(kind_of("anon_inode:[eventfd]"), "anon_inode:[eventfd]");
        assert_eq!(kind_of("/memfd:x (deleted)"), "/memfd:x");
    }

    #[test]
    fn this_process() {
        let me = Process(std::process::id());
        assert!(me.rss_kib().unwrap() > 100 && me.peak_rss_kib().unwrap() > 100);
        // In one reading: the other tests of this process take memory meanwhile.
        let status = me.read("status").unwrap();
        assert!(kib(&status, "VmHWM").unwrap() >= kib(&status, "VmRSS").unwrap());
        assert!(me.fd_count().unwrap() >= 3);
        me.cpu_ns().unwrap();
        me.wakeups().unwrap();
    }
}
