//! What the lab tests share: the lab's devices, the clock, and counts of open file descriptors.
#![allow(dead_code, reason = "each test binary uses its own part")]

mod ioctl;

use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use fence::{Ns, SwTimeline, SyncDevice, SyncFile, Timeline};
use rustix::{
    event::{
        PollFd, PollFlags, Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
        poll as poll_fds,
    },
    io::Errno,
};

/// One millisecond.
pub const MS: Ns = 1_000_000;

/// Opens the DRM device whose parent device has this name (`vkms`, `vgem`): card numbers differ
/// from boot to boot.
pub fn drm(name: &str) -> OwnedFd {
    for entry in std::fs::read_dir("/sys/class/drm").expect("the lab has DRM devices").flatten() {
        let card = entry.file_name().into_string().expect("sysfs names are ASCII");
        if !card.starts_with("card") || card.contains('-') {
            continue;
        }
        let parent = std::fs::canonicalize(entry.path().join("device")).expect("a card has a device");
        if parent.file_name() == Some(name.as_ref()) {
            let path = Path::new("/dev/dri").join(card);
            return File::options().read(true).write(true).open(path).expect("a card opens").into();
        }
    }
    panic!("the lab has no {name}");
}

/// vkms as a device of syncobjs.
pub fn device() -> SyncDevice {
    let device = SyncDevice::new(drm("vkms")).expect("vkms is a DRM device");
    device.require().expect("the lab's vkms has timelines");
    device
}

/// A new timeline and, as its client would have it, a second handle for the same syncobj.
pub fn shared() -> (Timeline, Timeline) {
    let ours = device().create_timeline().unwrap();
    let client = device().import_timeline(std::os::fd::AsFd::as_fd(&ours.export_fd().unwrap())).unwrap();
    (ours, client)
}

/// A timeline of sw_sync.
pub fn sw() -> SwTimeline {
    SwTimeline::open().expect("the lab has sw_sync")
}

/// A fence that has failed with ENOENT.
pub fn failed() -> SyncFile {
    let timeline = sw();
    let fence = timeline.fence(1, "failed").unwrap();
    drop(timeline);
    fence
}

/// What the failed fences here fail with.
pub const GONE: fence::FenceError = fence::FenceError(Errno::NOENT);

fn timespec(ns: Ns) -> Timespec {
    Timespec { tv_sec: (ns / 1_000_000_000) as i64, tv_nsec: (ns % 1_000_000_000) as _ }
}

/// Index of the first of these that becomes readable within `timeout` nanoseconds.
pub fn poll(fds: &[BorrowedFd<'_>], timeout: Ns) -> Option<usize> {
    let mut fds: Vec<_> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    poll_fds(&mut fds, Some(&timespec(timeout))).expect("poll");
    fds.iter().position(|fd| !fd.revents().is_empty())
}

/// An event loop's epoll: each file descriptor is reported once.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Epoll {
    pub fn new() -> Epoll {
        Epoll(epoll::create(CreateFlags::CLOEXEC).expect("epoll_create1"))
    }

    pub fn add(&self, fd: impl AsFd, token: u64) {
        let flags = EventFlags::IN | EventFlags::ONESHOT;
        epoll::add(&self.0, fd, EventData::new_u64(token), flags).expect("EPOLL_CTL_ADD");
    }

    pub fn remove(&self, fd: impl AsFd) {
        epoll::delete(&self.0, fd).expect("EPOLL_CTL_DEL");
    }

    /// The tokens of what is ready within `timeout` nanoseconds, at most 64.
    pub fn wait(&self, timeout: Ns) -> Vec<u64> {
        let mut events = [Event { flags: EventFlags::empty(), data: EventData::new_u64(0) }; 64];
        let count = epoll::wait(&self.0, &mut events[..], Some(&timespec(timeout))).expect("epoll_wait");
        events[..count].iter().map(|event| event.data.u64()).collect()
    }
}

/// How many file descriptors this process has.
pub fn open_fds() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Takes every file descriptor there is, gives `run` a world without any, and puts them back.
pub fn without_fds<T>(run: impl FnOnce() -> T) -> T {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let before = getrlimit(Resource::Nofile);
    let mut held: Vec<File> = Vec::new();
    setrlimit(Resource::Nofile, Rlimit { current: Some(256), ..before }).unwrap();
    while let Ok(file) = File::open("/dev/null") {
        held.push(file);
    }
    let result = run();
    drop(held);
    setrlimit(Resource::Nofile, before).unwrap();
    result
}

/// A file descriptor that is not open, and its number.
///
/// The highest that the limit allows: nothing in this process is opened with that number, so no
/// test beside is disturbed.
pub fn closed_fd() -> (std::os::fd::BorrowedFd<'static>, i32) {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1024);
    ioctl::borrow(limit as i32 - 1)
}

/// Bytes that the kernel has in objects that it cannot reclaim: fences, links of chains, syncobjs,
/// files and eventfds are among them.
pub fn kernel_bytes() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").expect("/proc is mounted");
    let line = info.lines().find_map(|line| line.strip_prefix("SUnreclaim:")).expect("the kernel counts its slabs");
    let kib = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number of kB");
    kib * 1024
}

/// How many timelines of sw_sync there are: one lives as long as any of its fences.
pub fn sw_timelines() -> usize {
    let info = std::fs::read_to_string("/sys/kernel/debug/sync/info").expect("the lab has debugfs");
    let timelines = info.split("fences:").next().unwrap_or_default();
    timelines.lines().filter(|line| line.contains(": ") && !line.starts_with([' ', '-'])).count()
}

/// True if the kernel has printed a warning with a stack trace since it booted.
pub fn kernel_warned() -> bool {
    let log = std::process::Command::new("dmesg").output().expect("dmesg runs");
    String::from_utf8_lossy(&log.stdout).contains("WARNING:")
}
