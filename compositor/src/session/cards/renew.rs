//! What the session announces depends on its cards: renewed when they come and go.

use fence::SyncDevice;
use protocols::{linux_dmabuf::LinuxDmabufState, syncobj::SyncobjState};

use crate::{feedback::Feedbacks, output::card::card::Card, session::Syncline, system::error::Error};

/// A card as the place of clients' timelines; why not, else.
fn sync_device(card: &Card) -> Result<SyncDevice, String> {
    let fd = std::os::fd::AsFd::as_fd(&card.device).try_clone_to_owned().map_err(|e| e.to_string())?;
    let device = SyncDevice::new(fd).map_err(|e| e.to_string())?;
    device.require().map(|()| device).map_err(|missing| missing.to_string())
}

impl Syncline {
    /// Announces what depends on the devices: dma-buf formats and explicit synchronisation. The first card has the clients' timelines; when it
    /// leaves, the next one gets those that are made then.
    pub fn announce_devices(&mut self) -> Result<(), Error> {
        let (display, globals) = (&self.display, &mut self.globals);
        let feedback = Feedbacks::new(&self.outputs)?;
        globals.linux_dmabuf = Some(LinuxDmabufState::new::<Syncline>(display, feedback.default()));
        globals.feedback = Some(feedback);
        globals.shm.add_formats(self.outputs.renderer.shm_formats());
        let Some(card) = self.outputs.cards.iter().next() else { return Err(kms::OpenError::NoDevice.into()) };
        match sync_device(card) {
            Ok(device) => globals.syncobj = Some(SyncobjState::new::<Syncline>(display, device)),
            Err(reason) => tracing::warn!("no explicit synchronisation for clients on {}: {reason}", card.driver()),
        }
        Ok(())
    }

    /// Cards have come or gone: clients' new timelines live on the first one that is there.
    pub fn renew_sync_device(&mut self) {
        let Some(syncobj) = &mut self.globals.syncobj else { return };
        let Some(card) = self.outputs.cards.iter().next().filter(|card| card.serial() != self.outputs.timelines) else {
            return;
        };
        match sync_device(card) {
            Ok(device) => {
                syncobj.move_to(device);
                self.outputs.timelines = card.serial();
            }
            Err(reason) => tracing::warn!("no explicit synchronisation on {}: {reason}", card.driver()),
        }
    }
}
