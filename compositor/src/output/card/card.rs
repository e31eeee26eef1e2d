//! One card: a DRM device of the session, what it can do, and what its displays showed before the
//! session.
//!
//! An output belongs to the card of its [`kms::Output`]. Object ids are unique only within a card;
//! a card is identified by its device's serial. This module never renders and lights no display.

use std::{
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use fence::{SyncDevice, SyncFile};
use kms::{
    Device, Inventory, OpenError,
    headless::{Headless, HeadlessMode},
};
use rustix::io::Errno;

use crate::{
    output::{
        card::{leaving::Leaving, light::user_data, limits::CardLimits, monitor::Monitor},
        planes::request::KmsOutput,
    },
    system::{error::Error, seat::SeatSession},
};

/// A DRM device with everything that lives as long as the session uses it.
#[derive(Debug)]
pub struct Card {
    /// Owns a duplicate of the seat's descriptor.
    pub device: Device,
    /// It was made by request, has one display, and goes by request ([`crate::session::displays`]).
    pub created: bool,
    /// The card's connectors, CRTCs and planes, as last read.
    pub inventory: Inventory,
    /// What the card cannot do.
    pub known: CardLimits,
    /// The node's device number, as udev names it.
    pub node: u64,
    /// The device number of its render node, if there is one.
    pub render_node: Option<u64>,
    /// A commit or a read failed with ENODEV: see [`crate::session::Syncline::drop_gone_cards`].
    pub gone: bool,
    /// Displays were plugged in or unplugged while the session's VT was inactive. The kernel probes
    /// connectors only for the DRM master, so they must be read again.
    pub stale: bool,
    /// A display could not be lit because the CRTC or a plane was busy: when to retry
    /// (CLOCK_MONOTONIC), and the number of retries so far.
    pub retry: Option<(fence::Ns, u32)>,
    /// Unplugged displays, until the flip that turns them off: their CRTCs cannot be used before.
    pub leaving: Vec<Leaving>,
    /// Displays that went while all displays were off because the user was idle: monitors that have
    /// gone to sleep. They are not lit again before the user is back.
    pub asleep: Vec<(kms::ConnectorId, Monitor)>,
    /// What the displays showed before the session; `None` once it is restored.
    pub saved: Option<kms::SavedState>,
    /// The descriptor from the seat; returned to the seat when the card leaves.
    pub seat_fd: OwnedFd,
}

/// An open device that does not belong to the session yet.
#[derive(Debug)]
pub struct OpenedCard {
    pub device: Device,
    pub inventory: Inventory,
    seat_fd: OwnedFd,
}

impl OpenedCard {
    /// Opens a device, becomes its DRM master and reads its objects. Errors: no such node, no
    /// permission, no atomic modesetting, or another program is the master.
    pub fn open(session: &mut SeatSession, path: &Path) -> Result<Self, Error> {
        let seat_fd = session.open_device(path)?;
        let read = seat_fd
            .try_clone()
            .map_err(|error| OpenError::unusable(path, error.to_string()))
            .and_then(|fd| kms::open::to_draw(fd, path, session.opens()));
        match read {
            Ok((device, inventory)) => Ok(Self::new(device, inventory, seat_fd)),
            Err(error) => {
                session.close_device(seat_fd);
                Err(error.into())
            }
        }
    }

    /// A device that is open and read. `seat_fd` is what came from the seat and goes back to it.
    pub fn new(device: Device, inventory: Inventory, seat_fd: OwnedFd) -> Self {
        Self { device, inventory, seat_fd }
    }

    /// Whether a display is plugged in, or may be (the hardware cannot tell: VGA without DDC, HDMI whose
    /// hot-plug line is not wired) at a connector that is taken by its name.
    pub fn has_display(&self, take: impl Fn(&str) -> bool) -> bool {
        self.inventory.usable(take).next().is_some()
    }

    /// The error for a card without a display.
    pub fn no_display(&self) -> Error {
        OpenError::no_display(self.device.path()).into()
    }

    /// Closes the device and returns the descriptor to the seat.
    pub fn close(self, session: &mut SeatSession) {
        drop(self.device);
        session.close_device(self.seat_fd);
    }
}

impl Card {
    /// The device on which clients' syncobj timelines are imported, with its own descriptor. Error:
    /// why the device cannot do that.
    pub fn sync_device(&self) -> Result<SyncDevice, String> {
        let (kernel, fd) = self.device.syncobjs().map_err(|e| e.to_string())?;
        let device = SyncDevice::new_on(kernel, fd).map_err(|e| e.to_string())?;
        device.require().map(|()| device).map_err(|missing| missing.to_string())
    }

    /// A fence that has signalled; `None`: the card cannot make one.
    pub fn signalled_fence(&self) -> Option<SyncFile> {
        if self.device.is_headless() {
            return None;
        }
        let made = self.sync_device().and_then(|device| device.signalled().map_err(|error| error.to_string()));
        made.inspect_err(|reason| tracing::debug!("{}: no signalled fence: {reason}", self.driver())).ok()
    }

    /// Takes a device into the session. Saves what its displays show, for
    /// [`Card::restore_console`], and logs the known quirks of its driver.
    pub fn new(found: OpenedCard) -> Self {
        let OpenedCard { device, inventory, seat_fd } = found;
        let saved = Some(device.save_state(&inventory));
        let node = rustix::fs::fstat(&device).map_or(0, |stat| stat.st_rdev);
        let known = CardLimits::new(&device);
        let render_node = kms::nodes::render_node_of(node);
        Self {
            device,
            created: false,
            inventory,
            known,
            node,
            render_node,
            gone: false,
            stale: false,
            retry: None,
            leaving: Vec::new(),
            asleep: Vec::new(),
            saved,
            seat_fd,
        }
    }

    /// A card with one display of this name, which exists in this process only. Error: no descriptor is left.
    pub fn headless(name: &str, mode: HeadlessMode) -> Result<Self, String> {
        let (device, inventory) = Headless::named(name, mode).map_err(|error| error.to_string())?;
        let seat_fd = device.as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
        let card = Self::new(OpenedCard::new(device, inventory, seat_fd));
        // There is no console behind it.
        Ok(Self { created: true, saved: None, ..card })
    }

    /// The kernel's name of the driver; the driver's fences carry the same name.
    pub fn driver(&self) -> &str {
        self.device.driver()
    }

    /// See [`Device::serial`].
    pub fn serial(&self) -> kms::CardSerial {
        self.device.serial()
    }

    /// The N of its node `/dev/dri/cardN`.
    pub fn number(&self) -> Option<u32> {
        kms::nodes::card_number(self.device.path())
    }

    /// Restores the console's image, once. The card's outputs must be gone. Does nothing where the
    /// commit would block: `stalled` says that an output is stalled behind a fence.
    pub fn restore_console(&mut self, stalled: bool) {
        // A display whose turn-off is committed is off at the next vblank; the others wait for the
        // commit before it.
        let leaving = self.leaving.iter().any(|leaving| !leaving.kms.needs_modeset());
        self.leaving.clear();
        let Some(saved) = self.saved.take() else { return };
        let path = self.device.path().display();
        if self.gone {
            return;
        }
        if stalled || leaving {
            // Restoring would wait for the fence. The kernel restores the console itself when the
            // device is closed and the fence has signalled.
            tracing::warn!("{path}: a commit waits for a fence: the console's image is left to the kernel to restore");
            return;
        }
        match saved.restore() {
            Ok(restored) => tracing::debug!("{path}: console: {restored:?}"),
            Err(error) => tracing::warn!("{path}: the console's image could not be restored: {error}"),
        }
    }

    /// Closes the device and returns its descriptor to the seat.
    pub fn close(mut self, session: &mut SeatSession) {
        // The saved state keeps the device open.
        self.saved = None;
        let is_of_seat = !self.device.is_headless();
        drop((self.leaving, self.device));
        if is_of_seat {
            session.close_device(self.seat_fd);
        }
    }
}

impl Card {
    /// Prepares the modesets of outputs of this card, for one commit: with them goes what another
    /// program has left on. See [`kms::Device::undo_others`].
    pub fn undo_others<'a>(&mut self, outputs: impl Iterator<Item = &'a mut KmsOutput>) {
        let path = self.device.path().display();
        if let Err(error) = self.inventory.refresh_state(&self.device) {
            tracing::warn!("{path}: what other programs have left on cannot be read: {error}");
            return;
        }
        if let Err(errno) = self.device.undo_others(&self.inventory, outputs) {
            tracing::info!("{path}: what another program has left on cannot be turned off: {errno}");
        }
    }

    /// Turns a display off without waiting. If a commit in flight waits for a fence, the display
    /// stays on until the flip of that commit, which may never come; the kernel keeps the
    /// framebuffers that it needs.
    pub fn turn_off(&mut self, mut leaving: Leaving) {
        match leaving.kms.disable(user_data(leaving.id, u64::MAX)) {
            Ok(false) => {}
            Ok(true) => self.leaving.push(leaving),
            Err(error) if error.errno == Errno::BUSY => {
                tracing::info!("{error}; the display will be turned off after that flip");
                self.leaving.push(leaving);
            }
            Err(error) => tracing::debug!("turning {} off: {error}", leaving.kms.name()),
        }
    }
}
