//! What the lab tests share: the lab's devices, the clock, and counts of open file descriptors.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{fs::File, os::fd::OwnedFd, path::Path};

use fence::{Ns, SwTimeline, SyncDevice, SyncFile, Timeline};
use rustix::io::Errno;

/// One millisecond.
pub const MS: Ns = 1_000_000;

/// Opens the DRM device whose parent device has this name (`vkms`, `vgem`): card numbers differ from boot to boot.
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

/// True if the kernel has printed a warning with a stack trace since it booted.
pub fn kernel_warned() -> bool {
    let log = std::process::Command::new("dmesg").output().expect("dmesg runs");
    String::from_utf8_lossy(&log.stdout).contains("WARNING:")
}
