//! One card: a display device of the session, what it can do, and what its displays showed before.
//!
//! An output lives on the card of its [`kms::Output`]; object ids mean something only together with the card, which is named by
//! its device's serial. It never renders, and lights nothing.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use kms::{Device, Inventory};
use rustix::io::Errno;

use super::{Leaving, recover::Known};
use crate::{error::Error, session::Session};

/// A display device with everything that lives as long as it is the session's.
#[derive(Debug)]
pub struct Card {
    /// Works with a duplicate of the seat's descriptor.
    pub device: Device,
    pub inventory: Inventory,
    /// What it cannot do.
    pub known: Known,
    /// The node's device number, as udev names it.
    pub node: u64,
    /// A commit or a read was answered with ENODEV: see [`crate::state::Syncline::drop_gone_cards`].
    pub(super) gone: bool,
    /// Its displays have changed while the session did not have its VT: the kernel looks at connectors for the master only.
    pub(super) stale: bool,
    /// A display could not be lit because the CRTC or a plane was busy: when to try again, and how often that was done.
    pub(super) again: Option<(fence::Ns, u32)>,
    /// Displays that are gone, until the flip that turns them off: nobody else can have their CRTCs before.
    pub(super) leaving: Vec<Leaving>,
    saved: Option<kms::SavedState>,
    /// What the seat gave; goes back to it when the card leaves.
    held: OwnedFd,
}

/// An open device that is not the session's yet.
#[derive(Debug)]
pub struct Found {
    pub device: Device,
    pub inventory: Inventory,
    held: OwnedFd,
}

impl Found {
    /// Opens a device, becomes its master and reads what it has. Errors: no such node, no permission, no atomic mode setting, another
    /// program is its master.
    pub fn open(session: &mut Session, path: &Path) -> Result<Self, Error> {
        let held = session.open_device(path)?;
        match Self::look(&held, path) {
            Ok((device, inventory)) => Ok(Self { device, inventory, held }),
            Err(reason) => {
                session.close_device(held);
                Err(Error::Device { path: path.to_owned(), reason })
            }
        }
    }

    fn look(held: &OwnedFd, path: &Path) -> Result<(Device, Inventory), String> {
        let fd = held.try_clone().map_err(|e| e.to_string())?;
        let device =
            Device::from_fd(fd, path).map_err(|e| format!("is no display device with atomic mode setting: {e}"))?;
        device.acquire_master().map_err(|e| match e.errno {
            Errno::BUSY | Errno::ACCESS | Errno::INVAL => {
                "is busy: another program is its DRM master; stop that display server, then try again".into()
            }
            _ => e.to_string(),
        })?;
        let inventory = device.inventory().map_err(|e| e.to_string())?;
        Ok((device, inventory))
    }

    /// Whether a display is plugged in.
    pub fn has_display(&self) -> bool {
        self.inventory.connected().next().is_some()
    }

    /// What to say of one without.
    pub fn no_display(&self) -> Error {
        let reason = "no display is connected to it; plug one in, or name another device with --device";
        Error::Device { path: self.device.path().to_owned(), reason: reason.into() }
    }

    /// Gives it back.
    pub fn close(self, session: &mut Session) {
        drop(self.device);
        session.close_device(self.held);
    }
}

impl Card {
    /// Takes a device into the session: remembers what its displays show, to be put back. Says once in the log what is known of its driver.
    pub fn new(found: Found) -> Self {
        let Found { device, inventory, held } = found;
        let saved = Some(device.save_state(&inventory));
        let node = rustix::fs::fstat(&device).map_or(0, |stat| stat.st_rdev);
        let known = Known::new(&device);
        Self {
            device,
            inventory,
            known,
            node,
            gone: false,
            stale: false,
            again: None,
            leaving: Vec::new(),
            saved,
            held,
        }
    }

    /// The kernel's name of its driver, and thus of its fences.
    pub fn driver(&self) -> &str {
        self.device.driver()
    }

    /// See [`Device::serial`].
    pub fn serial(&self) -> kms::CardSerial {
        self.device.serial()
    }

    /// Number of its node, `/dev/dri/cardN`.
    pub fn number(&self) -> Option<u32> {
        number(self.device.path())
    }

    /// Puts the console's picture back, once; its outputs are gone. Nothing is done where that would wait: `stuck` says that a commit waits for
    /// a fence.
    pub(super) fn restore_console(&mut self, stuck: bool) {
        // What is on its way off is off at the next vblank; what is not yet waits for the commit before.
        let leaving = self.leaving.iter().any(|leaving| !leaving.kms.needs_modeset());
        self.leaving.clear();
        let Some(saved) = self.saved.take() else { return };
        let path = self.device.path().display();
        if self.gone {
            return;
        }
        if stuck || leaving {
            // Putting it back would wait for the fence. The kernel does it itself when the device is closed and the fence is over.
            tracing::warn!("{path}: a commit waits for a fence: the console's picture is left to the kernel");
            return;
        }
        match saved.restore() {
            Ok(restored) => tracing::debug!("{path}: console: {restored:?}"),
            Err(error) => tracing::warn!("{path}: the console's picture could not be put back: {error}"),
        }
    }

    /// Gives the device back to the seat.
    pub(super) fn close(mut self, session: &mut Session) {
        // It keeps the device open.
        self.saved = None;
        drop((self.leaving, self.device));
        session.close_device(self.held);
    }
}

fn number(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_prefix("card")?.parse().ok()
}

/// Whether a node is a display device's own, and not one for rendering.
pub fn is_card(node: &Path) -> bool {
    number(node).is_some()
}

/// The nodes of all display devices.
pub fn nodes() -> Vec<PathBuf> {
    let Ok(dir) = std::fs::read_dir("/dev/dri") else { return Vec::new() };
    dir.flatten().map(|entry| entry.path()).filter(|path| is_card(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_primary_nodes_are_cards() {
        assert_eq!(number(Path::new("/dev/dri/card12")), Some(12));
        for other in ["/dev/dri/renderD128", "/dev/dri/card", "/dev/dri/cardX", "/dev/dri/by-path"] {
            assert_eq!(number(Path::new(other)), None, "{other}");
        }
    }
}
