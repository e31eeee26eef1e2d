//! What the guest's system needs before anything runs in it: file systems, device links; and how it is brought to rest.
//!
//! Never touches the host's file system: everything here is mounted in the guest's own mount table, except that missing mount points in
//! `/dev` and `/run` are made on file systems of the guest's own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::mount::{MountFlags, mount};
use rustix::process::{Pid, Signal};

use crate::error::{Context, Result};

/// The guest's XDG_RUNTIME_DIR, on a tmpfs: sockets of Wayland live here.
pub const RUNTIME_DIR: &str = "/run/user/0";

/// Kind, mount point, options. In this order; the later ones lie on the earlier ones.
const MOUNTS: &[(&str, &str, &str)] = &[
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", "mode=0755"),
    ("devpts", "/dev/pts", "mode=0620,ptmxmode=0666"),
    ("tmpfs", "/dev/shm", "mode=1777"),
    ("tmpfs", "/run", "mode=0755"),
    ("debugfs", "/sys/kernel/debug", ""),
    ("tracefs", "/sys/kernel/tracing", ""),
    ("configfs", "/sys/kernel/config", ""),
];

/// Mounts [`MOUNTS`]; what the kernel was built without is left out, anything else that fails is an error.
pub fn mount_all() -> Result<()> {
    for (kind, point, options) in MOUNTS {
        if point.starts_with("/dev/") {
            fs::create_dir_all(point).context(format_args!("create {point} in the guest"))?;
        }
        let options = std::ffi::CString::new(*options).unwrap_or_default();
        match mount(*kind, *point, *kind, MountFlags::empty(), options.as_c_str()) {
            Err(rustix::io::Errno::NODEV) => {}
            done => done.context(format_args!("mount {kind} on {point} in the guest"))?,
        }
    }
    for (name, target) in [("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")] {
        let link = Path::new("/dev").join(name);
        if !link.exists() {
            let target = format!("/proc/self/{target}");
            symlink(&target, &link).context(format_args!("link {} to {target} in the guest", link.display()))?;
        }
    }
    fs::create_dir_all(RUNTIME_DIR).context(format_args!("create {RUNTIME_DIR} in the guest"))?;
    fs::set_permissions(RUNTIME_DIR, fs::Permissions::from_mode(0o700)).context(format_args!("close {RUNTIME_DIR}"))
}

/// Ends every other process and writes what is dirty to the host's files, so that nothing is lost when the guest is killed.
pub fn end_everything() {
    kill_all(Signal::KILL);
    rustix::fs::sync();
}

/// Signals every process but this one; threads of the kernel ignore it.
fn kill_all(signal: Signal) {
    let Ok(processes) = std::fs::read_dir("/proc") else { return };
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    for pid in pids.filter(|pid| *pid > 1).filter_map(Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}
