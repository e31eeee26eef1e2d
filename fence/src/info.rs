//! What the kernel says of fences, folded into values: [`Status`], [`Summary`], [`Info`].
//!
//! Pure: it never makes a system call.

use std::fmt;

use crate::{FenceError, Ns, kernel::RawFence};

/// State of the fences of a [`SyncFile`](crate::SyncFile), all together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// At least one fence has not signalled.
    Active,
    /// All have signalled, none with an error.
    Signalled,
    /// All have signalled, at least one with this error (the first of them).
    Failed(FenceError),
}

/// A name of at most 31 bytes as the kernel stores it, without the heap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Name([u8; 32]);

impl Name {
    /// The empty name.
    pub const EMPTY: Name = Name([0; 32]);

    /// Takes the first 31 bytes of `name`.
    pub fn new(name: &str) -> Name {
        let mut bytes = [0; 32];
        let mut end = name.len().min(31);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
        Name(bytes)
    }

    /// The bytes as the kernel wants and gives them.
    pub fn raw(self) -> [u8; 32] {
        self.0
    }

    /// Up to the first NUL; up to the first byte that is not UTF-8.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        match std::str::from_utf8(&self.0[..end]) {
            Ok(name) => name,
            Err(error) => std::str::from_utf8(&self.0[..error.valid_up_to()]).unwrap_or_default(),
        }
    }
}

impl From<[u8; 32]> for Name {
    fn from(bytes: [u8; 32]) -> Name {
        Name(bytes)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// One fence of a [`SyncFile`](crate::SyncFile).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceInfo {
    /// Name of the driver that made it; empty if it has signalled and the kernel no longer knows.
    pub driver: String,
    /// Name of the timeline that it is on.
    pub timeline: String,
    /// Its own status.
    pub status: Status,
    /// When it signalled, CLOCK_MONOTONIC nanoseconds; 0 while it is active.
    pub timestamp_ns: Ns,
}

/// All that the kernel tells of a [`SyncFile`](crate::SyncFile): for people and traces. The hot
/// path uses [`Summary`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Name given when it was merged, or made up by the kernel from driver, timeline and number.
    pub name: String,
    /// Over all fences.
    pub status: Status,
    /// Each fence. The kernel leaves out those of a merged file that had signalled by then.
    pub fences: Vec<FenceInfo>,
}

impl Info {
    pub(crate) fn new(name: Name, fences: &[RawFence]) -> Info {
        let each = |fence: &RawFence| {
            let (driver, timeline) = origin(fence);
            FenceInfo {
                driver: driver.to_string(),
                timeline: timeline.to_string(),
                status: Summary::fold(std::slice::from_ref(fence)).status,
                timestamp_ns: fence.timestamp_ns,
            }
        };
        Info { name: name.to_string(), status: Summary::fold(fences).status, fences: fences.iter().map(each).collect() }
    }
}

/// What a frame needs to know of a [`SyncFile`](crate::SyncFile), from one system call and without
/// the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Over all fences.
    pub status: Status,
    /// When the last of them signalled; 0 while one is active. The kernel's placeholder for
    /// "signalled long ago" has a timestamp from before, so this may be earlier than the commit
    /// that brought the fence.
    pub at: Ns,
    /// Driver of the first active fence, or of the first fence if none is active; newer kernels no
    /// longer know the driver of a fence that has signalled: empty then.
    pub driver: Name,
    /// Timeline of that same fence.
    pub timeline: Name,
    /// How many fences there are.
    pub fences: u32,
    /// True if the active fences come from several drivers.
    pub mixed: bool,
}

impl Summary {
    /// What is known of no fence at all: signalled since ever.
    pub const NONE: Summary = Summary {
        status: Status::Signalled,
        at: 0,
        driver: Name::EMPTY,
        timeline: Name::EMPTY,
        fences: 0,
        mixed: false,
    };

    /// Folds the kernel's list.
    pub fn fold(fences: &[RawFence]) -> Summary {
        let mut summary = Summary { fences: fences.len() as u32, ..Summary::NONE };
        let mut active = false;
        for (index, fence) in fences.iter().enumerate() {
            let first_active = fence.status == 0 && !active;
            if index == 0 || first_active {
                (summary.driver, summary.timeline) = origin(fence);
            }
            if fence.status == 0 {
                summary.mixed |= active && summary.driver != Name(fence.driver);
                active = true;
            }
            summary.at = summary.at.max(fence.timestamp_ns);
            if let (Some(error), Status::Signalled) = (FenceError::from_status(fence.status), summary.status) {
                summary.status = Status::Failed(error);
            }
        }
        if active {
            summary.status = Status::Active;
            summary.at = 0;
        }
        summary
    }
}

/// Driver and timeline; empty if the kernel has detached the fence from them because it has
/// signalled (its placeholders for that are in `dma-fence.c`, since Linux 6.17).
fn origin(fence: &RawFence) -> (Name, Name) {
    match Name(fence.driver).as_str() {
        "detached-driver" if fence.status != 0 => (Name::EMPTY, Name::EMPTY),
        _ => (Name(fence.driver), Name(fence.timeline)),
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    fn fence(driver: &str, status: i32, timestamp_ns: u64) -> RawFence {
        RawFence { driver: Name::new(driver).raw(), timeline: Name::new("t").raw(), status, flags: 0, timestamp_ns }
    }

    #[test]
    fn a_summary_is_folded_from_every_fence() {
        let failed = |errno| Status::Failed(FenceError(Errno::from_raw_os_error(errno)));
        // (fences as driver, status, time) → (status, at, driver, mixed)
        type Case<'a> = (&'a [(&'a str, i32, u64)], Status, u64, &'a str, bool);
        let table: &[Case<'_>] = &[
            (&[], Status::Signalled, 0, "", false),
            (&[("a", 0, 0)], Status::Active, 0, "a", false),
            (&[("a", 1, 7)], Status::Signalled, 7, "a", false),
            (&[("a", 1, 9), ("b", 1, 7)], Status::Signalled, 9, "a", false),
            (&[("a", 1, 7), ("b", 0, 0)], Status::Active, 0, "b", false),
            (&[("a", 0, 0), ("b", 0, 0)], Status::Active, 0, "a", true),
            (&[("a", 0, 0), ("b", 1, 7), ("a", 0, 0)], Status::Active, 0, "a", false),
            // The kernel's own summary says "failed" here although the second one is active.
            (&[("a", -2, 5), ("b", 0, 0)], Status::Active, 0, "b", false),
            (&[("detached-driver", 1, 7)], Status::Signalled, 7, "", false),
            (&[("detached-driver", 0, 0)], Status::Active, 0, "detached-driver", false),
            (&[("a", 1, 5), ("b", -5, 8), ("c", -2, 6)], failed(5), 8, "a", false),
        ];
        for (fences, status, at, driver, mixed) in table {
            let raw: Vec<_> = fences.iter().map(|(driver, status, at)| fence(driver, *status, *at)).collect();
            let summary = Summary::fold(&raw);
            assert_eq!(
                (summary.status, summary.at, summary.driver.as_str(), summary.mixed),
                (*status, *at, *driver, *mixed),
                "{fences:?}"
            );
        }
    }

    #[test]
    fn names_are_cut_at_characters() {
        assert_eq!(Name::new("vgem").as_str(), "vgem");
        let long = "ü".repeat(20);
        assert_eq!(Name::new(&long).as_str(), "ü".repeat(15));
        let mut raw = [b'x'; 32];
        assert_eq!(Name::from(raw).as_str().len(), 32);
        raw[3] = 0xff;
        assert_eq!(Name::from(raw).as_str(), "xxx");
    }
}
