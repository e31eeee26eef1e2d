//! One CEC adapter, `/dev/cecN`: what it is, which connector it belongs to.
//!
//! Reading it needs no mode and does not disturb its user.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::ioctl;
use crate::CallError;
use crate::id::ConnectorId;

/// The physical address of an adapter without a display.
pub const UNKNOWN_ADDRESS: u16 = 0xffff;

/// `CEC_CAP_PHYS_ADDR`: the physical address is for us to set.
const CAP_PHYS_ADDR: u32 = 1;
/// `CEC_CONNECTOR_TYPE_DRM`.
const CONNECTOR_DRM: u32 = 1;

/// An open adapter; closed on drop.
#[derive(Debug)]
pub struct Adapter {
    fd: OwnedFd,
    path: PathBuf,
}

/// The connector that an adapter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrmConnector {
    /// N of `/dev/dri/cardN`.
    pub card: u32,
    /// Object id of the connector.
    pub connector: ConnectorId,
}

/// What an adapter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdapterInfo {
    /// `/dev/cecN`.
    pub path: PathBuf,
    /// Its driver.
    pub driver: String,
    /// Its name, of which a driver has one only.
    pub name: String,
    /// `CEC_CAP_*`.
    pub capabilities: u32,
    /// Where it is on the wire; [`UNKNOWN_ADDRESS`] without a display.
    pub physical_address: u16,
    /// Logical addresses that somebody has claimed on it, a bit each.
    pub logical_addresses: u16,
    /// Its connector; `None` for USB dongles and test drivers.
    pub connector: Option<DrmConnector>,
}

impl AdapterInfo {
    /// Whether the physical address is for us to set (USB dongles), from the display's EDID.
    pub fn wants_address(&self) -> bool {
        self.capabilities & CAP_PHYS_ADDR != 0
    }
}

impl Adapter {
    /// Opens an adapter, non-blocking. Errors: ENOENT, EACCES (group `video`), ENODEV or ENXIO
    /// (gone).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CallError> {
        let path = path.as_ref().to_owned();
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let fd = rustix::fs::open(&path, flags, Mode::empty())
            .map_err(|errno| CallError::new("open", path.display(), errno))?;
        Ok(Self { fd, path })
    }

    /// Takes over an adapter that a seat manager opened; it is closed on drop. `path` is for
    /// messages.
    pub fn from_fd(fd: OwnedFd, path: impl AsRef<Path>) -> Result<Self, CallError> {
        let path = path.as_ref().to_owned();
        let flags = rustix::fs::fcntl_getfl(&fd).map_err(|errno| CallError::new("F_GETFL", path.display(), errno))?;
        rustix::fs::fcntl_setfl(&fd, flags | OFlags::NONBLOCK)
            .map_err(|errno| CallError::new("F_SETFL", path.display(), errno))?;
        Ok(Self { fd, path })
    }

    /// Paths of all adapters, in order of their numbers.
    pub fn paths() -> Vec<PathBuf> {
        let number = |name: &str| name.strip_prefix("cec").and_then(|digits| digits.parse::<u32>().ok());
        let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
        let mut found: Vec<(u32, PathBuf)> =
            entries.filter_map(|entry| Some((number(entry.file_name().to_str()?)?, entry.path()))).collect();
        found.sort();
        found.into_iter().map(|(_, path)| path).collect()
    }

    /// The adapter of connector `connector` of `/dev/dri/card<card>`; `None` where there is none
    /// that may be opened.
    pub fn of_connector(card: u32, connector: ConnectorId) -> Option<Self> {
        let wanted = Some(DrmConnector { card, connector });
        let adapters = Self::paths().into_iter().filter_map(|path| Self::open(path).ok());
        adapters.into_iter().find(|adapter| adapter.connector().is_ok_and(|found| found == wanted))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The connector that it belongs to, as far as the kernel knows (Linux 5.5).
    pub fn connector(&self) -> Result<Option<DrmConnector>, CallError> {
        match ioctl::connector(self.as_fd()) {
            Ok(info) if info.kind == CONNECTOR_DRM => {
                Ok(Some(DrmConnector { card: info.raw[0], connector: ConnectorId::from_raw(info.raw[1]) }))
            }
            Ok(_) | Err(Errno::NOTTY) => Ok(None),
            Err(errno) => Err(self.error("CEC_ADAP_G_CONNECTOR_INFO", errno)),
        }
    }

    /// What it says of itself. Errors: ENODEV (gone), ENOTTY (no CEC adapter).
    pub fn info(&self) -> Result<AdapterInfo, CallError> {
        let caps = ioctl::caps(self.as_fd()).map_err(|errno| self.error("CEC_ADAP_G_CAPS", errno))?;
        let addrs = ioctl::log_addrs(self.as_fd()).map_err(|errno| self.error("CEC_ADAP_G_LOG_ADDRS", errno))?;
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes.split(|&byte| byte == 0).next().unwrap_or_default()).into_owned()
        };
        Ok(AdapterInfo {
            path: self.path.clone(),
            driver: text(&caps.driver),
            name: text(&caps.name),
            capabilities: caps.capabilities,
            physical_address: self.physical_address()?,
            logical_addresses: addrs.log_addr_mask,
            connector: self.connector()?,
        })
    }

    /// Where it is on the wire; [`UNKNOWN_ADDRESS`] without a display.
    pub fn physical_address(&self) -> Result<u16, CallError> {
        ioctl::physical_address(self.as_fd()).map_err(|errno| self.error("CEC_ADAP_G_PHYS_ADDR", errno))
    }

    /// Puts it at an address, which for a source is that in the display's EDID. Errors: ENOTTY (its
    /// driver does that itself), EINVAL (no valid address), EBUSY (another program has it for
    /// itself).
    pub fn set_physical_address(&self, address: u16) -> Result<(), CallError> {
        ioctl::set_physical_address(self.as_fd(), address).map_err(|errno| self.error("CEC_ADAP_S_PHYS_ADDR", errno))
    }

    pub(super) fn error(&self, call: &'static str, errno: Errno) -> CallError {
        CallError::new(call, self.path.display(), errno)
    }
}

impl AsFd for Adapter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
