//! udevd and seatd in the guest, so that libinput finds devices and libseat opens them. Each is
//! left out where it is not installed.
//!
//! Never runs the host's udev rules: they take longer than the guest takes to boot, and they are
//! written for hardware.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, mount};

use super::guest_system;
use crate::error::{Context, Error, Result};
use crate::paths;

/// What libinput and udev monitors need to know about the lab's devices; and who may open them.
///
/// `uaccess` is logind's word for the seat's user, and there is no logind: such nodes become that
/// user's. This holds for what systemd's own rules tag (70-uaccess.rules: cards, render nodes,
/// video4linux; udmabuf since 257) and for what systemd or boards' packages give to the group
/// `video` (CEC, DMA heaps). Input devices are left to root: seatd opens them.
const RULES: &str = r#"SUBSYSTEM=="input", IMPORT{builtin}="input_id"
SUBSYSTEM=="input", KERNEL=="event*", TAG+="seat", TAG+="uaccess"
SUBSYSTEM=="drm", KERNEL=="card[0-9]*", TAG+="seat", TAG+="master-of-seat", TAG+="uaccess"
SUBSYSTEM=="drm|video4linux|media|cec|dma_heap", OWNER="seat"
SUBSYSTEM=="misc", KERNEL=="udmabuf", OWNER="seat"
"#;

/// What the rules are about, for the devices that are there before udevd.
const SUBSYSTEMS: [&str; 7] = ["input", "drm", "video4linux", "media", "cec", "dma_heap", "misc"];

/// Where rules are read from besides `/run`; each is covered in the guest.
const RULE_DIRS: [&str; 3] = ["/usr/lib/udev/rules.d", "/lib/udev/rules.d", "/etc/udev/rules.d"];

const SEATD_SOCKET: &str = "/run/seatd.sock";
const PATIENCE: Duration = Duration::from_secs(5);

/// Starts both and returns when both are ready.
pub fn start_all() -> Result<()> {
    let seatd = start_seatd()?;
    if let Some(udevd) = find_udevd() {
        start_udevd(&udevd)?;
    }
    if seatd {
        let end = Instant::now() + PATIENCE;
        while !Path::new(SEATD_SOCKET).exists() {
            if Instant::now() > end {
                return Err(Error::new(format!(
                    "seatd was started in the guest but made no {SEATD_SOCKET} within {PATIENCE:?}"
                )));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
    Ok(())
}

/// `Ok(false)` where it is not installed.
fn start_seatd() -> Result<bool> {
    let Some(seatd) = paths::which("seatd") else { return Ok(false) };
    // The kernel has no virtual terminals, so seats must not be bound to them.
    let arguments = ["-l", "error", "-u", guest_system::SEAT_USER];
    quiet(Command::new(&seatd).args(arguments).env("SEATD_VTBOUND", "0"))
        .spawn()
        .context(format_args!("start {} in the guest", seatd.display()))?;
    Ok(true)
}

fn find_udevd() -> Option<PathBuf> {
    ["/usr/lib/systemd/systemd-udevd", "/lib/systemd/systemd-udevd", "/sbin/udevd"]
        .iter()
        .map(PathBuf::from)
        .find(|file| file.exists())
}

fn start_udevd(udevd: &Path) -> Result<()> {
    for dir in RULE_DIRS.iter().filter(|dir| Path::new(dir).is_dir()) {
        mount("tmpfs", *dir, "tmpfs", MountFlags::empty(), c"mode=0755")
            .context(format_args!("cover {dir} in the guest"))?;
    }
    let rules = Path::new("/run/udev/rules.d");
    fs::create_dir_all(rules).context("create /run/udev/rules.d in the guest")?;
    fs::write(rules.join("10-lab.rules"), RULES).context("write the lab's udev rules")?;

    // With --daemon it returns once it listens, so no event of ours is lost.
    finish(quiet(Command::new(udevd).arg("--daemon")), "udevd")?;
    let Some(udevadm) = paths::which("udevadm") else { return Ok(()) };
    let matches = SUBSYSTEMS.map(|subsystem| format!("--subsystem-match={subsystem}"));
    let trigger = ["trigger", "--action=add", "--settle"];
    finish(quiet(Command::new(&udevadm).args(trigger).args(matches)), "udevadm trigger")
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn finish(command: &mut Command, name: &str) -> Result<()> {
    let status = command.status().context(format_args!("start {name} in the guest"))?;
    if status.success() { Ok(()) } else { Err(Error::new(format!("{name} failed in the guest: {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_name_the_seats_user() {
        assert!(RULES.contains(&format!("OWNER=\"{}\"", guest_system::SEAT_USER)));
    }
}
