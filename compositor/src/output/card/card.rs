//! One card: a display device of the session, what it can do, and what its displays showed before.
//!
//! An output lives on the card of its [`kms::Output`]; object ids mean something only together with the card, which is named by
//! its device's serial. It never renders, and lights nothing.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use fence::SyncDevice;
use kms::{Device, Inventory, OpenError};
use rustix::io::Errno;

use crate::{
    output::card::{leaving::Leaving, light::user_data, limits::CardLimits},
    system::{error::Error, seat::Session},
};

/// A display device with everything that lives as long as it is the session's.
#[derive(Debug)]
pub struct Card {
    /// Works with a duplicate of the seat's descriptor.
    pub device: Device,
    pub inventory: Inventory,
    /// What it cannot do.
    pub known: CardLimits,
    /// The node's device number, as udev names it.
    pub node: u64,
    /// A commit or a read was answered with ENODEV: see [`crate::session::Syncline::drop_gone_cards`].
    pub gone: bool,
    /// Its displays have changed while the session did not have its VT: the kernel looks at connectors for the master only.
    pub stale: bool,
    /// A display could not be lit because the CRTC or a plane was busy: when to try again, and how often that was done.
    pub again: Option<(fence::Ns, u32)>,
    /// Displays that are gone, until the flip that turns them off: nobody else can have their CRTCs before.
    pub leaving: Vec<Leaving>,
    pub saved: Option<kms::SavedState>,
    /// What the seat gave; goes back to it when the card leaves.
    pub held: OwnedFd,
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
        let read = held
            .try_clone()
            .map_err(|error| OpenError::unusable(path, error.to_string()))
            .and_then(|fd| kms::open::to_draw(fd, path, session.opens()));
        match read {
            Ok((device, inventory)) => Ok(Self { device, inventory, held }),
            Err(error) => {
                session.close_device(held);
                Err(error.into())
            }
        }
    }

    /// Whether a display is plugged in.
    pub fn has_display(&self) -> bool {
        self.inventory.connected().next().is_some()
    }

    /// What to say of one without.
    pub fn no_display(&self) -> Error {
        OpenError::no_display(self.device.path()).into()
    }

    /// Gives it back.
    pub fn close(self, session: &mut Session) {
        drop(self.device);
        session.close_device(self.held);
    }
}

impl Card {
    /// As the place of clients' timelines, on a descriptor of its own; why not, else.
    pub fn sync_device(&self) -> Result<SyncDevice, String> {
        let fd = self.device.as_fd().try_clone_to_owned().map_err(|e| e.to_string())?;
        let device = SyncDevice::new(fd).map_err(|e| e.to_string())?;
        device.require().map(|()| device).map_err(|missing| missing.to_string())
    }

    /// Takes a device into the session: remembers what its displays show, to be put back. Says once in the log what is known of its driver.
    pub fn new(found: Found) -> Self {
        let Found { device, inventory, held } = found;
        let saved = Some(device.save_state(&inventory));
        let node = rustix::fs::fstat(&device).map_or(0, |stat| stat.st_rdev);
        let known = CardLimits::new(&device);
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
    pub fn serial(&self) -> u32 {
        self.device.serial()
    }

    /// Number of its node, `/dev/dri/cardN`.
    pub fn number(&self) -> Option<u32> {
        kms::nodes::card_number(self.device.path())
    }

    /// Puts the console's picture back, once; its outputs are gone. Nothing is done where that would wait: `stuck` says that a commit waits for
    /// a fence.
    pub fn restore_console(&mut self, stuck: bool) {
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
    pub fn close(mut self, session: &mut Session) {
        // It keeps the device open.
        self.saved = None;
        drop((self.leaving, self.device));
        session.close_device(self.held);
    }
}

impl Card {
    /// Turns a display off without waiting. Behind a commit that waits for a fence it stays on until that one's flip, which may
    /// never come; the kernel keeps the framebuffers that it needs.
    pub fn turn_off(&mut self, mut leaving: Leaving) {
        match leaving.kms.disable(user_data(leaving.id, u64::MAX)) {
            Ok(false) => {}
            Ok(true) => self.leaving.push(leaving),
            Err(error) if error.errno == Errno::BUSY => {
                tracing::info!("{error}; the display is turned off after that flip");
                self.leaving.push(leaving);
            }
            Err(error) => tracing::debug!("turning {} off: {error}", leaving.kms.name()),
        }
    }
}
