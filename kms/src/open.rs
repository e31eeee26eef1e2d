//! The first steps before drawing on a display: opens the device, becomes its master, chooses the
//! mode. Where a step is refused, the error says what a person can do.
//!
//! It looks for no devices ([`crate::nodes`] lists them), asks no seat manager and sets no mode.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode as FileMode, OFlags};
use rustix::io::Errno;

use crate::device::Driver;
use crate::inventory::Connector;
use crate::{CallError, Device, Inventory, Mode, ModeRequest};

/// Why a display device cannot be used as asked. The message says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is no DRM device at all.
    #[error(
        "no display device: there is no /dev/dri/card*; load the GPU's kernel driver (or `modprobe vkms` for a virtual one)"
    )]
    NoDevice,
    /// The device exists or was asked for, but cannot show anything.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// The node that was tried.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The connector has no such mode.
    #[error("{connector} has no mode {wanted}; it offers {offered}")]
    NoMode {
        /// The connector's name.
        connector: String,
        /// The request, or `preferred`.
        wanted: String,
        /// The connector's modes.
        offered: String,
    },
}

impl OpenError {
    /// The node `path` cannot be used for `reason`.
    pub fn unusable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), reason: reason.into() }
    }

    /// `open(2)` of `path`, or the seat manager in its stead, answered `errno`.
    pub fn refused(path: &Path, errno: Errno) -> Self {
        let advice = match errno {
            Errno::NOENT | Errno::NODEV | Errno::NXIO => "there is no such device; `ls /dev/dri` shows those that are",
            Errno::ACCESS => "run within a seat (seatd, logind) or as root",
            Errno::PERM => {
                "it is busy with another session of the seat, or not of this seat: end that session or switch to its VT"
            }
            Errno::BUSY => "it is busy: another program uses it; stop that display server",
            _ => "see the kernel's log",
        };
        let error = std::io::Error::from(errno);
        Self::unusable(path, format!("cannot be opened: {error}; {advice}"))
    }

    /// No display is connected to the device `path`.
    pub fn no_display(path: &Path) -> Self {
        Self::unusable(path, "no display is connected to it; plug one in, or name another device with --device")
    }
}

/// Opens a node for reading and writing, non-blocking. The caller owns the descriptor.
pub fn open(path: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK, FileMode::empty())
}

/// Who has opened a device, and so who makes it the DRM master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenedBy {
    /// A seat manager (seatd, logind): it has called SET_MASTER, or could not and has kept that to
    /// itself.
    Seat,
    /// This process.
    Us,
}

/// Makes sure that an open device has its DRM master here, and reads what it has. `fd` is closed
/// with the device, or here on an error; `path` is its node.
///
/// Errors: the device has no atomic mode setting; another program is its master.
pub fn to_draw(fd: OwnedFd, path: &Path, by: OpenedBy) -> Result<(Device, Inventory), OpenError> {
    let unusable = |reason: String| OpenError::unusable(path, reason);
    let driver = Driver::of(fd.as_fd()).map(|driver| driver.name).unwrap_or_default();
    let device = Device::from_fd(fd, path).map_err(|error| unusable(no_atomic(&driver, &error)))?;
    let holder = || crate::holder::of_display(path);
    match by {
        OpenedBy::Seat if device.is_master() => {}
        OpenedBy::Seat => return Err(unusable(not_master(None, holder()))),
        OpenedBy::Us => device.acquire_master().map_err(|error| unusable(not_master(Some(error.errno), holder())))?,
    }
    let inventory = device.inventory().map_err(|error| unusable(error.to_string()))?;
    Ok((device, inventory))
}

/// The mode that is asked for, else the one that the display prefers. Error: the connector has no
/// such mode.
pub fn choose_mode(connector: &Connector, request: Option<ModeRequest>) -> Result<&Mode, OpenError> {
    connector.mode_for(request).ok_or_else(|| {
        let mut offered: Vec<String> = connector.modes.iter().map(ToString::to_string).collect();
        offered.dedup();
        OpenError::NoMode {
            connector: connector.name.clone(),
            wanted: request.map_or_else(|| "preferred".to_owned(), |request| request.to_string()),
            offered: if offered.is_empty() { "none".to_owned() } else { offered.join(", ") },
        }
    })
}

/// Why a device cannot be used that refuses atomic mode setting, and what to do.
fn no_atomic(driver: &str, error: &CallError) -> String {
    match (error.errno, legacy_hint(driver)) {
        (Errno::NODEV | Errno::NXIO, _) => format!("was unplugged: {error}"),
        (Errno::OPNOTSUPP | Errno::INVAL, Some(hint)) => {
            format!("its driver {driver} has no atomic mode setting as it was loaded; {hint}")
        }
        (Errno::OPNOTSUPP, None) => {
            let name = if driver.is_empty() { String::new() } else { format!(" {driver}") };
            format!("is no display device with atomic mode setting: its driver{name} has none; name another device")
        }
        // `DRM_CLIENT_CAP_ATOMIC` came with Linux 4.2.
        (Errno::INVAL, None) => format!(
            "is no display device with atomic mode setting: {error}; the kernel may be too old, Linux 4.2 or newer \
             is needed"
        ),
        _ => format!("is no display device with atomic mode setting: {error}"),
    }
}

/// How a driver that has only legacy mode setting by default gets the atomic one, or which other
/// driver has it.
pub fn legacy_hint(driver: &str) -> Option<&'static str> {
    let hints = [
        ("nouveau", "boot with nouveau.atomic=1"),
        ("i915", "boot with i915.nuclear_pageflip=1 (GPUs before 2013)"),
        (
            "radeon",
            "for GCN GPUs boot with amdgpu.si_support=1 radeon.si_support=0 amdgpu.cik_support=1 radeon.cik_support=0; \
             older ones have none",
        ),
        ("nvidia-drm", "load it with nvidia-drm.modeset=1"),
        // Its name in sysfs.
        ("nvidia", "load it with nvidia-drm.modeset=1"),
    ];
    hints.into_iter().find(|(name, _)| *name == driver).map(|(_, hint)| hint)
}

/// Why a device is of no use, and what to do: what SET_MASTER was answered with, or `None` where
/// the seat's manager was to call it; `holder` is who has the device open.
fn not_master(errno: Option<Errno>, holder: Option<String>) -> String {
    let who = |nobody: &str| holder.clone().unwrap_or_else(|| nobody.to_owned());
    match errno {
        None => format!(
            "is busy: the seat's manager could not make this session its DRM master, {} has it open; stop the display \
             server that is, or switch to this session's VT, then try again",
            who("another program")
        ),
        // EINVAL is what older kernels say.
        Some(Errno::BUSY | Errno::INVAL) => {
            format!(
                "is busy: {} has it open and is its DRM master; stop that display server, then try again",
                who("another program")
            )
        }
        // The first one to open a device is its master and may always ask; this is somebody who
        // came later and has no rights to wait for.
        Some(Errno::ACCESS) => format!(
            "permission denied to become its DRM master: {} had it open before; stop that display server, or run \
             within a seat (seatd, logind)",
            who("another program")
        ),
        Some(errno) => format!("cannot become its DRM master: {errno}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_do() {
        let says = |errno| OpenError::refused(Path::new("/dev/dri/card7"), errno).to_string();
        assert!(says(Errno::NOENT).starts_with("/dev/dri/card7: cannot be opened: No such file"));
        assert!(says(Errno::NOENT).contains("ls /dev/dri"));
        assert!(says(Errno::ACCESS).contains("seatd"));
        assert!(says(Errno::BUSY).contains("busy"));
        assert!(says(Errno::PERM).contains("busy"));
    }

    #[test]
    fn a_driver_without_atomic_mode_setting_gets_a_hint() {
        let table = [
            ("nouveau", Errno::OPNOTSUPP, "nouveau.atomic=1"),
            ("nouveau", Errno::INVAL, "nouveau.atomic=1"),
            ("i915", Errno::OPNOTSUPP, "i915.nuclear_pageflip=1"),
            ("radeon", Errno::OPNOTSUPP, "amdgpu.si_support=1"),
            ("nvidia-drm", Errno::OPNOTSUPP, "nvidia-drm.modeset=1"),
            ("vgem", Errno::OPNOTSUPP, "driver vgem has none"),
            ("", Errno::OPNOTSUPP, "name another device"),
            ("vkms", Errno::INVAL, "too old"),
            ("vkms", Errno::NODEV, "was unplugged"),
            ("vkms", Errno::IO, "DRM_IOCTL_SET_CLIENT_CAP"),
        ];
        for (driver, errno, says) in table {
            let text = no_atomic(driver, &CallError::new("DRM_IOCTL_SET_CLIENT_CAP", "/dev/dri/card7", errno));
            assert!(text.contains(says) && !text.contains('\n'), "{driver}, {errno:?}: {text}");
        }
    }

    #[test]
    fn what_keeps_us_from_being_master_is_told_apart() {
        for (errno, says, but_not) in [
            (None, "seat's manager", "permission denied"),
            (Some(Errno::BUSY), "is busy: another program has it open", "permission"),
            (Some(Errno::INVAL), "is busy: another program has it open", "permission"),
            (Some(Errno::ACCESS), "permission denied", "busy"),
            (Some(Errno::NODEV), "No such device", "busy"),
        ] {
            let text = not_master(errno, None);
            assert!(text.contains(says) && !text.contains(but_not), "{errno:?}: {text}");
            let named = not_master(errno, Some("Xorg (process 77)".to_owned()));
            assert!(errno == Some(Errno::NODEV) || named.contains("Xorg (process 77)"), "{errno:?}: {named}");
        }
    }
}
