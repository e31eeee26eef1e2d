//! In the guest: another distribution's root with the guest's own `/proc`, `/sys`, `/dev` and `/run`
//! in it, where programs run as the seat's user under the compositor outside.
//!
//! The host's folder is mounted read-only, so that no program changes it for the next run. What
//! programs write goes to the tmpfs of `/run` and `/tmp`.

use std::fs;
use std::path::Path;

use rustix::mount::{MountFlags, mount, mount_bind, mount_bind_recursive, mount_remount};

use super::guest_system::{SEAT_HOME, SEAT_UID, SEAT_USER};
use crate::error::{Context, Result};

/// The variable of the job that names the host's folder.
pub const VARIABLE: &str = "SYNCLINE_APPS_ROOT";
/// Where the guest has it; `tests/src/apps.rs` knows it, too.
const PLACE: &str = "/run/apps";
/// The password `lab` of the seat's user, which `tests/tests/apps_lock.rs` types (`openssl passwd -6`).
const PASSWORD: &str =
    "$6$syncline$X4Ty.K5Pmv7DL.Gl9K0w29.hNPc/CVfItyCRU0k5V0UNqDQAlHb96btamT9RhAmZI/pjkGmnQ0Zi3em4KQKCO0";

/// Mounts it.
pub fn mount_root(root: &Path) -> Result<()> {
    let place = Path::new(PLACE);
    fs::create_dir_all(place).context(format_args!("create {PLACE} in the guest"))?;
    mount_bind(root, place).context(format_args!("mount {} in the guest", root.display()))?;
    mount_remount(place, MountFlags::BIND | MountFlags::RDONLY, c"")
        .context(format_args!("make {PLACE} read-only in the guest"))?;
    for dir in ["/proc", "/sys", "/dev"] {
        let at = place.join(&dir[1..]);
        mount_bind_recursive(dir, &at).context(format_args!("mount {} in the guest", at.display()))?;
    }
    // Not recursive: it holds this place itself.
    mount_bind("/run", place.join("run")).context("mount /run for the programs in the guest")?;
    mount("tmpfs", place.join("tmp"), "tmpfs", MountFlags::empty(), c"mode=1777")
        .context("mount /tmp for the programs in the guest")?;
    add_user(place)
}

/// The seat's user with a password. It stands in the list itself, since the file that only root may
/// read belongs to whoever made the root.
fn add_user(place: &Path) -> Result<()> {
    const COPY: &str = "/run/apps-passwd";
    let list = place.join("etc/passwd");
    let all = fs::read_to_string(&list).context(format_args!("read {}", list.display()))?;
    let line = format!("{SEAT_USER}:{PASSWORD}:{SEAT_UID}:{SEAT_UID}:the seat's user:{SEAT_HOME}:/bin/sh\n");
    fs::write(COPY, all + &line).context(format_args!("write {COPY}"))?;
    mount_bind(COPY, &list).context(format_args!("cover {} in the guest", list.display()))
}

/// The words before a command that is to run in the root as the seat's user.
pub fn enter() -> Vec<String> {
    let user = format!("--userspec={SEAT_UID}:{SEAT_UID}");
    let home = format!("HOME={SEAT_HOME}");
    let runtime = format!("XDG_RUNTIME_DIR={}", super::guest_system::SEAT_RUNTIME_DIR);
    ["chroot", &user, "--groups=", PLACE, "env", "-u", "XDG_CACHE_HOME", &home, &runtime].map(str::to_owned).to_vec()
}
