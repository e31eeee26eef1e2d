//! What a compositor holds, counted from outside: descriptors by kind from /proc, objects of the
//! kernel from debugfs, and the handles in its DRM files. Two counts can be compared.
//!
//! Needs root. It changes nothing: a DRM file is duplicated, and each possible handle in it is
//! asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::compositor::Compositor;
use crate::error::{Error, Result};
use crate::lab::{self, Objects};
use crate::proc::Process;

/// Handles above this one are not looked for. The kernel gives the lowest free number, so a leak
/// shows below it, too.
const LAST_HANDLE: u32 = 2048;

/// How many there are of each thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held(BTreeMap<String, u64>);

impl Held {
    /// Counts them now. What the kernel does not tell is left out.
    pub fn count(compositor: &Compositor) -> Result<Held> {
        let process = compositor.process();
        let mut held = Held::default();
        let machine = Objects::count(&compositor.card);
        held.enter("dma-bufs", machine.dma_bufs.map(|count| count as u64));
        held.enter("dma-bufs from elsewhere", machine.foreign_dma_bufs.map(|count| count as u64));
        held.enter("bytes in dma-bufs", machine.dma_buf_bytes);
        held.enter("sw_sync timelines", machine.sw_timelines.map(|count| count as u64));
        for (kind, count) in process.fds()? {
            let name = name_of(&kind);
            held.enter(&format!("descriptors of {name}"), Some(count as u64));
            if kind.starts_with("/dev/dri/card") {
                let card = Objects::count(Path::new(&kind));
                held.enter(&format!("framebuffers of {name}"), card.framebuffers.map(|count| count as u64));
                let imported = card.imported_framebuffers;
                held.enter(&format!("imported framebuffers of {name}"), imported.map(|count| count as u64));
            }
        }
        held.handles(process)?;
        Ok(held)
    }

    fn enter(&mut self, name: &str, count: Option<u64>) {
        if let Some(count) = count {
            *self.0.entry(name.to_owned()).or_default() += count;
        }
    }

    /// Enters what there is in the DRM files of a process. GEM handles of render nodes are not
    /// told.
    fn handles(&mut self, process: Process) -> Result<()> {
        let id = i32::try_from(process.0).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| Error::Missing(format!("process {}", process.0)))?;
        let of = pidfd_open(id, PidfdFlags::empty()).map_err(Error::call("pidfd_open"))?;
        for kind in process.fds()?.into_keys().filter(|kind| kind.starts_with("/dev/dri/")) {
            for number in process.fds_of(&kind)? {
                let file = match pidfd_getfd(&of, number as i32, PidfdGetfdFlags::empty()) {
                    Ok(file) => file,
                    // It has been closed meanwhile.
                    Err(Errno::BADF) => continue,
                    Err(errno) => return Err(Error::Call { what: format!("pidfd_getfd of {kind}"), errno }),
                };
                let name = name_of(&kind);
                self.enter(&format!("GEM handles of {name}"), count(file.as_fd(), has_gem));
                self.enter(&format!("syncobjs of {name}"), count(file.as_fd(), has_syncobj));
            }
        }
        Ok(())
    }

    /// What there is more of than in `before` and is allowed by `slack`, which is asked by name.
    pub fn growth(&self, before: &Held, slack: impl Fn(&str) -> u64) -> Vec<String> {
        let more = self.0.iter().map(|(name, is)| (name, before.get(name), *is));
        let more = more.filter(|(name, was, is)| *is > *was + slack(name));
        more.map(|(name, was, is)| format!("{name}: from {was} to {is}")).collect()
    }

    /// The least of each thing in this count and another.
    pub fn least(&self, other: &Held) -> Held {
        Held(self.0.iter().map(|(name, count)| (name.clone(), other.get(name).min(*count))).collect())
    }

    /// The count of one thing, by its name.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(|(name, count)| format!("{name}: {count}")).collect();
        f.write_str(&lines.join(", "))
    }
}

/// A DRM node by the name of its device: cards that come and go change their numbers.
fn name_of(kind: &str) -> String {
    let node = Path::new(kind);
    let what =
        node.file_name().map(|name| name.to_string_lossy().trim_end_matches(|c: char| c.is_ascii_digit()).to_owned());
    match (what, lab::device_of(node)) {
        (Some(what), Some(device)) if kind.starts_with("/dev/dri/") => format!("{what} of {device}"),
        _ => kind.to_owned(),
    }
}

fn count(file: BorrowedFd<'_>, probe: Probe) -> Option<u64> {
    (1..=LAST_HANDLE).try_fold(0, |count, handle| Some(count + u64::from(probe(file, handle)?)))
}

/// Whether a DRM file has a handle; `None`: it does not tell.
type Probe = fn(BorrowedFd<'_>, u32) -> Option<bool>;

/// The offset for a mapping is asked for; the kernel refuses that for the handle of an imported
/// dma-buf, but in another way.
fn has_gem(file: BorrowedFd<'_>, handle: u32) -> Option<bool> {
    answer(drm_ffi::mode::dumbbuffer::map(file, handle, 0, 0))
}

fn has_syncobj(file: BorrowedFd<'_>, handle: u32) -> Option<bool> {
    answer(drm_ffi::syncobj::query(file, &[handle], &mut [0], false))
}

fn answer<T>(asked: std::io::Result<T>) -> Option<bool> {
    match asked.map_err(|error| Errno::from_io_error(&error)) {
        Ok(_) | Err(Some(Errno::INVAL)) => Some(true),
        Err(Some(Errno::NOENT)) => Some(false),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(counts: &[(&str, u64)]) -> Held {
        Held(counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect())
    }

    #[test]
    fn growth_says_what_from_what_and_to_what() {
        let before = held(&[("dma-bufs", 4), ("framebuffers", 2), ("descriptors of socket", 5)]);
        assert_eq!(before.growth(&before, |_| 0), [""; 0]);
        let later = held(&[("dma-bufs", 6), ("framebuffers", 1), ("descriptors of pipe", 1)]);
        let grown = later.growth(&before, |name| u64::from(name == "dma-bufs"));
        assert_eq!(grown, ["descriptors of pipe: from 0 to 1", "dma-bufs: from 4 to 6"]);
        assert_eq!(later.growth(&before, |_| 2), [""; 0]);
        assert_eq!((later.least(&before).get("framebuffers"), later.least(&before).get("dma-bufs")), (1, 4));
    }
}
