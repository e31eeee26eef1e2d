//! What the guest's system needs before anything runs in it: file systems, device links; and how it
//! is shut down.
//!
//! Never touches the host's file system: everything here is mounted in the guest's own mount table,
//! except that missing mount points in `/dev` and `/run` are made on file systems of the guest's
//! own.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;

use rustix::mount::{MountFlags, mount, mount_bind};
use rustix::process::{Pid, Signal};

use crate::error::{Context, Result};

/// The guest's XDG_RUNTIME_DIR, on a tmpfs: sockets of Wayland live here.
pub const RUNTIME_DIR: &str = "/run/user/0";

/// Whose session the guest's seat is: the compositor under test runs as this user, as it does on a
/// desk.
pub const SEAT_USER: &str = "seat";
/// Of the user and of a group of the same name; there are no other groups.
pub const SEAT_UID: u32 = 1000;
/// The user's XDG_RUNTIME_DIR; logind would make it.
pub const SEAT_RUNTIME_DIR: &str = "/run/user/1000";
/// The user's home.
pub const SEAT_HOME: &str = "/run/home";

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
    ("securityfs", "/sys/kernel/security", ""),
];

/// Mounts [`MOUNTS`]; what the kernel was built without is left out, anything else that fails is an
/// error.
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
    make_private(RUNTIME_DIR, 0)?;
    make_private(SEAT_RUNTIME_DIR, SEAT_UID)?;
    make_private(SEAT_HOME, SEAT_UID)?;
    add_seat_user()
}

/// A folder that is one user's alone.
fn make_private(dir: &str, user: u32) -> Result<()> {
    fs::create_dir_all(dir).context(format_args!("create {dir} in the guest"))?;
    chown(dir, Some(user), Some(user)).context(format_args!("give {dir} to user {user}"))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).context(format_args!("close {dir}"))
}

/// Makes [`SEAT_USER`] known to seatd and udevd, in the guest's own copy of the host's list.
fn add_seat_user() -> Result<()> {
    const LIST: &str = "/etc/passwd";
    const COPY: &str = "/run/passwd";
    let all = fs::read_to_string(LIST).context("read the list of users")?;
    fs::write(COPY, with_seat_user(&all)).context(format_args!("write {COPY}"))?;
    mount_bind(COPY, LIST).context(format_args!("cover {LIST} in the guest"))
}

/// The list with the seat's user, who takes the place of those of the same name or number.
fn with_seat_user(list: &str) -> String {
    let number = SEAT_UID.to_string();
    let other = |line: &&str| {
        let fields: Vec<&str> = line.split(':').collect();
        fields.first() != Some(&SEAT_USER) && fields.get(2) != Some(&number.as_str())
    };
    let mut all: Vec<String> = list.lines().filter(other).map(str::to_owned).collect();
    all.push(format!("{SEAT_USER}:x:{SEAT_UID}:{SEAT_UID}:the seat's user:{SEAT_HOME}:/bin/sh"));
    all.join("\n") + "\n"
}

/// Ends every other process and writes what is dirty to the host's files, so that nothing is lost
/// when the guest is killed.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seats_user_is_the_only_one_of_that_name_and_number() {
        let host = "root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\nseat:x:7:7::/:/bin/false\n";
        let seat = "seat:x:1000:1000:the seat's user:/run/home:/bin/sh\n";
        assert_eq!(with_seat_user(host), format!("root:x:0:0::/root:/bin/sh\n{seat}"));
        assert_eq!(with_seat_user(&with_seat_user("")), seat);
        assert!(SEAT_RUNTIME_DIR.ends_with(&format!("/{SEAT_UID}")));
    }
}
