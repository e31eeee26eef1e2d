//! The first steps before drawing on a display: opens the device, becomes its master, chooses the
//! mode. Where a step is refused, the error says what a person can do.
//!
//! It looks for no devices ([`crate::nodes`] lists them), asks no seat manager and sets no mode.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode as FileMode, OFlags};
use rustix::io::Errno;

use crate::inventory::Connector;
use crate::{Device, Inventory, Mode, ModeRequest};

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

/// Becomes the DRM master of an open device and reads what it has. `fd` is closed with the device,
/// or here on an error; `path` is its node.
///
/// Errors: the device has no atomic mode setting; another program is its master.
pub fn to_draw(fd: OwnedFd, path: &Path) -> Result<(Device, Inventory), OpenError> {
    let unusable = |reason: String| OpenError::unusable(path, reason);
    let device = Device::from_fd(fd, path)
        .map_err(|error| unusable(format!("is no display device with atomic mode setting: {error}")))?;
    device.acquire_master().map_err(|error| match error.errno {
        Errno::BUSY | Errno::ACCESS | Errno::INVAL => OpenError::unusable(
            path,
            "is busy: another program is its DRM master; stop that display server, then try again",
        ),
        _ => unusable(error.to_string()),
    })?;
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
}
